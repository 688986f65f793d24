"""The command topic beside the recorded one: its settings, and each record's key and beginning.

The plans inside are this project's own. That the server's own properties follow the request's, and
then a versioned plan, is compared by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka import admin as kafka_admin

from .replay import scenario

TOPICS, COMMANDS = scenario("10-command-topic")["steps"]
RECORDS = COMMANDS["records"]


def read(bootstrap: str, topic: str) -> list[tuple[str, str]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "looking"})
    found: list[tuple[str, str]] = []
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
        consumer.assign([TopicPartition(topic, 0, low)])
        while consumer.position([TopicPartition(topic, 0)])[0].offset < high:
            for message in consumer.consume(100, timeout=0.1):
                key, value = message.key(), message.value()
                assert isinstance(key, bytes)
                assert isinstance(value, bytes)
                found.append((key.decode(), value.decode()))
    finally:
        consumer.close()
    return found


@pytest.mark.xdist_group("ksqldb-scenarios")
def test_commands_are_written_as_ksqldb_writes_them(
    make_server: Callable[[], Any], bootstrap: str
) -> None:
    server = make_server()
    server.start()
    for record in RECORDS[1:]:
        statement = json.loads(record["value_starts"] + "}")["statement"]
        statement = re.sub(r"CLEANUP_POLICY='[^']*', ", "", statement)  # the server's own addition
        server.ksql(statement, **{"ksql.streams.auto.offset.reset": "earliest"})
    topic = f"_confluent-ksql-{server.service_id}_command_topic"
    commands = read(bootstrap, topic)
    prefix = f'"{server.service_id}'
    assert [key for key, _ in commands] == [r["key_text"] for r in RECORDS]
    for (_, value), recorded in zip(commands, RECORDS, strict=True):
        shown = value.replace(f"'{server.service_id}ksql", "'default_ksql")
        shown = shown.replace('"auto.offset.reset":"earliest",', "", 1)
        assert shown.startswith(recorded["value_starts"])
        assert list(json.loads(value)) == [
            "statement",
            "streamsProperties",
            "originalProperties",
            "plan",
            "version",
        ]
        assert f'"ksql.service.id":{prefix}"' in value
    settings(bootstrap, topic, TOPICS["topics"][0])


def settings(bootstrap: str, topic: str, recorded: Any) -> None:
    admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
    resource = kafka_admin.ConfigResource(  # type: ignore[attr-defined] # exported in fact
        kafka_admin.ResourceType.TOPIC,  # type: ignore[attr-defined] # as above
        topic,
    )
    configs = next(iter(admin.describe_configs([resource]).values())).result()
    assert {k: configs[k].value for k in recorded["configs"]} == recorded["configs"]
    partitions = admin.list_topics(topic, timeout=10).topics[topic].partitions
    assert len(partitions) == recorded["partitions"]
