"""What each component says it is: product and version, from its own mouth."""

from __future__ import annotations

import re
from pathlib import Path

from lab import access
from lab.embedded import ksqldb, registry
from lab.embedded.components import endpoints_of, registry_places, scheme
from lab.embedded.state import LabFolder, LabState
from lab.endpoints import ComponentInfo

_KAFKA_VERSION = re.compile(rb"Kafka version: (\S+)")
UNKNOWN = "unknown"


def identify(folder: LabFolder, state: LabState) -> tuple[ComponentInfo, ...]:
    """Ask every component. One that does not answer has the version "unknown"."""
    endpoints = endpoints_of(state)
    brokers = tuple(
        ComponentInfo(
            f"broker-{n}",
            "broker",
            "Apache Kafka",
            _kafka_version(folder.logs / f"broker-{n}.log"),
            f"{state.host}:{state.ports[f'broker-{n}']}",
        )
        for n in range(1, state.brokers + 1)
    )
    if state.brokers_only:
        return brokers
    added = (
        _ksqldb(name, f"{scheme(state)}://{state.host}:{state.ports[name]}") for name in state.added
    )
    return (
        *brokers,
        _registry(registry_places(folder, state).upstream_url, endpoints.schema_registry_url or ""),
        _ksqldb(ksqldb.NAME, endpoints.ksqldb_url or ""),
        *added,
    )


def _kafka_version(log: Path) -> str:
    """The version that a node logs when it starts; the protocol does not carry it."""
    try:
        found = _KAFKA_VERSION.search(log.read_bytes())
    except OSError:
        return UNKNOWN
    return found[1].decode("ascii", "replace") if found else UNKNOWN


def _registry(upstream_url: str, url: str) -> ComponentInfo:
    told = _get_json(f"{upstream_url}/apis/registry/v3/system/info")
    return ComponentInfo(
        registry.NAME,
        "schema-registry",
        str(told.get("name", "Apicurio Registry")),
        str(told.get("version", UNKNOWN)),
        url,
    )


def _ksqldb(name: str, url: str) -> ComponentInfo:
    told = _get_json(f"{url}/info").get("KsqlServerInfo", {})
    told = told if isinstance(told, dict) else {}
    return ComponentInfo(
        name,
        "ksqldb",
        "ksqlDB-compatible server on Kafka Streams",
        str(told.get("kafkaStreamsVersion", UNKNOWN)),
        url,
    )


def _get_json(url: str) -> dict[str, object]:
    import requests  # noqa: PLC0415 - loaded while the JVMs start

    try:
        told = access.session_of(url).get(url, timeout=5).json()
    except (requests.RequestException, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
