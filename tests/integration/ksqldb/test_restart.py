"""Starts, stops and what comes back."""

from __future__ import annotations

import socket
from collections.abc import Callable

import httpx2
import pytest
from confluent_kafka import Consumer, TopicPartition
from support.ksqldb_server import Server, until


def ends(server: Server, topic: str) -> dict[int, int]:
    """The end offset of each partition."""
    consumer = Consumer({"bootstrap.servers": server.bootstrap, "group.id": "looking"})
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        return {p: consumer.get_watermark_offsets(TopicPartition(topic, p))[1] for p in partitions}
    finally:
        consumer.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_brings_everything_back_and_writes_nothing_twice(
    server: Server, name: str, how: str
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, region VARCHAR) WITH (KAFKA_TOPIC='{name}', "
        "VALUE_FORMAT='JSON', PARTITIONS=2);"
        f"CREATE STREAM {name}_GONE AS SELECT * FROM {name};"
        f"CREATE TABLE {name}_T AS SELECT region, COUNT(*) AS n FROM {name} GROUP BY region;"
        f"DROP STREAM {name}_GONE;"
        f"INSERT INTO {name} VALUES ('a', 'east');"
    )
    pull = f"SELECT * FROM {name}_T;"
    until(lambda: server.select(pull) == [["east", 1]], "the first count")
    until(lambda: sum(ends(server, f"{name}_T").values()) == 1, "the first row in the sink")
    before = server.ksql("SHOW STREAMS; SHOW TABLES; SHOW QUERIES;")
    commands = ends(server, f"_confluent-ksql-{server.service_id}_command_topic")
    server.wait_until_committed()
    code = server.stop() if how == "stop" else server.kill()
    assert code == (0 if how == "stop" else -9)
    server.start()
    assert server.ksql("SHOW STREAMS; SHOW TABLES; SHOW QUERIES;") == before
    assert server.select(pull) == [["east", 1]]
    server.ksql(f"INSERT INTO {name} VALUES ('b', 'east');")
    until(lambda: server.select(pull) == [["east", 2]], "the second count")
    assert ends(server, f"_confluent-ksql-{server.service_id}_command_topic") == commands
    until(lambda: sum(ends(server, f"{name}_T").values()) == 2, "one more row in the sink")


def test_ready_is_said_only_when_it_is_true(make_server: Callable[[], Server]) -> None:
    server = make_server()
    server.bootstrap = "127.0.0.1:1"
    server._arguments[3] = "--bootstrap-servers=127.0.0.1:1"
    server.start(wait=False)

    def info() -> object:
        try:
            return httpx2.get(server.url + "/info", timeout=2).json()["KsqlServerInfo"]
        except httpx2.HTTPError:
            return None

    answer = until(info, "an answer of /info")
    assert isinstance(answer, dict)
    assert answer["serverStatus"] == "INITIALIZING"
    assert httpx2.get(server.url + "/healthcheck").json()["isHealthy"] is False
    refused = server.post("/ksql", {"ksql": "SHOW STREAMS;"})
    assert (refused.status_code, refused.json()["error_code"]) == (503, 50303)
    assert server.stop() == 0


def test_a_taken_port_is_named_in_one_line(make_server: Callable[[], Server]) -> None:
    server = make_server()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        server.start(wait=False)
        assert server._process is not None
        assert server._process.wait(timeout=20) == 1
    lines = server.log.read_text().strip().splitlines()
    assert lines[-1].startswith(f"ksqldb: cannot listen on 127.0.0.1:{server.port}")
