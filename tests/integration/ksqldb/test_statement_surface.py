"""Statements of every kind, one after another on one server: what each answers, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ksqldb_server import Server


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Server]:
    """A server for all tests of this module; none of them stops it."""
    made = Server(tmp_path_factory.mktemp("server"), bootstrap, classpath, build_dir)
    made.start()
    yield made
    made.kill()


DATA = "KAFKA_TOPIC='{s}_N', VALUE_FORMAT='JSON', PARTITIONS=1"

SAME = "VALUE_FORMAT='JSON', KAFKA_TOPIC='{s}"
AGAIN = "CREATE OR REPLACE STREAM {s} (id VARCHAR KEY"
BAD_TIME = "TIMESTAMP='v', TIMESTAMP_FORMAT="

REFUSED = [
    # topics that no broker makes, and times that no formatter reads
    (f"CREATE STREAM {{s}}_N (v INT) WITH ({DATA}, REPLICAS=99);", "guarantee existence of topic"),
    (f"CREATE STREAM {{s}}_N (v INT) WITH ({DATA}, RETENTION_MS=-2);", "retention.ms"),
    ("CREATE STREAM {s}_N WITH (REPLICAS=99) AS SELECT * FROM {s};", "guarantee existence"),
    (f"CREATE STREAM {{s}}_N (v STRING) WITH ({DATA}, {BAD_TIME}'bad');", "pattern letter: b"),
    (f"CREATE STREAM {{s}}_N WITH ({BAD_TIME}'yy#') AS SELECT * FROM {{s}};", "reserved character"),
    # a replacement keeps the topic and the columns' order
    (f"{AGAIN}, w INT, v INT) WITH ({SAME}');", "changed, missing or reordered: [`V` INTEGER])"),
    (f"{AGAIN}, v INT) WITH ({SAME}_T');", "not upgradeable to {s}_T (keys KAFKA, values JSON)"),
    (f"{AGAIN}, v INT) WITH ({SAME}', KEY_FORMAT='JSON');", "not upgradeable to {s} (keys JSON"),
    ("DROP STREAM {s}_N DELETE TOPIC;", "Could not find source to delete topic"),
    ("EXPLAIN SELECT 0x1F FROM {s} EMIT CHANGES;", "must not start with a digit: '0x1F'"),
]


def test_refused_by_name(shared: Server, name: str) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_T (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}_T', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    wrong = []
    for statement, says in REFUSED:
        message = shared.refusal(statement.format(s=name))["message"]
        if says.format(s=name) not in message:
            wrong.append((statement, message))
    assert not wrong
    done = shared.ksql(f"DROP STREAM IF EXISTS {name}_N DELETE TOPIC;")
    assert "does not exist" in done[0]["commandStatus"]["message"]


def test_names_with_every_sign(shared: Server, name: str) -> None:
    shared.ksql(
        f"CREATE STREAM `{name} ``s``` (id VARCHAR KEY, `a.b` INT, `quo``te` INT, "
        "st STRUCT<`x``y` INT, `select` STRING>) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"INSERT INTO `{name} ``s``` VALUES ('k', 1, 2, STRUCT(`x``y` := 3, `select` := 'a\n\t'));"
        f"CREATE TABLE `{name}``t` WITH (KAFKA_TOPIC='{name}_t') AS "
        f"SELECT `quo``te`, SUM(st->`x``y`) AS `n``` FROM `{name} ``s``` GROUP BY `quo``te`;"
    )
    rows = shared.select(f"SELECT `a.b`, `quo``te`, st->`x``y`, st FROM `{name} ``s```;")
    assert rows == [[1, 2, 3, {"x`y": 3, "select": "a\n\t"}]]
    query = shared.ksql("SHOW QUERIES;")[0]["queries"][0]["id"]
    found = shared.select(f"SELECT * FROM `{name}``t` EMIT CHANGES LIMIT 1;")
    assert found == [[2, 3]]
    assert shared.select(f"SELECT `n``` FROM `{name}``t` WHERE `quo``te` = 2;") == [[3]]
    explained = shared.ksql(f"EXPLAIN {query.lower()}; TERMINATE {query.lower()};")
    assert explained[0]["queryDescription"]["id"] == query


def test_a_record_without_the_time_of_its_column_is_reported_and_passed_over(
    shared: Server, name: str
) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (id INT KEY, day VARCHAR) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, "
        "VALUE_FORMAT='JSON', TIMESTAMP='day', TIMESTAMP_FORMAT='yyyy-MM-dd');"
        f"INSERT INTO {name} VALUES (1, '2024-01-01'); INSERT INTO {name} VALUES (2, 'tomorrow');"
        f"INSERT INTO {name} (id) VALUES (3); INSERT INTO {name} VALUES (4, '2024-01-02');"
        f"CREATE STREAM {name}_O AS SELECT id, ROWTIME AS t FROM {name};"
    )
    days = [[1, 1_704_067_200_000], [4, 1_704_153_600_000]]
    assert shared.select(f"SELECT id, ROWTIME FROM {name};") == days
    assert shared.select(f"SELECT id, ROWTIME FROM {name} EMIT CHANGES LIMIT 2;") == days
    assert shared.select(f"SELECT * FROM {name}_O EMIT CHANGES LIMIT 2;") == days
    logged = "SELECT message->recordProcessingError->errorMessage FROM KSQL_PROCESSING_LOG"
    told = f"{logged} WHERE logger LIKE '%{name}_O%' EMIT CHANGES LIMIT 2;"
    assert len([row for row in shared.select(told) if "timestamp" in row[0]]) == 2


NESTED = "a ARRAY<DOUBLE>, m MAP<VARCHAR, BIGINT>, s STRUCT<x BIGINT, d ARRAY<DATE>>"


def test_members_of_inserted_values_are_of_the_columns_types(shared: Server, name: str) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (id INT KEY, {NESTED}) "
        f"WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, VALUE_FORMAT='JSON');"
        f"INSERT INTO {name} VALUES (1, ARRAY[1, 2.5], MAP('k' := 1), "
        "STRUCT(x := 1, d := ARRAY['2024-01-01']));"
    )
    whole = [1, [1.0, 2.5], {"k": 1}, {"X": 1, "D": ["2024-01-01"]}]
    assert shared.select(f"SELECT * FROM {name};") == [whole]
    for column, value, says in (
        ("a", "ARRAY['x']", "Expected type ARRAY<DOUBLE> for field `A` but got ARRAY<STRING>"),
        ("m", "MAP(1 := 1)", "for field `M` but got MAP<INTEGER, INTEGER>"),
        ("s", "STRUCT(x := 'one')", "for field `S` but got STRUCT<`X` STRING>"),
    ):
        refused = shared.refusal(f"INSERT INTO {name} (id, {column}) VALUES (1, {value});")
        assert says in refused["message"]
