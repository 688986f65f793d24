"""Throw-away platforms: they are proven ready, they are gone afterwards, they say why they fail."""

from __future__ import annotations

import pytest
import requests
from testcontainers.core.network import Network

from lab.clients.kafka import KafkaClient
from lab.clients.schema_registry import SchemaRegistryClient
from lab.compose.engine import Engine
from lab.errors import ComponentFailed
from lab.testcontainers import KafkaContainer, LabStack, SchemaRegistryContainer


def test_a_stack_takes_records_and_is_gone_afterwards() -> None:
    with LabStack(services=("connect",)) as stack:
        endpoints = stack.endpoints
        assert endpoints.ksqldb_url is None
        kafka = KafkaClient(endpoints.bootstrap_servers)
        kafka.create_topic("thrown-away", partitions=1, replication=1)
        assert kafka.produce("thrown-away", b"soon gone").offset == 0
        engine = Engine(stack.project)
        assert set(engine.containers()) == {"broker-1", "schema-registry", "connect"}
        plugins = requests.get(f"{endpoints.connect_url}/connector-plugins", timeout=30).json()
        names = {one["class"].rpartition(".")[2] for one in plugins}
        assert {"PostgresConnector", "JdbcSinkConnector"} <= names
    assert engine.containers() == {}


def test_pieces_that_share_a_network() -> None:
    with (
        Network() as network,
        KafkaContainer().with_network(network) as kafka,
        SchemaRegistryContainer(kafka.inside).with_network(network) as registry,
    ):
        topics = KafkaClient(kafka.get_bootstrap_server()).topics()
        assert {name for name in topics if not name.startswith("__")} == set()
        assert SchemaRegistryClient(registry.url).subjects() == []


def test_a_piece_that_cannot_start_shows_its_log() -> None:
    broken = KafkaContainer().with_env("KAFKA_NODE_ID", "one")
    with pytest.raises(ComponentFailed) as caught:
        broken.start()
    assert any("one" in line for line in caught.value.log_tail)


def test_a_stack_needs_something_that_exists() -> None:
    with pytest.raises(ValueError, match="services"):
        LabStack(services=("ksqldb", "kafka-rest"))
    with pytest.raises(ValueError, match="1 or 3"):
        LabStack(brokers=2)
