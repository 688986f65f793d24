"""Apache Kafka nodes in KRaft mode: configuration and storage as pure functions.

Every node is broker and controller at once; the quorum's voters are static. Storage is formatted
without a JVM: ``meta.properties`` is written by hand and ``bootstrap.checkpoint``, which carries
the feature levels that Kafka's StorageTool would set, comes with the package. Without the latter
the KIP-848 group protocol would be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from lab.embedded.jre import JavaRuntime
from lab.embedded.process import ProcessSpec
from lab.embedded.security import LISTENER, Security, broker_properties
from lab.embedded.state import new_directory_id

MAIN_CLASS = "kafka.Kafka"
HEAP = "-Xmx512m"
LIGHT_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""One collector thread and the quick compiler only: on two cores a node starts in two thirds of the
time, holds less memory and takes as many records per second (see docs/decisions/jvm-options.md)."""


@dataclass(frozen=True)
class Node:
    """One node of a cluster: its id and where it listens."""

    node_id: int
    client_port: int
    controller_port: int

    @property
    def name(self) -> str:
        """The component's name."""
        return f"broker-{self.node_id}"


def nodes_from(ports: dict[str, int], brokers: int) -> tuple[Node, ...]:
    """The nodes of a lab, from its chosen ports."""
    return tuple(
        Node(n, ports[f"broker-{n}"], ports[f"controller-{n}"]) for n in range(1, brokers + 1)
    )


def bootstrap_servers(nodes: tuple[Node, ...], host: str) -> str:
    """The client addresses of all nodes."""
    return ",".join(f"{host}:{node.client_port}" for node in nodes)


def server_properties(
    node: Node,
    nodes: tuple[Node, ...],
    *,
    host: str,
    log_dir: Path,
    security: Security | None = None,
) -> dict[str, str]:
    """A node's configuration.

    Replication follows the number of nodes (3 and min.insync.replicas=2 for internal topics in a
    cluster of three). ``log.cleaner.dedupe.buffer.size`` is small because a node otherwise holds
    128 MiB for compaction; ``__transaction_state`` has 5 partitions instead of 50 because they are
    made while the first transaction waits. ``__consumer_offsets`` has its usual 50. A group of the
    newer protocol may ask for a shorter session time-out than Kafka's 45 s, still the default.
    """
    replicas = min(3, len(nodes))
    in_sync = 2 if replicas == 3 else 1
    listener = "PLAINTEXT" if security is None else LISTENER
    secure = {} if security is None else broker_properties(security, host, node.client_port)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.node_id),
        "controller.quorum.voters": ",".join(
            f"{peer.node_id}@{host}:{peer.controller_port}" for peer in nodes
        ),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{listener}://{host}:{node.client_port},"
        f"CONTROLLER://{host}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{host}:{node.client_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(log_dir),
        "num.partitions": "1",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "transaction.state.log.num.partitions": "5",
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        "group.initial.rebalance.delay.ms": "0",
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.min.heartbeat.interval.ms": "1000",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "controlled.shutdown.enable": "true",
        "auto.create.topics.enable": "true",
        **secure,
    }


def render_properties(properties: dict[str, str]) -> str:
    """Java properties as text, one a line. Backslashes are escaped as the format needs."""
    return "".join(
        f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items()
    )


def format_storage(log_dir: Path, node_id: int, cluster_id: str, kafka_version: str) -> None:
    """Prepare an empty log directory for a node; leave one that is formatted as it is.

    ``meta.properties`` version 1 with a directory id is KIP-858's form. It is written last, as the
    sign that formatting was completed.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    meta = log_dir / "meta.properties"
    if meta.exists():
        return
    checkpoint = resources.files("lab.embedded").joinpath(
        f"data/bootstrap-{kafka_version}.checkpoint"
    )
    (log_dir / "bootstrap.checkpoint").write_bytes(checkpoint.read_bytes())
    draft = meta.with_suffix(".draft")
    draft.write_text(
        render_properties(
            {
                "version": "1",
                "cluster.id": cluster_id,
                "node.id": str(node_id),
                "directory.id": new_directory_id(),
            }
        ),
        "utf-8",
    )
    draft.replace(meta)


def process_spec(
    node: Node,
    *,
    java: JavaRuntime,
    class_path: str,
    properties_file: Path,
    jvm_options: tuple[str, ...] = (),
    stop_grace_seconds: float = 15.0,
) -> ProcessSpec:
    """How a node is started."""
    return ProcessSpec(
        node.name,
        (
            str(java.java),
            HEAP,
            *LIGHT_JVM,
            *jvm_options,
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
            "-Djava.awt.headless=true",
            "-cp",
            class_path,
            MAIN_CLASS,
            str(properties_file),
        ),
        stop_grace_seconds=stop_grace_seconds,
    )
