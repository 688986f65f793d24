"""Aggregation of tables, and table functions, end to end against a real broker."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from support.ksqldb_server import Server, until


def records(bootstrap: str, topic: str) -> list[tuple[str, Any]]:
    """Keys and values of a topic of one partition, up to its end."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False}
    )
    try:
        partition = TopicPartition(topic, 0, 0)
        _, end = consumer.get_watermark_offsets(partition, timeout=10)
        consumer.assign([partition])
        found: list[tuple[str, Any]] = []
        read = 0
        while read < end:
            for message in consumer.consume(100, timeout=1):
                assert message.error() is None, message.error()
                read = (message.offset() or 0) + 1
                value = message.value()
                key = (message.key() or b"").decode()
                found.append((key, None if value is None else json.loads(value)))
        return found
    finally:
        consumer.close()


def test_groups_of_a_table_follow_its_rows(server: Server, name: str) -> None:
    topic, table = f"{name}_topic", f"{name}_G"
    server.ksql(
        f"CREATE TABLE {name} (id VARCHAR PRIMARY KEY, g VARCHAR, v INT) WITH "
        f"(KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE TABLE {table} AS SELECT g, COUNT(*) AS n, SUM(v) AS s, AVG(v) AS a, "
        f"COLLECT_LIST(v) AS l, HISTOGRAM(id) AS h FROM {name} GROUP BY g HAVING COUNT(*) > 0;"
    )
    producer = Producer({"bootstrap.servers": server.bootstrap})

    def change(key: str, value: dict[str, Any] | None) -> None:
        data = None if value is None else json.dumps(value).encode()
        producer.produce(topic, key=key, value=data, partition=0)
        assert producer.flush(20) == 0

    def groups() -> dict[str, Any]:
        return {row[0]: row[1:] for row in server.select(f"SELECT * FROM {table};")}

    def expect(wanted: dict[str, Any]) -> None:
        until(lambda: groups() == wanted, f"{wanted} in {table}")

    change("a", {"G": "x", "V": 1})
    change("b", {"G": "x", "V": 5})
    expect({"x": [2, 6, 3.0, [1, 5], {"a": 1, "b": 1}]})
    change("a", {"G": "x", "V": 3})
    expect({"x": [2, 8, 4.0, [5, 3], {"a": 1, "b": 1}]})
    change("b", {"G": "y", "V": 7})
    expect({"x": [1, 3, 3.0, [3], {"a": 1}], "y": [1, 7, 7.0, [7], {"b": 1}]})
    change("c", {"G": None, "V": 9})
    change("a", None)
    expect({"y": [1, 7, 7.0, [7], {"b": 1}]})
    change("b", {"V": 7})
    expect({})

    (query,) = (q["id"] for q in server.ksql("SHOW QUERIES;")[0]["queries"])
    prefix = f"_confluent-ksql-{server.service_id}query_{query}-"
    internal = AdminClient({"bootstrap.servers": server.bootstrap}).list_topics(timeout=10).topics
    assert {t.removeprefix(prefix) for t in internal if t.startswith(prefix)} == {
        "KsqlTopic-Reduce-changelog",
        "Aggregate-GroupBy-repartition",
        "Aggregate-Aggregate-Materialize-changelog",
    }
    last = dict(records(server.bootstrap, f"{prefix}Aggregate-Aggregate-Materialize-changelog"))
    assert last["y"]["KSQL_AGG_VARIABLE_0"] == 0
    assert last["y"]["KSQL_AGG_VARIABLE_2"] == {"SUM": 0.0, "COUNT": 0}
    assert dict(records(server.bootstrap, table)) == {"x": None, "y": None}


def test_table_functions_make_rows(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, g VARCHAR, a ARRAY<INT>, b ARRAY<VARCHAR>) WITH "
        f"(KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_E AS SELECT g, EXPLODE(a) * 10 AS n, EXPLODE(b) AS t, "
        f"id FROM {name} WHERE id <> 'no' PARTITION BY g;"
        f"CREATE TABLE {name}_C AS SELECT n, COUNT(*) AS c, LATEST_BY_OFFSET(t, 2, false) AS t "
        f"FROM {name}_E GROUP BY n;"
        f"INSERT INTO {name} (id, g, a, b) VALUES ('i', 'x', ARRAY[1, 2, 3], ARRAY['p']);"
        f"INSERT INTO {name} (id, g, a, b) VALUES ('no', 'x', ARRAY[4], ARRAY['p']);"
        f"INSERT INTO {name} (id, g) VALUES ('none', 'x');"
        f"INSERT INTO {name} (id, g, a, b) VALUES ('j', 'y', ARRAY[2], ARRAY['q', 'r']);"
    )
    rows = [["x", 10, "p"], ["x", 20, None], ["x", 30, None], ["y", 20, "q"], ["y", None, "r"]]
    query = f"SELECT g, n, t FROM {name}_E;"
    until(lambda: server.select(query) == rows, f"the rows of {name}_E")
    groups = [[10, 1, ["p"]], [20, 2, [None, "q"]], [30, 1, [None]]]
    query = f"SELECT * FROM {name}_C;"
    until(lambda: sorted(server.select(query)) == groups, f"the groups of {name}_C")
    # As with ksqlDB, the first row of the last record ends a pull query.
    pulled = server.select(f"SELECT id, EXPLODE(b) FROM {name} WHERE g = 'y';")
    assert pulled == [["j", "q"]]
    cubes = server.select(f"SELECT CUBE_EXPLODE(a) FROM {name} WHERE id = 'no';")
    assert cubes == [[[None]], [[4]]]
