"""What a lab of containers consists of, and how its compose file is told: pure.

The compose file knows nothing of labs: all that differs between two of them are variables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lab
from lab.embedded.state import LabState
from lab.endpoints import Endpoints, Role
from lab.errors import EnvironmentProblem, UsageError

FILE_NAME = "docker-compose.yml"
FOLDER = ".compose"
"""Where labs of containers keep their state, beside embedded labs: no lab can be called so."""
NETWORK_PORTS = {"broker": 9092, "schema-registry": 8081, "ksqldb": 8088, "connect": 8083}
"""The port inside a container, by role."""

IMAGE_VARIABLES = {
    "broker-1": "KAFKA_IMAGE",
    "schema-registry": "SCHEMA_REGISTRY_IMAGE",
    "ksqldb": "KSQLDB_IMAGE",
    "connect": "CONNECT_IMAGE",
}
_PORT_VARIABLES = {
    "broker-1": "LAB_BROKER_1_PORT",
    "broker-2": "LAB_BROKER_2_PORT",
    "broker-3": "LAB_BROKER_3_PORT",
    "schema-registry": "LAB_SCHEMA_REGISTRY_PORT",
    "ksqldb": "LAB_KSQLDB_PORT",
    "connect": "LAB_CONNECT_PORT",
}
PLUGINS_VARIABLE = "LAB_CONNECT_PLUGINS"
KSQLDB_STATE = "/home/appuser/kafka-streams"
BROKER_LOGS = "/var/lib/kafka/data"
_ROLES: dict[str, Role] = {
    "schema-registry": "schema-registry",
    "ksqldb": "ksqldb",
    "connect": "connect",
}


def compose_file() -> Path:
    """Where the compose file is: in the package, or beside it in a checkout.

    Raises EnvironmentProblem if it is nowhere.
    """
    package = Path(lab.__file__).parent
    for candidate in (package / "compose" / FILE_NAME, package.parent / FILE_NAME):
        if candidate.is_file():
            return candidate
    raise EnvironmentProblem(f"{FILE_NAME} did not come with the lab", hint="Install it anew.")


def project_name(folder: Path, name: str) -> str:
    """The compose project of a lab: its name, and a mark of the folder that it is kept in."""
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return f"kafka-lab-{name}-{mark}"


def components_of(state: LabState) -> tuple[str, ...]:
    """The components, which are also the names of the services, brokers first."""
    brokers = tuple(f"broker-{n}" for n in range(1, state.brokers + 1))
    return brokers if state.brokers_only else (*brokers, *_ROLES)


def role_of(component: str) -> Role:
    """What a component is."""
    return "broker" if component.startswith("broker-") else _ROLES[component]


def resolve_component(name: str, state: LabState, also: tuple[str, ...] = ()) -> str:
    """The component that a user means: "broker" alone if there is one, "registry" for short.

    ``also`` are components beside the lab's own. Raises UsageError, listing the names.
    """
    names = (*components_of(state), *also)
    aliases = {
        "registry": "schema-registry",
        **({"broker": "broker-1"} if state.brokers == 1 else {}),
    }
    found = aliases.get(name, name)
    if found not in names:
        raise UsageError(
            f"there is no component {name!r}", hint=f"The components are: {', '.join(names)}."
        )
    return found


def endpoints_of(state: LabState) -> Endpoints:
    """Where the components answer on this machine; one without a port is None."""
    host, ports = state.host, state.ports
    bootstrap = ",".join(f"{host}:{ports[f'broker-{n}']}" for n in range(1, state.brokers + 1))

    def url(component: str) -> str | None:
        if state.brokers_only or component not in ports:
            return None
        return f"http://{host}:{ports[component]}"

    return Endpoints(bootstrap, url("schema-registry"), url("ksqldb"), url("connect"))


def url_of(component: str, state: LabState) -> str:
    """Where one component answers: an address for a broker, else a URL."""
    scheme = "" if role_of(component) == "broker" else "http://"
    return f"{scheme}{state.host}:{state.ports[component]}"


def variables(state: LabState, plugins: Path) -> dict[str, str]:
    """The variables of the compose file for this lab. Images and versions stay as the user has."""
    nodes = range(1, state.brokers + 1)
    three = state.brokers >= 3
    return {
        "LAB_CLUSTER_ID": state.cluster_id,
        "LAB_LISTEN_HOST": state.host,
        "LAB_VOTERS": ",".join(f"{n}@broker-{n}:9093" for n in nodes),
        "LAB_BOOTSTRAP": ",".join(f"broker-{n}:19092" for n in nodes),
        "LAB_REPLICAS": "3" if three else "1",
        "LAB_MIN_ISR": "2" if three else "1",
        "COMPOSE_PROFILES": "three-brokers" if three else "",
        PLUGINS_VARIABLE: str(plugins),
        **{
            variable: str(state.ports[component])
            for component, variable in _PORT_VARIABLES.items()
            if component in state.ports
        },
    }


@dataclass(frozen=True)
class Image:
    """An image that a lab needs, and the services that are made of it."""

    name: str
    services: tuple[str, ...]


def images(config: Mapping[str, object], services: tuple[str, ...]) -> tuple[Image, ...]:
    """The images of these services, each once, from ``docker compose config --format json``."""
    found: dict[str, list[str]] = {}
    for service in services:
        image = _image_of(config, service)
        if image is not None:
            found.setdefault(image, []).append(service)
    return tuple(Image(name, tuple(of)) for name, of in found.items())


def image_variables(config: Mapping[str, object]) -> dict[str, str]:
    """The variables that name the very images of this configuration."""
    named = {variable: _image_of(config, s) for s, variable in IMAGE_VARIABLES.items()}
    return {variable: image for variable, image in named.items() if image is not None}


def _image_of(config: Mapping[str, object], service: str) -> str | None:
    services = config.get("services")
    entry = services.get(service) if isinstance(services, dict) else None
    image = entry.get("image") if isinstance(entry, dict) else None
    return image if isinstance(image, str) else None
