"""From a lab's state and outfit to the processes of each component: no side effects here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.embedded import broker, ksqldb, registry
from lab.embedded.broker import Node
from lab.embedded.ksqldb import KsqldbPlaces
from lab.embedded.outfit import Outfit
from lab.embedded.process import ProcessSpec
from lab.embedded.registry import RegistryPlaces
from lab.embedded.state import LabFolder, LabState
from lab.endpoints import Endpoints, Role
from lab.errors import UsageError

TRAINING_STOP_GRACE_SECONDS = 120.0


@dataclass(frozen=True)
class Component:
    """A component and its processes, of which the first is the one that does the work."""

    name: str
    role: Role
    processes: tuple[ProcessSpec, ...]

    @property
    def process_names(self) -> tuple[str, ...]:
        """The names of the processes."""
        return tuple(spec.name for spec in self.processes)


@dataclass(frozen=True)
class Blueprint:
    """All that is to run in a lab, and where it answers; ``ksqldbs`` by component."""

    nodes: tuple[Node, ...]
    registry: RegistryPlaces
    ksqldbs: dict[str, KsqldbPlaces]
    components: tuple[Component, ...]
    endpoints: Endpoints


def processes_by_component(
    brokers: int, *, brokers_only: bool = False, added: Iterable[str] = ()
) -> dict[str, tuple[str, ...]]:
    """The names of a lab's components, each with those of its processes.

    ``added`` are the names of the servers that were started beside the lab's own.
    """
    nodes: dict[str, tuple[str, ...]] = {
        f"broker-{n}": (f"broker-{n}",) for n in range(1, brokers + 1)
    }
    if brokers_only:
        return nodes
    return {
        **nodes,
        registry.NAME: (registry.NAME, registry.PROXY_NAME),
        **{name: (name,) for name in (ksqldb.NAME, *added)},
    }


def processes_of(state: LabState) -> dict[str, tuple[str, ...]]:
    """The names of the lab's components, each with those of its processes."""
    return processes_by_component(state.brokers, brokers_only=state.brokers_only, added=state.added)


def components_of(state: LabState) -> tuple[str, ...]:
    """The names of the lab's components."""
    return tuple(processes_of(state))


def component_of_listener(listener: str) -> str:
    """The component that a listener (a key of ``LabState.ports``) belongs to."""
    if listener.startswith("controller-"):
        return listener.replace("controller-", "broker-")
    return registry.NAME if listener == "registry-upstream" else listener


def resolve_component(name: str, state: LabState) -> str:
    """The component that a user means: "broker" alone if there is one, "registry" for short.

    Raises UsageError, listing the names.
    """
    names = components_of(state)
    aliases = {"registry": registry.NAME, **({"broker": "broker-1"} if state.brokers == 1 else {})}
    found = aliases.get(name, name)
    if found not in names:
        raise UsageError(
            f"there is no component {name!r}", hint=f"The components are: {', '.join(names)}."
        )
    return found


def endpoints_of(state: LabState) -> Endpoints:
    """Where a lab's components answer."""
    nodes = broker.nodes_from(state.ports, state.brokers)
    bootstrap_servers = broker.bootstrap_servers(nodes, state.host)
    if state.brokers_only:
        return Endpoints(bootstrap_servers)
    return Endpoints(
        bootstrap_servers=bootstrap_servers,
        schema_registry_url=f"{scheme(state)}://{state.host}:{state.ports['schema-registry']}",
        ksqldb_url=f"{scheme(state)}://{state.host}:{state.ports['ksqldb']}",
    )


def scheme(state: LabState) -> str:
    """How registry and ksqlDB are reached."""
    return "https" if state.secure else "http"


def registry_places(folder: LabFolder, state: LabState) -> RegistryPlaces:
    """Where the registry listens and keeps things."""
    return RegistryPlaces(
        host=state.host,
        port=state.ports["schema-registry"],
        upstream_port=state.ports["registry-upstream"],
        data_dir=folder.data / "schema-registry",
        access_log=folder.logs / "registry-access.jsonl",
        config=folder.run / f"{registry.NAME}.properties" if state.secure else None,
        key_file=folder.secure / f"{registry.NAME}.pem" if state.secure else None,
    )


def broker_log_dir(folder: LabFolder, node_id: int) -> Path:
    """A node's log directory."""
    return folder.data / f"broker-{node_id}"


def ksqldb_state_dir(folder: LabFolder, name: str = ksqldb.NAME) -> Path:
    """Where a ksqlDB-compatible server keeps its RocksDB stores."""
    return folder.data / name


def ksqldb_places(folder: LabFolder, state: LabState, build_dir: Path) -> dict[str, KsqldbPlaces]:
    """The lab's own server and those that were added, by component."""
    registry_url = registry_places(folder, state).url
    bootstrap_servers = endpoints_of(state).bootstrap_servers

    def places(name: str, **own: Any) -> KsqldbPlaces:
        return KsqldbPlaces(
            host=state.host,
            port=state.ports[name],
            bootstrap_servers=bootstrap_servers,
            schema_registry_url=registry_url,
            state_dir=ksqldb_state_dir(folder, name),
            build_dir=build_dir,
            name=name,
            config=folder.run / f"{name}.properties" if state.secure else None,
            scheme=scheme(state),
            **own,
        )

    return {ksqldb.NAME: places(ksqldb.NAME)} | {
        name: places(name, service_id=one.service_id, properties=one.properties)
        for name, one in state.added.items()
    }


def properties_file(folder: LabFolder, node: Node) -> Path:
    """Where a node's generated configuration is."""
    return folder.run / f"{node.name}.properties"


def blueprint(
    folder: LabFolder, state: LabState, outfit: Outfit, *, training: bool = False
) -> Blueprint:
    """What runs in this lab. A ``training`` lab writes start-up caches when it is stopped."""
    caches = outfit.aot_caches()
    nodes = broker.nodes_from(state.ports, state.brokers)
    endpoints = endpoints_of(state)
    registry_at = registry_places(folder, state)
    ksqldbs = ksqldb_places(folder, state, outfit.build_dir)

    def options(kind: str) -> tuple[str, ...]:
        if kind not in caches:
            return ()
        return caches[kind].record() if training else caches[kind].use()

    def grace(normal: float) -> float:
        return TRAINING_STOP_GRACE_SECONDS if training else normal

    brokers = tuple(
        Component(
            node.name,
            "broker",
            (
                broker.process_spec(
                    node,
                    java=outfit.java,
                    class_path=outfit.class_path("kafka"),
                    properties_file=properties_file(folder, node),
                    jvm_options=options("broker"),
                    stop_grace_seconds=grace(15.0),
                ),
            ),
        )
        for node in nodes
    )
    registry_component = Component(
        registry.NAME,
        "schema-registry",
        (
            registry.process_spec(
                registry_at,
                java=outfit.java,
                folder=outfit.registry_dir,
                jvm_options=options("schema-registry"),
                stop_grace_seconds=grace(10.0),
            ),
            registry.proxy_spec(registry_at),
        ),
    )
    servers = tuple(
        Component(
            name,
            "ksqldb",
            (
                ksqldb.process_spec(
                    places,
                    java=outfit.java,
                    class_path=outfit.class_path("ksqldb"),
                    jvm_options=options("ksqldb"),
                    stop_grace_seconds=grace(10.0),
                ),
            ),
        )
        for name, places in ksqldbs.items()
    )
    return Blueprint(
        nodes,
        registry_at,
        ksqldbs,
        brokers if state.brokers_only else (*brokers, registry_component, *servers),
        endpoints,
    )
