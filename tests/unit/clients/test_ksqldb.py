"""ksqlDB's answers, with bodies as its 7.9 sends them."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lab.clients.errors import KsqlRefused, UnexpectedAnswer, Unreachable
from lab.clients.ksqldb import KsqlClient
from lab.clients.ksqldb_rows import QueryHeader, parse_line

HEADER = '{"queryId":"transient_1","columnNames":["ID","N"],"columnTypes":["STRING","BIGINT"]}\n'
REFUSAL = {
    "@type": "statement_error",
    "error_code": 40001,
    "message": "Line: 1, Col: 8: SELECT column 'NOPE' cannot be resolved.",
    "statementText": "SELECT nope FROM T;",
    "entities": [],
}


@pytest.fixture
def ksqldb(script: Any) -> Iterator[KsqlClient]:
    with KsqlClient(script.url) as client:
        yield client


def test_info(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["GET", "/info"] = (
        200,
        {
            "KsqlServerInfo": {
                "version": "7.9.0",
                "kafkaClusterId": "abc",
                "ksqlServiceId": "default_",
                "serverStatus": "RUNNING",
            }
        },
    )
    info = ksqldb.info()
    assert (info.version, info.service_id, info.status) == ("7.9.0", "default_", "RUNNING")
    script.answers["GET", "/healthcheck"] = (200, {"isHealthy": True})
    assert ksqldb.healthy()


def test_a_statement_that_starts_a_query(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/ksql"] = (
        200,
        [
            {
                "@type": "currentStatus",
                "statementText": "CREATE TABLE …",
                "commandStatus": {"status": "SUCCESS", "message": "…", "queryId": "CTAS_T_19"},
            }
        ],
    )
    assert ksqldb.start_query("CREATE TABLE T AS SELECT 1;") == "CTAS_T_19"
    sent = json.loads(script.asked[0][2])
    assert sent["ksql"] == "CREATE TABLE T AS SELECT 1;"
    assert sent["streamsProperties"] == {"ksql.streams.auto.offset.reset": "earliest"}
    (entity,) = ksqldb.execute("x", properties={})
    assert (entity.type, entity.status) == ("currentStatus", "SUCCESS")
    assert json.loads(script.asked[1][2])["streamsProperties"] == {}


def test_a_statement_that_starts_none(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/ksql"] = (200, [])
    with pytest.raises(UnexpectedAnswer, match="no query id"):
        ksqldb.start_query("INSERT INTO T VALUES (1);")


def test_a_refused_statement(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/ksql"] = (400, REFUSAL)
    with pytest.raises(KsqlRefused, match="NOPE") as caught:
        ksqldb.execute("SELECT nope FROM T;")
    error = caught.value
    assert (error.status, error.error_code) == (400, 40001)
    assert error.statement_text == "SELECT nope FROM T;"


def test_queries_and_sources(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/ksql"] = (
        200,
        [
            {
                "@type": "queries",
                "queries": [
                    {
                        "queryString": "CREATE …",
                        "sinks": ["T"],
                        "sinkKafkaTopics": ["T"],
                        "id": "CTAS_T_19",
                        "queryType": "PERSISTENT",
                        "state": "RUNNING",
                    }
                ],
                "streams": [{"name": "S", "type": "STREAM"}],
                "tables": [{"name": "T", "type": "TABLE"}],
            }
        ],
    )
    (query,) = ksqldb.queries()
    assert (query.query_id, query.sinks, query.state) == ("CTAS_T_19", ("T",), "RUNNING")
    assert ksqldb.sources() == {"S": "STREAM", "T": "TABLE"}


def test_a_pull_query(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER + '["a",1]\n',
            '["b",',
            "2]\n",
        ),
    )
    rows = ksqldb.pull("SELECT * FROM T;")
    assert rows.header.column_names == ("ID", "N")
    assert rows.header.column_types == ("STRING", "BIGINT")
    assert list(rows) == [("a", 1), ("b", 2)]
    assert len(rows) == 2
    assert rows.as_dicts()[1] == {"ID": "b", "N": 2}
    assert [path for _, path, _ in script.asked] == ["/query-stream"], "nothing to close"


def test_a_refused_query(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (400, REFUSAL)
    with pytest.raises(KsqlRefused, match="NOPE") as caught:
        ksqldb.pull("SELECT nope FROM T;")
    assert caught.value.status == 400


def test_rows_of_a_push_query_arrive_one_by_one(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER,
            '["a",1]\n',
            "WAIT",
            '["b",2]\n',
        ),
    )
    script.answers["POST", "/close-query"] = (200, {})
    started = time.monotonic()
    with ksqldb.push("SELECT * FROM T EMIT CHANGES;") as query:
        assert query.take(1) == [("a", 1)]
        assert time.monotonic() - started < 5, "the first row did not wait for the second"
        script.go_on.set()
        assert query.take(5) == [("b", 2)]


def test_closing_a_push_query_ends_it_on_the_server(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER,
            "WAIT",
        ),
    )
    script.answers["POST", "/close-query"] = (200, {})
    query = ksqldb.push("SELECT * FROM T EMIT CHANGES;")
    query.close()
    query.close()
    assert [(path, body) for _, path, body in script.asked[1:]] == [
        ("/close-query", '{"queryId": "transient_1"}')
    ]


def test_a_client_that_disconnects_asks_for_nothing(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (200, (HEADER, "WAIT"))
    query = ksqldb.push("SELECT * FROM T EMIT CHANGES;")
    query.disconnect()
    query.close()
    assert [path for _, path, _ in script.asked] == ["/query-stream"]
    assert list(query) == []


def test_closing_from_another_thread_ends_the_iteration(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER,
            '["a",1]\n',
            "WAIT",
        ),
    )
    script.answers["POST", "/close-query"] = (200, {})
    query = ksqldb.push("SELECT * FROM T EMIT CHANGES;")
    rows: list[object] = []
    reader = threading.Thread(target=lambda: rows.extend(query))
    reader.start()
    ksqldb.end_query(query.header.query_id)  # type: ignore[arg-type]  # given above
    script.go_on.set()
    reader.join(10)
    assert not reader.is_alive()
    assert rows == [("a", 1)]
    query.close()


def test_a_silent_server_is_unreachable(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER,
            "WAIT",
        ),
    )
    script.answers["POST", "/close-query"] = (400, {"message": "No query with id"})
    query = ksqldb.push("SELECT * FROM T EMIT CHANGES;", row_timeout_seconds=0.2)
    with pytest.raises(Unreachable):
        next(query)
    query.close()


def test_an_error_in_place_of_a_row(script: Any, ksqldb: KsqlClient) -> None:
    failed = '{"@type":"generic_error","error_code":50000,"message":"it broke"}\n'
    script.answers["POST", "/query-stream"] = (
        200,
        (
            HEADER,
            failed,
        ),
    )
    script.answers["POST", "/close-query"] = (200, {})
    with (
        pytest.raises(KsqlRefused, match="it broke") as caught,
        ksqldb.push("SELECT * FROM T EMIT CHANGES;") as query,
    ):
        next(query)
    assert (caught.value.status, caught.value.error_code) == (200, 50000)


@pytest.mark.parametrize("lines", [['["a",1]\n'], ["nonsense\n"], ["\n"], ['{"a":1}\n']])
def test_an_answer_without_a_header(script: Any, ksqldb: KsqlClient, lines: list[str]) -> None:
    script.answers["POST", "/query-stream"] = (200, tuple(lines))
    with pytest.raises(UnexpectedAnswer):
        ksqldb.push("SELECT 1;")


def test_lines() -> None:
    assert parse_line('["a",null]') == ("a", None)
    header = parse_line('{"queryId":null,"columnNames":["A"]}')
    assert header == QueryHeader(None, ("A",), ())


def test_inserts(script: Any, ksqldb: KsqlClient) -> None:
    script.answers["POST", "/inserts-stream"] = (
        200,
        '{"status":"ok","seq":0}\n{"status":"ok","seq":1}\n',
    )
    assert ksqldb.insert("T", [{"ID": "a"}, {"ID": "b"}]) == 2
    assert script.asked[0][2] == '{"target": "T"}\n{"ID": "a"}\n{"ID": "b"}\n'
    script.answers["POST", "/inserts-stream"] = (
        200,
        '{"status":"error","seq":0,"error_code":50000,"message":"no such column"}\n',
    )
    with pytest.raises(KsqlRefused, match="no such column"):
        ksqldb.insert("T", [{"X": 1}])


def test_nobody_there() -> None:
    with KsqlClient("http://127.0.0.1:9", timeout_seconds=2) as client:
        with pytest.raises(Unreachable):
            client.info()
        with pytest.raises(Unreachable):
            client.pull("SELECT 1;")
