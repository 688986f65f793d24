"""Joins and PARTITION BY, end to end against a real broker."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from support.ksqldb_server import Server, until

from .join_cases import CASES, Case, Record, Row

_STREAM, _TABLE = ("STREAM", "KEY"), ("TABLE", "PRIMARY KEY")
_SOURCES = {"L": _STREAM, "R": _STREAM, "T": _TABLE, "U": _TABLE, "V": _TABLE}


@pytest.fixture(scope="module")
def joins(
    tmp_path_factory: pytest.TempPathFactory, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Server]:
    """One server for all cases."""
    server = Server(tmp_path_factory.mktemp("joins"), bootstrap, classpath, build_dir)
    server.start()
    yield server
    server.kill()


def create(server: Server, name: str) -> None:
    """The sources of a case."""
    server.ksql(
        "".join(
            f"CREATE {kind} {name}{source} (id VARCHAR {key}, k VARCHAR, v INT) WITH "
            f"(KAFKA_TOPIC='{name}{source}', VALUE_FORMAT='JSON', PARTITIONS=1);"
            for source, (kind, key) in _SOURCES.items()
        )
    )


class Sink:
    """The records of a topic of one partition."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False}
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """All rows so far."""
        for message in self._consumer.consume(100, timeout=0.1):
            assert message.error() is None, message.error()
            key, value = message.key(), message.value()
            self._rows.append(
                (
                    None if key is None else key.decode(),
                    None if value is None else json.loads(value),
                )
            )
        return self._rows

    def close(self) -> None:
        self._consumer.close()


class Feed:
    """Writes records to the sources of a case."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap})
        self._name = name
        # Times are near now: a topic's retention must not remove what is read here.
        self._began = int(time.time()) * 1000 - 1_000_000

    def send(self, records: list[Record]) -> None:
        """Write records and wait for them to be acknowledged."""
        for source, key, value, seconds in records:
            text = None if value is None else json.dumps({"K": value[0], "V": value[1]})
            at = self._began + 1000 * seconds
            self._producer.produce(f"{self._name}{source}", text, key, timestamp=at)
        assert self._producer.flush(10) == 0


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_rows_of_a_join(joins: Server, name: str, case: Case) -> None:
    create(joins, name)
    query = joins.ksql(case.query.format(p=name))[0]["commandStatus"]["queryId"]
    feed = Feed(joins.bootstrap, name)
    sink = Sink(joins.bootstrap, f"{name}S")
    expected: list[Row] = []
    for phase in case.phases:
        feed.send(phase.records)
        expected += phase.rows
        settle(joins, name, query)
        await_rows(sink, len(expected), feed, [phase.nudge] if phase.nudge else [])
        assert sorted(sink.rows(), key=str) == sorted(expected, key=str)
    sink.close()
    joins.ksql(f"TERMINATE {query}; DROP {kind_of(case)} {name}S DELETE TOPIC;")


def await_rows(sink: Sink, count: int, feed: Feed, nudge: list[Record]) -> None:
    """Wait for a number of rows, and move the query along meanwhile."""

    def there() -> bool:
        if len(sink.rows()) < count:
            feed.send(nudge)
        return len(sink.rows()) >= count

    until(there, f"{count} rows; there are {sink.rows()}")


def gives(server: Server, statement: str, rows: list[list[Any]]) -> bool:
    found: list[list[Any]] = server.select(statement)
    return found == rows


def kind_of(case: Case) -> str:
    return case.query.split()[1]


def settle(server: Server, name: str, query: str) -> None:
    """Wait until a query has read all that its sources hold, and committed what came of it."""
    group = f"_confluent-ksql-{server.service_id}query_{query}"
    consumer = Consumer({"bootstrap.servers": server.bootstrap, "group.id": group})
    places = [TopicPartition(f"{name}{source}", 0) for source in _SOURCES]
    ends = {p.topic: consumer.get_watermark_offsets(p, timeout=10)[1] for p in places}

    def behind() -> list[TopicPartition]:
        found = consumer.committed(places, timeout=10)
        return [p for p in found if 0 < ends[p.topic] != p.offset and p.topic in read]

    read = sources_of(server, query)
    until(lambda: not behind(), f"{query} to have read its sources")
    consumer.close()


def sources_of(server: Server, query: str) -> list[str]:
    """The names of a query's sources, which are those of their topics too."""
    found: list[str] = server.ksql(f"EXPLAIN {query};")[0]["queryDescription"]["sources"]
    return found


@pytest.mark.parametrize("kind", ["STREAM", "TABLE"])
def test_key_formats_may_differ(joins: Server, name: str, kind: str) -> None:
    key, within = ("KEY", "WITHIN 1 DAY") if kind == "STREAM" else ("PRIMARY KEY", "")
    both = (
        f"CREATE {kind} {name}{{0}} (id INT {key}, v INT) WITH (KAFKA_TOPIC='{name}{{0}}', "
        "KEY_FORMAT='{1}', VALUE_FORMAT='JSON', PARTITIONS=2);"
    )
    joins.ksql(both.format("A", "KAFKA") + both.format("B", "JSON"))
    joins.ksql(
        "".join(f"INSERT INTO {name}{s} VALUES ({i}, {i});" for s in "AB" for i in range(1, 6))
    )
    joins.ksql(
        f"CREATE {kind} {name}S AS SELECT a.id AS id, b.v AS v FROM {name}A a JOIN {name}B b "
        f"{within} ON a.id = b.id;"
    )
    rows = [[i, i] for i in range(1, 6)]
    until(lambda: sorted(joins.select(f"SELECT * FROM {name}S;")) == rows, "the joined rows")


def test_windowed_streams_join_on_their_keys_and_windows(joins: Server, name: str) -> None:
    joins.ksql(
        "".join(
            f"CREATE STREAM {name}{s} (id VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='{name}{s}', "
            "VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='TUMBLING', "
            "WINDOW_SIZE='10 SECONDS');"
            for s in "AB"
        )
    )
    joins.ksql(
        f"CREATE STREAM {name}S AS SELECT a.id AS id, a.WINDOWEND AS ends, a.v AS a, b.v AS b "
        f"FROM {name}A a JOIN {name}B b WITHIN 1 HOUR ON a.id = b.id;"
    )
    producer = Producer({"bootstrap.servers": joins.bootstrap})
    first, second = (b"x" + start.to_bytes(8, "big") for start in (10_000, 20_000))
    for source, key, value in (("A", first, 1), ("A", second, 2), ("B", second, 3)):
        producer.produce(f"{name}{source}", f'{{"V":{value}}}', key)
    assert producer.flush(10) == 0
    sink = Sink(joins.bootstrap, f"{name}S")
    joined = [(second.decode(), {"ENDS": 30_000, "A": 2, "B": 3})]
    until(lambda: sink.rows() == joined, "the row of the common window")
    sink.close()


def test_joined_tables_are_pulled_from(joins: Server, name: str) -> None:
    create(joins, name)
    joins.ksql(
        f"CREATE TABLE {name}P AS SELECT t.id, t.v + u.v AS s FROM {name}T t JOIN {name}U u "
        f"ON t.id = u.id WHERE t.v > 0;"
        f"CREATE TABLE {name}F AS SELECT * FROM {name}T t LEFT JOIN {name}U u ON t.k = u.id;"
        f"INSERT INTO {name}T VALUES ('x', 'y', 1); INSERT INTO {name}U VALUES ('x', '', 2);"
        f"INSERT INTO {name}T VALUES ('w', 'x', 0); INSERT INTO {name}U VALUES ('w', '', 5);"
    )
    answers: dict[str, list[list[Any]]] = {
        f"SELECT * FROM {name}P WHERE t_id = 'x';": [["x", 3]],
        f"SELECT * FROM {name}P;": [["x", 3]],
        f"SELECT s * 2 AS d FROM {name}P WHERE s < 9;": [[6]],
        f"SELECT * FROM {name}F WHERE t_id = 'w';": [["w", "x", 0, "x", "", 2]],
        f"SELECT t_id, u_id FROM {name}F WHERE t_id IN ('x', 'none');": [["x", None]],
    }
    for statement, rows in answers.items():
        until(functools.partial(gives, joins, statement, rows), f"{rows} from {statement}")
    refused = joins.post("/query-stream", {"sql": f"SELECT * FROM {name}T;"})
    assert refused.status_code == 400
    assert "isn't queryable" in refused.json()["message"]


def test_an_aggregate_over_a_join_of_tables_counts_each_row_once(joins: Server, name: str) -> None:
    create(joins, name)
    joins.ksql(
        "".join(
            f"INSERT INTO {name}{table} VALUES ('{i}', 'g', {i});"
            for table in "TU"
            for i in range(1, 5)
        )
    )
    joins.ksql(
        f"CREATE TABLE {name}S AS SELECT t.k AS k, COUNT(*) AS n, SUM(u.v) AS s FROM {name}T t "
        f"JOIN {name}U u ON t.id = u.id GROUP BY t.k;"
        f"INSERT INTO {name}U VALUES ('4', 'g', 10);"
    )
    until(
        functools.partial(gives, joins, f"SELECT * FROM {name}S;", [["g", 4, 16]]),
        "each row, and the new value, once",
    )
