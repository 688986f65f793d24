"""What each container's program says it is: product and version, from its own mouth.

A compose file can be given any images, so that the name of an image proves nothing.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from lab.compose.engine import Engine
from lab.compose.plan import components_of, role_of, url_of
from lab.embedded.state import LabState
from lab.endpoints import ComponentInfo
from lab.errors import LabError

UNKNOWN = "unknown"
_KAFKA_VERSION = re.compile(rb"Kafka version: (\S+)")


def identify(engine: Engine, state: LabState) -> tuple[ComponentInfo, ...]:
    """Ask every component. One that does not answer has the version "unknown"."""

    def ask(component: str) -> ComponentInfo:
        url, role = url_of(component, state), role_of(component)
        if role == "broker":
            product, version = "Apache Kafka", _kafka_version(engine, component)
        elif role == "schema-registry":
            product, version = registry_from(_ask(f"{url}/v1/metadata/version"), _apicurio(url))
        elif role == "ksqldb":
            product, version = ksqldb_from(_ask(f"{url}/info"))
        else:
            product, version = connect_from(_ask(f"{url}/"))
        return ComponentInfo(component, role, product, version, url)

    components = components_of(state)
    with ThreadPoolExecutor(len(components)) as pool:
        return tuple(pool.map(ask, components))


def _kafka_version(engine: Engine, component: str) -> str:
    """The version that a node logs when it starts; the protocol does not carry it."""
    try:
        found = _KAFKA_VERSION.findall(engine.log(component))
    except LabError:
        return UNKNOWN
    return found[-1].decode("ascii", "replace") if found else UNKNOWN


def registry_from(confluent: dict[str, object], apicurio: dict[str, object]) -> tuple[str, str]:
    """Product and version: Confluent's registry tells a commit, Apicurio's a name."""
    if "commitId" in confluent and "version" in confluent:
        return "Confluent Schema Registry", str(confluent["version"])
    if "name" in apicurio:
        return str(apicurio["name"]), str(apicurio.get("version", UNKNOWN))
    return "schema registry", UNKNOWN


def _apicurio(url: str) -> dict[str, object]:
    return _ask(f"{url}/apis/registry/v3/system/info")


def ksqldb_from(info: dict[str, object]) -> tuple[str, str]:
    """Product and version: the compatible server tells the version of Kafka Streams beside it."""
    told = info.get("KsqlServerInfo")
    if not isinstance(told, dict):
        return "ksqlDB server", UNKNOWN
    if "kafkaStreamsVersion" in told:
        version = str(told["kafkaStreamsVersion"])
        return "ksqlDB-compatible server on Kafka Streams", version
    return "ksqlDB server", str(told.get("version", UNKNOWN))


def connect_from(told: dict[str, object]) -> tuple[str, str]:
    """Product and version of a Connect worker."""
    return "Kafka Connect", str(told.get("version", UNKNOWN))


def _ask(url: str) -> dict[str, object]:
    import requests  # noqa: PLC0415 - loaded while the containers start

    try:
        told = requests.get(url, timeout=5).json()
    except (requests.RequestException, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
