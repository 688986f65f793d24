"""The parts of the platform one by one, each as a container of testcontainers.

    with Network() as network:
        with KafkaContainer().with_network(network) as kafka:
            with SchemaRegistryContainer(kafka.inside).with_network(network) as registry:
                ...

Containers reach each other on a network that they share, under the aliases that they have here
unless given others.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from testcontainers.core.container import DockerContainer

from lab.compose.engine import translating
from lab.embedded.ports import FREE_RANGE, is_free
from lab.embedded.state import new_cluster_id
from lab.errors import ComponentFailed, EnvironmentProblem, LabError
from lab.readiness import (
    ProofFailed,
    broker_proven,
    prove_connect,
    prove_registry,
    wait_for_ksqldb,
)

KAFKA_VERSION = "4.3.1"
CONFLUENT_VERSION = "8.2.0"
PLUGINS = "/usr/share/lab-plugins"


def image(variable: str, repository: str, version_variable: str, version: str) -> str:
    """The image that the variables of the compose file name, or its default."""
    return os.environ.get(variable) or f"{repository}:{os.environ.get(version_variable) or version}"


class ProvenContainer(DockerContainer):
    """A container that is proven ready before ``start`` returns, or is gone with an error."""

    component = ""
    timeout_seconds = 120.0

    def prove(self, give_up: Callable[[], None]) -> None:
        """Wait until the component has done its work once. Raises LabError."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start and prove ready. Raises ComponentFailed with the end of the log.

        Raises LabError if the engine makes no container of the image, or Ryuk does not start.
        """
        with translating():
            super().start()
        try:
            self.prove(self._give_up)
        except ComponentFailed:
            self.stop()
            raise
        except LabError as error:
            failure = self._failure(f"{self.component} did not get ready: {error}")
            self.stop()
            raise failure from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Remove the container; harmless when it is gone already."""
        super().stop(force, delete_volume)
        self._container = None

    def _give_up(self) -> None:
        wrapped: Any = self.get_wrapped_container()
        wrapped.reload()
        if wrapped.status in {"exited", "dead"}:
            raise self._failure(f"{self.component} ended while starting")

    def _failure(self, message: str) -> ComponentFailed:
        out, err = self.get_logs()
        lines = (out + err).decode(errors="replace").strip().splitlines()
        return ComponentFailed(self.component, message, log_tail=tuple(lines[-20:]))

    def url_of(self, port: int) -> str:
        """Where a port of the container answers, seen from this machine."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(port)}"

    def with_alias(self, alias: str) -> Self:
        """Be known by this name on a shared network, unless there is one already."""
        if not self._network_aliases:
            self.with_network_aliases(alias)
        return self

    def with_network(self, network: Any) -> Self:
        """Join a network, under this component's name unless an alias was given."""
        super().with_network(network)
        return self.with_alias(self.component)


class KafkaContainer(ProvenContainer):
    """One KRaft node of Apache Kafka, broker and controller at once.

    The port on this machine is chosen beforehand, because a broker must know by which address it
    is reached.
    """

    component = "kafka"

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        chosen = name or image("KAFKA_IMAGE", "apache/kafka", "KAFKA_VERSION", KAFKA_VERSION)
        super().__init__(chosen, **kwargs)
        self._port = _free_port()
        self.with_bind_ports(9092, self._port)
        self.with_envs(
            CLUSTER_ID=new_cluster_id(),
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_LISTENERS="DOCKER://:19092,HOST://:9092,CONTROLLER://:9093",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=(
                "DOCKER:PLAINTEXT,HOST:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            KAFKA_INTER_BROKER_LISTENER_NAME="DOCKER",
            KAFKA_LOG_DIRS="/var/lib/kafka/data",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR="1",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_HEAP_OPTS="-Xms256m -Xmx512m",
        )

    @property
    def inside(self) -> str:
        """The bootstrap address for containers on the same network."""
        alias = (self._network_aliases or [self.component])[0]
        return f"{alias}:19092"

    def get_bootstrap_server(self) -> str:
        """The bootstrap address for programs on this machine."""
        return f"{self.get_docker_client().host()}:{self._port}"

    def start(self) -> Self:
        """Start and prove that it takes a record and gives it back."""
        inside = self.inside if self._network is not None else "localhost:19092"
        outside = self.get_bootstrap_server()
        self.with_env("KAFKA_ADVERTISED_LISTENERS", f"DOCKER://{inside},HOST://{outside}")
        return super().start()

    def prove(self, give_up: Callable[[], None]) -> None:
        """A record goes in and comes out."""
        with broker_proven(
            self.get_bootstrap_server(),
            replicas=1,
            timeout_seconds=self.timeout_seconds,
            give_up=give_up,
        ):
            pass


class SchemaRegistryContainer(ProvenContainer):
    """A schema registry on the brokers at ``bootstrap`` (``KafkaContainer.inside``)."""

    component = "schema-registry"

    def __init__(self, bootstrap: str, name: str | None = None, **kwargs: Any) -> None:
        default = ("confluentinc/cp-schema-registry", "CONFLUENT_VERSION", CONFLUENT_VERSION)
        super().__init__(name or image("SCHEMA_REGISTRY_IMAGE", *default), **kwargs)
        self.with_exposed_ports(8081)
        self.with_envs(
            SCHEMA_REGISTRY_HOST_NAME="schema-registry",
            SCHEMA_REGISTRY_LISTENERS="http://0.0.0.0:8081",
            SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS=bootstrap,
            SCHEMA_REGISTRY_KAFKASTORE_TOPIC_REPLICATION_FACTOR="1",
            SCHEMA_REGISTRY_HEAP_OPTS="-Xms128m -Xmx384m",
        )

    @property
    def inside(self) -> str:
        """The URL for containers on the same network."""
        return f"http://{(self._network_aliases or [self.component])[0]}:8081"

    @property
    def url(self) -> str:
        """The URL for programs on this machine."""
        return self.url_of(8081)

    def prove(self, give_up: Callable[[], None]) -> None:
        """It stores a schema and serves it."""
        prove_registry(self.url, timeout_seconds=self.timeout_seconds, give_up=give_up)


class KsqldbContainer(ProvenContainer):
    """A ksqlDB server on the brokers at ``bootstrap``, with a registry if one is named."""

    component = "ksqldb"

    def __init__(
        self, bootstrap: str, registry: str | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        default = ("confluentinc/cp-ksqldb-server", "CONFLUENT_VERSION", CONFLUENT_VERSION)
        super().__init__(name or image("KSQLDB_IMAGE", *default), **kwargs)
        self.with_exposed_ports(8088)
        self.with_envs(
            KSQL_LISTENERS="http://0.0.0.0:8088",
            KSQL_BOOTSTRAP_SERVERS=bootstrap,
            KSQL_KSQL_SERVICE_ID="default_",
            KSQL_KSQL_INTERNAL_TOPIC_REPLICAS="1",
            KSQL_HEAP_OPTS="-Xms256m -Xmx768m",
            KSQL_KSQL_STREAMS_STATE_DIR="/home/appuser/kafka-streams",
        )
        if registry is not None:
            self.with_env("KSQL_KSQL_SCHEMA_REGISTRY_URL", registry)

    @property
    def url(self) -> str:
        """The URL for programs on this machine."""
        return self.url_of(8088)

    def prove(self, give_up: Callable[[], None]) -> None:
        """It says that it is healthy, and runs a statement."""
        wait_for_ksqldb(self.url, timeout_seconds=self.timeout_seconds, give_up=give_up)
        import requests  # noqa: PLC0415

        answer = requests.post(
            f"{self.url}/ksql", json={"ksql": "SHOW STREAMS;", "streamsProperties": {}}, timeout=30
        )
        if answer.status_code != 200:
            raise ProofFailed(f"ksqlDB refused SHOW STREAMS: {answer.text[:300]}")


class ConnectContainer(ProvenContainer):
    """A worker of Kafka Connect in distributed mode on the brokers at ``bootstrap``.

    ``plugins`` is a folder of connector plug-ins on this machine, mounted read-only.
    """

    component = "connect"

    def __init__(
        self,
        bootstrap: str,
        plugins: Path | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        default = ("confluentinc/cp-kafka-connect", "CONFLUENT_VERSION", CONFLUENT_VERSION)
        super().__init__(name or image("CONNECT_IMAGE", *default), **kwargs)
        self.with_exposed_ports(8083)
        self.with_envs(
            CONNECT_BOOTSTRAP_SERVERS=bootstrap,
            CONNECT_GROUP_ID="lab-connect",
            CONNECT_REST_ADVERTISED_HOST_NAME="connect",
            CONNECT_REST_PORT="8083",
            CONNECT_CONFIG_STORAGE_TOPIC="lab-connect-configs",
            CONNECT_OFFSET_STORAGE_TOPIC="lab-connect-offsets",
            CONNECT_STATUS_STORAGE_TOPIC="lab-connect-status",
            CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR="1",
            CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR="1",
            CONNECT_STATUS_STORAGE_REPLICATION_FACTOR="1",
            CONNECT_OFFSET_STORAGE_PARTITIONS="5",
            CONNECT_KEY_CONVERTER="org.apache.kafka.connect.storage.StringConverter",
            CONNECT_VALUE_CONVERTER="org.apache.kafka.connect.json.JsonConverter",
            CONNECT_PLUGIN_PATH=f"/usr/share/java,/usr/share/confluent-hub-components,{PLUGINS}",
            KAFKA_HEAP_OPTS="-Xms256m -Xmx640m",
        )
        if plugins is not None:
            self.with_volume_mapping(str(plugins.resolve()), PLUGINS, "ro")

    @property
    def url(self) -> str:
        """The URL for programs on this machine."""
        return self.url_of(8083)

    def prove(self, give_up: Callable[[], None]) -> None:
        """It lists its connectors, and loads a plug-in that all have."""
        prove_connect(self.url, timeout_seconds=self.timeout_seconds, give_up=give_up)


def _free_port() -> int:
    """A port that nobody listens on, at random: programs that start together choose otherwise."""
    for _ in range(len(FREE_RANGE)):
        port = secrets.choice(FREE_RANGE)
        if is_free(port):
            return port
    raise EnvironmentProblem("no free port for a broker")
