"""Statements about types, variables, topics and queries, and the end points around them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from confluent_kafka import Producer
from support.ksqldb_server import Server, until


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Server]:
    """A server for all tests of this module that leave it running."""
    made = Server(tmp_path_factory.mktemp("server"), bootstrap, classpath, build_dir)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def source(shared: Server, name: str) -> str:
    """A stream of one partition with a row."""
    shared.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"INSERT INTO {name} VALUES ('a', 1);"
    )
    return name


def query_of(answer: Any) -> str:
    """The query that a statement started."""
    found: str = answer[0]["commandStatus"]["queryId"]
    return found


def states(server: Server) -> dict[str, str]:
    return {q["id"]: q["state"] for q in server.ksql("SHOW QUERIES;")[0]["queries"]}


def test_several_queries_write_one_stream_which_cannot_be_dropped_meanwhile(
    shared: Server, source: str
) -> None:
    shared.ksql(f"CREATE STREAM {source}_O AS SELECT * FROM {source};")
    first = query_of(shared.ksql(f"INSERT INTO {source}_O SELECT id, v + 1 AS v FROM {source};"))
    own = f"own_{source}"
    insert = f"INSERT INTO {source}_O WITH (QUERY_ID='{own}') SELECT id, v + 2 AS v FROM {source};"
    assert query_of(shared.ksql(insert)) == own.upper()
    assert first.startswith("INSERTQUERY_")
    rows = shared.select(f"SELECT * FROM {source}_O EMIT CHANGES LIMIT 3;")
    assert sorted(rows) == [["a", 1], ["a", 2], ["a", 3]]
    assert "already exists" in shared.refusal(insert)["message"]
    dropping = shared.refusal(f"DROP STREAM {source}_O;")
    assert "write into this source" in dropping["message"]
    assert first in dropping["message"]
    shared.ksql(f"TERMINATE {first}; TERMINATE {own}; DROP STREAM {source}_O;")


def test_a_query_is_replaced_under_its_id_and_goes_on_where_it_was(
    shared: Server, source: str
) -> None:
    made = query_of(shared.ksql(f"CREATE STREAM {source}_O AS SELECT id, v FROM {source};"))
    until(lambda: shared.select(f"SELECT * FROM {source}_O;") == [["a", 1]], "the first row")
    again = shared.ksql(
        f"CREATE OR REPLACE STREAM {source}_O AS SELECT id, v, v * 10 AS t FROM {source} "
        "WHERE v > 1;"
    )
    assert query_of(again) == made
    shared.ksql(f"INSERT INTO {source} VALUES ('b', 1); INSERT INTO {source} VALUES ('c', 2);")
    wanted = [["a", 1, None], ["c", 2, 20]]
    until(lambda: shared.select(f"SELECT * FROM {source}_O;") == wanted, "the new projection")
    assert states(shared)[made] == "RUNNING"


def test_a_query_is_not_replaced_by_one_that_needs_other_state(shared: Server, source: str) -> None:
    shared.ksql(
        f"CREATE STREAM {source}_2 (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{source}_2', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {source}_O AS SELECT id, v FROM {source};"
        f"CREATE TABLE {source}_T AS SELECT id, COUNT(*) AS n FROM {source} GROUP BY id;"
    )
    for replacement, says in (
        ("STREAM {s}_O AS SELECT id, v AS w FROM {s}", "not upgradeable"),
        ("STREAM {s}_O AS SELECT id, v FROM {s}_2", "not upgradeable"),
        ("TABLE {s}_O AS SELECT id, COUNT(*) AS n FROM {s} GROUP BY id", "not upgradeable"),
        ("TABLE {s}_T AS SELECT id, COUNT(*) AS n, MAX(v) AS m FROM {s} GROUP BY id", "Upgrades"),
        ("STREAM {s}_O WITH (KAFKA_TOPIC='{s}_X') AS SELECT id, v FROM {s}", "topic"),
    ):
        error = shared.refusal(f"CREATE OR REPLACE {replacement.format(s=source)};")
        assert (error["error_code"], says in error["message"]) == (40001, True), error


def test_source_tables_are_read_only_and_can_be_pulled(shared: Server, name: str) -> None:
    columns = f"(id VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON'"
    shared.ksql(f"CREATE TABLE {name} {columns}, PARTITIONS=1);")
    made = query_of(shared.ksql(f"CREATE SOURCE TABLE {name}_S {columns});"))
    assert made.startswith(f"CST_{name}_S_")
    shared.ksql(f"INSERT INTO {name} VALUES ('a', 1);")
    pull = f"SELECT v FROM {name}_S WHERE id = 'a';"
    until(lambda: shared.select(pull) == [[1]], "the row in the source table")
    for statement, says in (
        (f"INSERT INTO {name}_S VALUES ('b', 2);", "read-only"),
        (f"DROP TABLE {name}_S DELETE TOPIC;", "read-only"),
        (f"ALTER TABLE {name}_S ADD COLUMN w INT;", "not supported on source tables"),
        (f"CREATE OR REPLACE SOURCE TABLE {name}_S {columns});", "CREATE OR REPLACE"),
        (f"TERMINATE {made};", "linked to a source table"),
    ):
        assert says in shared.refusal(statement)["message"], statement
    shared.ksql(f"DROP TABLE {name}_S;")
    assert made not in states(shared)


def test_types_columns_and_variables(shared: Server, name: str) -> None:
    shared.ksql(f"CREATE TYPE {name}_T AS STRUCT<x INT, y DECIMAL(4, 2)>;")
    assert f"{name}_T" in shared.ksql("SHOW TYPES;")[0]["types"]
    assert "already registered" in shared.refusal(f"CREATE TYPE {name}_T AS INT;")["message"]
    kept = shared.ksql(f"CREATE TYPE IF NOT EXISTS {name}_T AS INT;")
    assert "already registered" in kept[0]["commandStatus"]["message"]
    shared.ksql(
        f"DEFINE topic = '{name}'; DEFINE fmt = '''JSON'''; DEFINE n = '1';"
        f"CREATE STREAM ${{topic}} (k INT KEY, t {name}_T) "
        "WITH (KAFKA_TOPIC='${topic}', VALUE_FORMAT=${fmt}, PARTITIONS=${n});"
        "INSERT INTO ${topic} VALUES (1, STRUCT(x := 1, y := 2.5));"
        "ALTER STREAM ${TOPIC} ADD COLUMN z BIGINT, ADD COLUMN w STRING;"
        "UNDEFINE topic;"
    )
    shared.ksql(f"INSERT INTO {name} (k, z) VALUES (2, 5);")
    rows = shared.select(f"SELECT k, t->x, z FROM {name};")
    assert rows == [[1, 1, None], [2, None, 5]]
    session = {"ksql": "SHOW VARIABLES;", "sessionVariables": {"a": "b"}}
    assert shared.post("/ksql", session).json()[0]["variables"] == [{"name": "a", "value": "b"}]
    query = {"sql": f"SELECT k FROM {name} WHERE k = ${{w}};", "sessionVariables": {"w": "2"}}
    assert shared.post("/query-stream", query).text.split("\n")[1] == "[2]"
    assert "not defined" in shared.refusal("UNDEFINE a; SELECT ${a} FROM b;")["message"]
    shared.ksql(f"DROP TYPE {name}_T; DROP TYPE IF EXISTS {name}_T;")
    assert "does not exist" in shared.refusal(f"DROP TYPE {name}_T;")["message"]


def test_paused_queries_do_nothing_until_they_are_resumed(shared: Server, source: str) -> None:
    made = query_of(shared.ksql(f"CREATE STREAM {source}_O AS SELECT * FROM {source};"))
    until(lambda: shared.select(f"SELECT * FROM {source}_O;") == [["a", 1]], "the first row")
    shared.ksql(f"PAUSE {made};")
    assert states(shared)[made] == "PAUSED"
    shared.ksql(f"INSERT INTO {source} VALUES ('b', 2);")
    shared.ksql(f"RESUME {made};")
    until(lambda: len(shared.select(f"SELECT * FROM {source}_O;")) == 2, "the second row")
    assert states(shared)[made] == "RUNNING"


def test_assertions_wait_and_then_fail_with_417(shared: Server, source: str) -> None:
    found = shared.ksql(
        f"ASSERT TOPIC {source} WITH (PARTITIONS=1) TIMEOUT 5 SECONDS;"
        f"ASSERT NOT EXISTS TOPIC '{source}-none' TIMEOUT 1 SECOND;"
    )
    assert [(e["@type"], e["exists"]) for e in found] == [
        ("assert_topic", True),
        ("assert_topic", False),
    ]
    for statement, says in (
        (f"ASSERT TOPIC {source}_NONE TIMEOUT 10 MILLISECONDS;", "does not exist"),
        (f"ASSERT NOT EXISTS TOPIC {source} TIMEOUT 10 MILLISECONDS;", "exists"),
        (f"ASSERT TOPIC {source} WITH (PARTITIONS=3) TIMEOUT 0 SECONDS;", "expected 3 got 1"),
    ):
        refused = shared.post("/ksql", {"ksql": statement})
        assert refused.status_code == 417
        assert refused.json()["error_code"] == 41700
        assert says in refused.json()["message"]


def test_print_shows_records_and_what_they_may_be(shared: Server, source: str) -> None:
    shared.ksql(f"INSERT INTO {source} VALUES ('b', 2); INSERT INTO {source} VALUES ('c', 3);")
    printed = shared.post("/query", {"ksql": f"PRINT {source} FROM BEGINNING INTERVAL 2 LIMIT 2;"})
    lines = printed.text.splitlines()
    assert lines[:2] == ["Key format: KAFKA_STRING", "Value format: JSON or KAFKA_STRING"]
    assert [x.partition(", ")[2] for x in lines[2:]] == [
        'key: a, value: {"V":1}, partition: 0',
        'key: c, value: {"V":3}, partition: 0',
    ]
    missing = shared.post("/query", {"ksql": f"PRINT {source.lower()};"})
    assert missing.status_code == 400
    assert f"print {source};" in missing.json()["message"]


def test_rows_are_inserted_as_a_stream_and_acknowledged_one_by_one(
    shared: Server, name: str
) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (k VARCHAR KEY, i INT, l BIGINT, d DOUBLE, x DECIMAL(5, 2), "
        "b BYTES, dt DATE, a ARRAY<INT>, m MAP<STRING, DOUBLE>, s STRUCT<f BOOLEAN>, `q` INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    rows: list[Any] = [
        {
            "k": "a",
            "I": 1,
            "l": 2,
            "D": 3,
            "x": 4.5,
            "b": "AQI=",
            "dt": "2024-02-29",
            "a": [1, None],
            "m": {"x": 1.5},
            "s": {"F": True},
            "`q`": 7,
            "other": 1,
        },
        {"K": "b", "I": "text"},
        {"I": 1},
        {"K": "c", "X": 4.567},
        [1],
        {"K": "d"},
    ]
    body = "\n".join([json.dumps({"target": name}), *map(json.dumps, rows), "{broken"])
    with httpx2.Client(http1=False, http2=True, base_url=shared.url, timeout=20) as client:
        answer = client.post("/inserts-stream", content=body)
        acks = [json.loads(x) for x in answer.text.splitlines()]
        assert [(a["seq"], a["status"]) for a in acks] == list(
            enumerate(["ok", "error", "error", "error", "error", "ok", "error"])
        )
        assert "into type INTEGER" in acks[1]["message"]
        assert "Key field must be specified: K" in acks[2]["message"]
        assert acks[3]["error_code"] == 40000
        for line, code in (('{"target":"NOPE"}', 40001), ("{}", 40000), ("no", 40000)):
            refused = client.post("/inserts-stream", content=line)
            assert (refused.status_code, refused.json()["error_code"]) == (400, code)
        array = client.post(
            "/inserts-stream",
            content=json.dumps({"target": name}) + '\n{"K":"e"}\n{"K":"f"}\n',
            headers={"accept": "application/json"},
        )
        assert [a["seq"] for a in array.json()] == [0, 1]
    found = shared.select(f"SELECT * FROM {name};")
    assert found[0] == [
        "a", 1, 2, 3.0, 4.5, "AQI=", "2024-02-29", [1, None], {"x": 1.5}, {"F": True}, 7,
    ]  # fmt: skip
    assert [r[0] for r in found] == ["a", "d", "e", "f"]
    old = httpx2.post(f"{shared.url}/inserts-stream", content=body)
    assert (old.status_code, old.json()["error_code"]) == (400, 40004)


def test_requests_are_checked(shared: Server, source: str) -> None:
    def code(path: str, body: Any, **headers: str) -> tuple[int, int]:
        answer = shared.post(path, body, **headers)
        return answer.status_code, answer.json()["error_code"]

    show = {"ksql": "SHOW TYPES;"}
    assert code("/ksql", show | {"streamsProperties": {"nope": "x"}}) == (400, 40000)
    earliest = {"streamsProperties": {"auto.offset.reset": "banana"}}
    assert code("/ksql", show | earliest) == (400, 40000)
    assert code("/ksql", show | {"streamsProperties": {"ksql.service.id": "x"}}) == (400, 40000)
    assert code("/ksql", show | {"streamsProperties": [1]}) == (400, 40000)
    assert code("/ksql", show | {"sessionVariables": "x"}) == (400, 40000)
    assert code("/ksql", show | {"commandSequenceNumber": "x"}) == (400, 40000)
    assert code("/ksql", {"sql": "SHOW TYPES;"}) == (400, 40000)
    assert code("/ksql", [1]) == (400, 40000)
    assert code("/ksql", show, accept="text/plain") == (406, 40600)
    select = f"SELECT * FROM {source};"
    assert code("/query-stream", {"sql": select}, accept="image/png") == (406, 40600)
    assert code("/query-stream", {"sql": "SHOW TYPES;"}) == (400, 40001)
    assert code("/ksql", {"ksql": f"RUN SCRIPT 'x'; {select}"}) == (400, 40002)
    big = httpx2.post(f"{shared.url}/ksql", content=b"x" * (11 * 1024 * 1024), timeout=20)
    assert (big.status_code, big.json()["error_code"]) == (413, 41300)
    classic = shared.post("/query-stream", {"sql": select}, accept="application/vnd.ksql.v1+json")
    assert classic.json()[0]["header"]["schema"] == "`ID` STRING, `V` INTEGER"
    late = show | {"commandSequenceNumber": 0}
    assert shared.post("/ksql", late).status_code == 200


def test_headers_are_columns_and_sinks_take_their_time_from_a_column(
    shared: Server, name: str
) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, seen VARCHAR, t BYTES HEADER('trace'), "
        "u BYTES HEADER('none')) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_ALL "
        "(id VARCHAR KEY, h ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON');"
        f"CREATE STREAM {name}_O WITH (TIMESTAMP='SEEN', TIMESTAMP_FORMAT='yyyy-MM-dd') AS "
        f"SELECT id, seen, FROM_BYTES(t, 'utf8') AS trace FROM {name};"
    )
    producer = Producer({"bootstrap.servers": shared.bootstrap})
    headers: list[tuple[str, str | bytes | None]] = [
        ("trace", b"x"),
        ("other", b"y"),
        ("trace", b"z"),
    ]
    for at in ("2020-02-03", "never", "2021-01-01"):
        value = json.dumps({"SEEN": at})
        producer.produce(name, key="k", value=value, headers=headers, timestamp=1_700_000_000_000)
    producer.flush(10)
    everything = [
        {"KEY": k, "VALUE": v} for k, v in (("trace", "eA=="), ("other", "eQ=="), ("trace", "eg=="))
    ]
    assert shared.select(f"SELECT * FROM {name}_ALL LIMIT 1;") == [["k", everything]]
    assert shared.select(f"SELECT id, t, u FROM {name} LIMIT 1;") == [["k", "eg==", None]]
    rows = f"SELECT ROWTIME, seen, trace FROM {name}_O;"
    wanted = [[1_580_688_000_000, "2020-02-03", "z"], [1_609_459_200_000, "2021-01-01", "z"]]
    until(lambda: shared.select(rows) == wanted, "the rows with a time")
    fields = shared.ksql(f"DESCRIBE {name};")[0]["sourceDescription"]["fields"]
    assert [(f.get("type"), f.get("headerKey")) for f in fields[2:]] == [
        ("HEADER", "trace"),
        ("HEADER", "none"),
    ]
    for columns, says in (
        ("STREAM x (h INT HEADERS)", "Invalid type"),
        ("STREAM x (h BYTES HEADER('a'), i BYTES HEADER('a'))", "already contains"),
        ("TABLE x (k INT PRIMARY KEY, h BYTES HEADER('x'))", "for streams"),
    ):
        statement = f"CREATE {columns} WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON');"
        assert says in shared.refusal(statement)["message"], statement
    insert = shared.refusal(f"INSERT INTO {name} (id, t) VALUES ('a', 'b');")
    assert "HEADER columns" in insert["message"]
