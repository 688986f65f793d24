"""Windowed aggregations and windowed sources: event times are given in the records."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka import admin as kafka_admin
from support.ksqldb_server import Server, until

EVENTS = (
    *(("a", 1, 1), ("a", 2, 5), ("b", 3, 8), ("a", 4, 12)),
    *(("a", 5, 3), ("a", 6, 40), ("a", 7, 2), ("a", 8, 9)),
)
"""Key, value, seconds after the start: the last two come after 40 seconds of stream time."""

AGGREGATIONS = {
    "T": (
        "TUMBLING (SIZE 10 SECONDS)",
        [("a", 0, 10, 5, 23), ("a", 10, 20, 1, 4), ("a", 40, 50, 1, 6), ("b", 0, 10, 1, 3)],
    ),
    # Records later than the grace period after the end of their window are left out.
    "G": (
        "TUMBLING (SIZE 10 SECONDS, RETENTION 1 HOUR, GRACE PERIOD 5 SECONDS)",
        [("a", 0, 10, 3, 8), ("a", 10, 20, 1, 4), ("a", 40, 50, 1, 6), ("b", 0, 10, 1, 3)],
    ),
    # Without a longer retention, windows that are closed are no longer found.
    "R": (
        "TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS)",
        [("a", 40, 50, 1, 6)],
    ),
    "H": (
        "HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS)",
        [
            *[("a", -5, 5, 3, 13), ("a", 0, 10, 5, 23), ("a", 5, 15, 3, 14)],
            *[("a", 10, 20, 1, 4), ("a", 35, 45, 1, 6), ("a", 40, 50, 1, 6)],
            *[("b", 0, 10, 1, 3), ("b", 5, 15, 1, 3)],
        ],
    ),
    # The last record joins two sessions into one.
    "S": (
        "SESSION (5 SECONDS)",
        [("a", 1, 12, 6, 27), ("a", 40, 40, 1, 6), ("b", 8, 8, 1, 3)],
    ),
}


@pytest.fixture
def begin() -> int:
    """A time in ms, not long ago: brokers delete records that are too old."""
    return int(time.time()) // 100_000 * 100_000_000


@pytest.fixture
def events(server: Server, name: str, begin: int) -> str:
    """A stream of the events, all in one partition."""
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    produce(server, name, begin, *EVENTS)
    return name


def produce(server: Server, topic: str, begin: int, *events: tuple[str, int, int]) -> None:
    producer = Producer({"bootstrap.servers": server.bootstrap})
    for key, value, seconds in events:
        text = f'{{"V":{value}}}'
        producer.produce(topic, key=key, value=text, timestamp=begin + seconds * 1000)
    producer.flush()


def rows(server: Server, sql: str, begin: int) -> list[tuple[Any, ...]]:
    """Rows with their second and third column in seconds after the start."""
    found = server.select(sql)
    return sorted((r[0], (r[1] - begin) // 1000, (r[2] - begin) // 1000, *r[3:]) for r in found)


def keys(server: Server, topic: str) -> set[bytes | None]:
    consumer = Consumer({"bootstrap.servers": server.bootstrap, "group.id": "looking"})
    try:
        partition = TopicPartition(topic, 0, 0)
        low, high = consumer.get_watermark_offsets(partition, timeout=10)
        consumer.assign([partition])
        return {
            message.key()
            for _ in range(high - low)
            if (message := consumer.poll(5)) is not None and message.error() is None
        }
    finally:
        consumer.close()


def test_windowed_aggregations_and_what_reads_them(server: Server, events: str, begin: int) -> None:
    queries = {}
    for suffix, (window, _) in AGGREGATIONS.items():
        done = server.ksql(
            f"CREATE TABLE {events}_{suffix} AS SELECT id, COUNT(*) AS n, SUM(v) AS s "
            f"FROM {events} WINDOW {window} GROUP BY id;"
        )
        queries[suffix] = done[0]["commandStatus"]["queryId"]
    server.ksql(
        f"CREATE TABLE {events}_P AS SELECT v % 2 AS odd, COUNT(*) AS n, SUM(v) AS s, "
        f"(WINDOWEND - WINDOWSTART) / 1000 AS size FROM {events} "
        "WINDOW TUMBLING (SIZE 100 SECONDS) GROUP BY v % 2 HAVING SUM(v) > 16;"
    )
    for suffix, (_, expected) in AGGREGATIONS.items():
        sql = f"SELECT * FROM {events}_{suffix} WHERE id IN ('a', 'b');"
        until(lambda: rows(server, sql, begin) == expected, f"{suffix}: {expected}")  # noqa: B023
    _, tumbling = AGGREGATIONS["T"]
    assert rows(server, f"SELECT * FROM {events}_T;", begin) == tumbling
    sql = f"SELECT odd, WINDOWSTART, WINDOWEND, n, s, size FROM {events}_P;"
    wanted = [(0, 0, 100, 4, 20, 100)]
    until(lambda: rows(server, sql, begin) == wanted, "the group that HAVING keeps")
    _check_pull_bounds(server, f"{events}_T", begin)
    _check_topics(server, events, queries, begin)
    _check_descriptions(server, events, queries)
    _check_reading(server, events, begin)
    _check_windowed_sources(server, events, begin)


def _check_pull_bounds(server: Server, table: str, begin: int) -> None:
    at = [begin + s * 1000 for s in (0, 10, 40, 50)]
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at[1] / 1000))
    for where, starts in (
        (f"id = 'a' AND WINDOWSTART = {at[1]}", [10]),
        (f"id = 'a' AND WINDOWSTART = '{text}'", [10]),
        (f"id = 'a' AND WINDOWSTART > {at[0]} AND WINDOWEND < {at[3]}", [10]),
        (f"id = 'a' AND WINDOWSTART >= {at[1]} AND WINDOWEND <= {at[3]}", [10, 40]),
        (f"id = 'a' AND {at[2]} <= WINDOWSTART", [40]),
        (f"id = 'a' AND WINDOWSTART BETWEEN {at[0]} AND {at[1]}", [0, 10]),
        (f"id IN ('b', 'a', 'x') AND WINDOWSTART = {at[0]}", [0, 0]),
        (f"WINDOWSTART < {at[1]}", [0, 0]),
        (f"id = 'a' OR WINDOWSTART = {at[0]}", [0, 0, 10, 40]),
        ("id = 'a' AND n > 4", [0]),
        (f"WINDOWSTART > {at[3]}", []),
        (f"WINDOWSTART > {at[1]} AND WINDOWSTART < {at[0]}", []),
    ):
        found = server.select(f"SELECT WINDOWSTART FROM {table} WHERE {where};")
        assert sorted((r[0] - begin) // 1000 for r in found) == starts, where
    assert server.select(f"SELECT n + 1, WINDOWEND - WINDOWSTART FROM {table} WHERE id = 'b';") == [
        [2, 10_000]
    ]
    assert len(server.select(f"SELECT * FROM {table} LIMIT 2;")) == 2


def _check_topics(server: Server, events: str, queries: dict[str, str], begin: int) -> None:
    start = begin.to_bytes(8, "big")
    assert b"b" + start in keys(server, f"{events}_T")
    session = b"".join((begin + s * 1000).to_bytes(8, "big") for s in (40, 40))
    assert b"a" + session in keys(server, f"{events}_S")
    admin = kafka_admin.AdminClient({"bootstrap.servers": server.bootstrap})
    day = 86_400_000
    changelogs = {"T": 2 * day, "G": day + 3_600_000, "R": day + 15_000, "S": 2 * day}
    for suffix, retention in changelogs.items():
        application = f"_confluent-ksql-{server.service_id}query_{queries[suffix]}"
        configs = _configs(admin, f"{application}-Aggregate-Aggregate-Materialize-changelog")
        assert configs["cleanup.policy"].value == "compact,delete"
        assert configs["retention.ms"].value == str(retention), suffix
    assert _configs(admin, f"{events}_T")["cleanup.policy"].value == "compact,delete"


def _configs(admin: Any, topic: str) -> Any:
    resource = kafka_admin.ConfigResource(  # type: ignore[attr-defined] # exported in fact
        kafka_admin.ResourceType.TOPIC,  # type: ignore[attr-defined] # as above
        topic,
    )
    return next(iter(admin.describe_configs([resource]).values())).result()


def _check_descriptions(server: Server, events: str, queries: dict[str, str]) -> None:
    described = server.ksql(f"DESCRIBE {events}_S;")[0]["sourceDescription"]
    assert described["windowType"] == "SESSION"
    assert [f["name"] for f in described["fields"]] == ["ID", "N", "S"]
    explained = server.ksql(f"EXPLAIN {queries['H']};")[0]["queryDescription"]
    assert explained["windowType"] == "HOPPING"
    tables = server.ksql("SHOW TABLES;")[0]["tables"]
    assert all(t["isWindowed"] for t in tables if t["name"].startswith(f"{events}_"))
    assert "WINDOW SESSION ( 5 SECONDS ) \nGROUP BY" in described["statement"]


def _check_reading(server: Server, events: str, begin: int) -> None:
    """Push queries over a windowed table, and windowed ones over the stream."""
    sql = f"SELECT * FROM {events}_S WHERE id = 'b' EMIT CHANGES LIMIT 1;"
    assert rows(server, sql, begin) == [("b", 8, 8, 1, 3)]
    sql = (
        f"SELECT id, WINDOWSTART, WINDOWEND, COUNT(*) FROM {events} WINDOW HOPPING (SIZE 10 "
        "SECONDS, ADVANCE BY 5 SECONDS) WHERE id = 'b' GROUP BY id EMIT CHANGES LIMIT 2;"
    )
    assert rows(server, sql, begin) == [("b", 0, 10, 1), ("b", 5, 15, 1)]


def _check_windowed_sources(server: Server, events: str, begin: int) -> None:
    server.ksql(
        f"CREATE STREAM {events}_WS (id VARCHAR KEY, n BIGINT, s INT) WITH (VALUE_FORMAT='JSON', "
        f"KAFKA_TOPIC='{events}_T', WINDOW_TYPE='Tumbling', WINDOW_SIZE='10 SECONDS');"
        f"CREATE STREAM {events}_SS (id VARCHAR KEY, n BIGINT) WITH (VALUE_FORMAT='JSON', "
        f"KAFKA_TOPIC='{events}_S', WINDOW_TYPE='SESSION');"
        f"CREATE STREAM {events}_CS AS SELECT id, n + 1 AS m, WINDOWSTART AS ws, s "
        f"FROM {events}_WS WHERE id = 'b' AND WINDOWEND > 0;"
        f"CREATE TABLE {events}_CT AS SELECT id, MAX(n) AS most FROM {events}_SS GROUP BY id;"
    )
    sql = f"SELECT * FROM {events}_WS WHERE WINDOWSTART = {begin + 10_000};"
    assert rows(server, sql, begin)[-1] == ("a", 10, 20, 1, 4)
    sql = f"SELECT id, WINDOWSTART, WINDOWEND, n FROM {events}_SS WHERE id = 'b';"
    assert rows(server, sql, begin)[-1] == ("b", 8, 8, 1)
    sql = f"SELECT * FROM {events}_CS EMIT CHANGES LIMIT 1;"
    assert rows(server, sql, begin) == [("b", 0, 10, 2, begin, 3)]
    assert b"b" + begin.to_bytes(8, "big") in keys(server, f"{events}_CS")
    table = f"SELECT * FROM {events}_CT;"
    until(lambda: sorted(server.select(table)) == [["a", 6], ["b", 1]], "groups over sessions")
    for statement, says in (
        (f"CREATE TABLE x AS SELECT * FROM {events}_T;", "windowed tables"),
        (f"CREATE STREAM x AS SELECT * FROM {events}_WS PARTITION BY n;", "windowed sources"),
        (f"INSERT INTO {events}_WS (id, n) VALUES ('a', 1);", "windowed stream/table"),
        (f"INSERT INTO {events} SELECT id, s AS v FROM {events}_WS;", "windows"),
    ):
        assert says in server.refusal(statement)["message"], statement


def test_final_results_come_once_when_a_window_closes(
    server: Server, name: str, begin: int
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE TABLE {name}_F AS SELECT id, COUNT(*) AS n, SUM(v) AS s FROM {name} "
        "WINDOW TUMBLING (SIZE 100 SECONDS, GRACE PERIOD 10 SECONDS) GROUP BY id EMIT FINAL;"
    )
    produce(server, name, begin, ("a", 1, 1), ("a", 2, 50), ("b", 5, 99), ("a", 4, 98))
    until(lambda: len(server.select(f"SELECT * FROM {name}_F;")) == 2, "both groups in the store")
    assert keys(server, f"{name}_F") == set()
    # Kafka Streams looks for closed windows once a second, when a record comes.
    seconds = itertools.count(111)

    def closed() -> bool:
        produce(server, name, begin, ("c", 0, next(seconds)))
        return len(keys(server, f"{name}_F")) == 2

    until(closed, "the results of the window that closed")
    found = rows(server, f"SELECT * FROM {name}_F EMIT CHANGES LIMIT 2;", begin)
    assert found == [("a", 0, 100, 3, 7), ("b", 0, 100, 1, 5)]
