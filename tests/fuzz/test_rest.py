"""The REST surface against requests that nobody would send.

Never a 5xx, a stack trace, a path of ours, or silence; afterwards the server answers as before.
KSQLDB_FUZZ=100000 sends more than the few hundred that fit a test run; KSQLDB_FUZZ_SEED begins
elsewhere, KSQLDB_FUZZ_URL names a server that runs already.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from lark import Lark
from support.ksqldb_server import Server, until
from support.rest_fuzz import RequestGrower, frames
from support.rest_wire import Wire, faults
from support.sql_fuzz import Grower

from lab.ksqldb.sql import parser as sql_parser

COUNT = int(os.environ.get("KSQLDB_FUZZ", "400"))
SEED = int(os.environ.get("KSQLDB_FUZZ_SEED", "1"))
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

SET_UP = (
    "CREATE STREAM FUZZ (id VARCHAR KEY, n INT, a ARRAY<STRUCT<x DOUBLE, y MAP<VARCHAR, BIGINT>>>) "
    "WITH (KAFKA_TOPIC='fuzz', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE TABLE FUZZ_T AS SELECT id, COUNT(*) AS c, MAX(n) AS m FROM FUZZ GROUP BY id;"
    "CREATE TABLE FUZZ_W AS SELECT id, COUNT(*) AS c FROM FUZZ "
    "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id;"
    "INSERT INTO FUZZ (id, n) VALUES ('a', 1); INSERT INTO FUZZ (id, n) VALUES ('b', NULL);"
)
STATEMENTS = (
    "SHOW STREAMS;",
    "SHOW TABLES EXTENDED;",
    "SHOW QUERIES EXTENDED;",
    "LIST ALL TOPICS EXTENDED;",
    "SHOW PROPERTIES;",
    "SHOW FUNCTIONS;",
    "DESCRIBE FUZZ EXTENDED;",
    "DESCRIBE FUNCTION UCASE;",
    "DESCRIBE STREAMS EXTENDED;",
    "EXPLAIN SELECT n, COUNT(*) FROM FUZZ GROUP BY n EMIT CHANGES;",
    "SELECT * FROM FUZZ_T WHERE id = 'a';",
    "SELECT id, c FROM FUZZ_T WHERE id IN ('a', 'b') AND c > 0 LIMIT 3;",
    "SELECT * FROM FUZZ_W WHERE id = 'a' AND WINDOWSTART > '2020-01-01T00:00:00';",
    "SELECT n + 1, a[1]->x, TRANSFORM(a, e => e->y['k']) FROM FUZZ LIMIT 1;",
    "SELECT CAST(n AS VARCHAR), SUBSTRING(id, 1, 2), ABS(n) FROM FUZZ;",
    "SELECT n FROM FUZZ EMIT CHANGES LIMIT 1;",
    "INSERT INTO FUZZ (id, n) VALUES ('c', 2 + 3);",
    "INSERT INTO FUZZ (id, a) VALUES ('c', ARRAY[STRUCT(x := 1.5, y := MAP('k' := 1))]);",
    "SET 'auto.offset.reset'='earliest'; UNSET 'auto.offset.reset';",
    "DEFINE x = 'FUZZ'; SHOW VARIABLES; SELECT * FROM ${x};",
    "ASSERT TOPIC fuzz TIMEOUT 10 MILLISECONDS;",
    "PRINT 'fuzz' FROM BEGINNING LIMIT 1;",
    "PAUSE ALL; RESUME ALL;",
    (
        "CREATE STREAM IF NOT EXISTS FUZZ_2 (id VARCHAR KEY, t TIMESTAMP, d DECIMAL(9, 2)) "
        "WITH (KAFKA_TOPIC='fuzz', VALUE_FORMAT='JSON');"
    ),
    (
        "CREATE OR REPLACE TABLE FUZZ_3 (id VARCHAR PRIMARY KEY, b BYTES) "
        "WITH (KAFKA_TOPIC='fuzz', VALUE_FORMAT='DELIMITED');"
    ),
    "CREATE STREAM FUZZ_4 AS SELECT f.id, t.b FROM FUZZ f JOIN FUZZ_3 t ON f.id = t.id;",
    "DROP STREAM IF EXISTS FUZZ_2; DROP TABLE IF EXISTS FUZZ_3;",
    "CREATE TYPE IF NOT EXISTS FUZZ_TYPE AS STRUCT<a INT>; DROP TYPE IF EXISTS FUZZ_TYPE;",
)


@pytest.fixture(scope="module")
def target(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """The URL of a server with a few sources."""
    url = os.environ.get("KSQLDB_FUZZ_URL")
    if url is not None:
        httpx2.post(f"{url}/ksql", json={"ksql": SET_UP}, timeout=60)
        yield url
        return
    server = Server(
        tmp_path_factory.mktemp("fuzz"),
        request.getfixturevalue("bootstrap"),
        request.getfixturevalue("classpath"),
        request.getfixturevalue("build_dir"),
        "ksql.query.persistent.active.limit=3",
        "ksql.server.command.response.timeout.ms=50",
    )
    try:
        server.start()
        server.ksql(SET_UP)
        yield server.url
    finally:
        server.kill()


@pytest.fixture
def wire(target: str) -> Iterator[Wire]:
    address = urlsplit(target)
    assert address.hostname
    assert address.port
    made = Wire(address.hostname, address.port)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def answers_afterwards(
    target: str, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """What must be true after all the abuse; the memory before and after is told."""
    before = _memory(target)
    yield
    info = httpx2.get(f"{target}/info", timeout=30).json()
    assert info["KsqlServerInfo"]["serverStatus"] == "RUNNING"
    health = httpx2.get(f"{target}/healthcheck", timeout=30).json()
    assert health["isHealthy"], health
    statement = {"ksql": "DESCRIBE FUZZ;"}
    found = httpx2.post(f"{target}/ksql", json=statement, timeout=30)
    assert found.status_code == 200, found.text
    pulled = {"sql": "SELECT * FROM FUZZ_T WHERE id = 'a';"}
    rows = httpx2.post(f"{target}/query-stream", json=pulled, timeout=30)
    assert rows.status_code == 200, rows.text
    after = _memory(target)
    record_property("resident_mib", f"{before} -> {after}")
    print(f"resident memory in MiB: {before} -> {after}")  # noqa: T201 - evidence of the run


def _process(url: str) -> psutil.Process | None:
    port = urlsplit(url).port
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "lab.ksqldb" in words and any(w.endswith(f":{port}") for w in words):
            return process
    return None


def _memory(url: str) -> int:
    process = _process(url)
    return 0 if process is None else int(process.memory_info().rss / 1024 / 1024)


@pytest.fixture
def grower() -> RequestGrower:
    text = Path(sql_parser.__file__).with_name("grammar.lark").read_text("utf-8")
    grammar = Lark(text, parser="lalr", start="statement")
    return RequestGrower(STATEMENTS, SEED, Grower(grammar, SEED).statement)


def judged(answer: object, data: object, number: int) -> None:
    found = faults(answer)  # type: ignore[arg-type] # an Answer
    assert not found, f"number {number} of seed {SEED}: {found}\n{clipped(data)}\n{clipped(answer)}"


def clipped(thing: object) -> str:
    """What a failure shows of bytes that may be many."""
    text = repr(thing)
    return text if len(text) < 2000 else f"{text[:1500]} ... {text[-400:]}"


def test_requests_by_http1(wire: Wire, grower: RequestGrower) -> None:
    statuses: dict[int, int] = {}
    for number in range(COUNT // 2):
        sent = grower.request()
        data = sent.http1(grower.pick)
        answer = wire.exchange(data)
        judged(answer, data, number)
        assert answer.statuses or answer.closed, f"nothing came back from {clipped(data)}"
        for status in answer.statuses:
            statuses[status] = statuses.get(status, 0) + 1
    print(f"by HTTP/1.1: {statuses}")  # noqa: T201 - evidence of the run
    assert {200, 400} <= statuses.keys(), "the requests are too alike"


def test_requests_by_http2(wire: Wire, grower: RequestGrower) -> None:
    statuses: dict[int, int] = {}
    for number in range(COUNT // 4):
        sent = grower.request()
        answer = wire.exchange2(sent)
        judged(answer, sent, number)
        for status in answer.statuses:
            statuses[status] = statuses.get(status, 0) + 1
    print(f"by HTTP/2: {statuses}")  # noqa: T201 - evidence of the run
    assert {200, 400} <= statuses.keys(), "the requests are too alike"


def test_damaged_bytes(wire: Wire, grower: RequestGrower) -> None:
    pick = grower.pick
    for number in range(COUNT // 8):
        data = grower.garbled()
        answer = wire.throw(data, end=pick.random() < 0.5, pieces=pick.choice((1, 1, 3)))
        judged(answer, data, number)


def test_frames_of_http2(wire: Wire, grower: RequestGrower) -> None:
    pick = random.Random(SEED)
    for number in range(COUNT // 8):
        settings = b"\0\0\0\x04\0\0\0\0\0" if pick.random() < 0.9 else b""
        data = PREFACE + settings + frames(pick, grower)
        judged(wire.throw(data, end=pick.random() < 0.5), data, number)


def post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ksql", b'{"ksql":' + b"[" * 100_000),
        ("/query-stream", b'{"sql":"SHOW STREAMS;","properties":' + b'{"a":' * 100_000),
        ("/close-query", b'{"queryId":"\\ud800"}'),
        ("/ksql", b'{"ksql":"SHOW \\udfff;"}'),
        ("/query", b'{"ksql":"SELECT 1;","streamsProperties":{"\\ud800":1}}'),
        ("/ksql", b'{"ksql":"SHOW STREAMS;","commandSequenceNumber":' + b"9" * 5000 + b"}"),
    ],
    ids=["arrays", "objects", "half a pair", "half a pair in SQL", "in a name", "number"],
)
def test_bodies_that_once_brought_it_down(wire: Wire, path: str, body: bytes) -> None:
    answer = wire.exchange(post(path, body))
    assert answer.statuses == [400]
    assert faults(answer) == []


@pytest.mark.parametrize(
    ("statements", "status"),
    [("SHOW TYPES;" * 1001, 400), ("x" * (2 * 1024 * 1024 + 1), 413)],
    ids=["statements", "characters"],
)
def test_more_sql_than_a_request_may_have(target: str, statements: str, status: int) -> None:
    answer = httpx2.post(f"{target}/ksql", json={"ksql": statements}, timeout=30)
    assert answer.status_code == status
    assert "most 1000" in answer.text or "longer than" in answer.text


def test_a_body_that_nobody_reads_is_taken_all_the_same(wire: Wire) -> None:
    chunks = b"1\r\nx\r\n" * 100 + b"0\r\n\r\n"
    request = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    assert wire.exchange(request).statuses == [404]
    assert wire.exchange(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n").statuses == [200]


def test_half_a_request_is_no_fault_of_the_server(wire: Wire) -> None:
    half = post("/ksql", b'{"ksql":"SHOW STREAMS;"}')[:-5]
    answer = wire.throw(half, end=True)
    assert answer.statuses in ([], [400])
    assert faults(answer) == []


@pytest.mark.parametrize("said", [b"", b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /ks"])
def test_a_connection_that_its_client_ended_is_over(target: str, wire: Wire, said: bytes) -> None:
    process = _process(target)
    assert process is not None
    before = process.num_fds()
    for _ in range(50):
        wire.throw(said, end=True)
    until(lambda: process.num_fds() < before + 25, "the sockets of clients that are gone")
