"""Statements, end to end, against a real broker."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

import httpx2
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from support.ksqldb_server import Server, until


@pytest.fixture
def orders(server: Server, name: str) -> str:
    """A stream of three orders over three partitions."""
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, region VARCHAR, amount DOUBLE) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=3);"
        f"INSERT INTO {name} VALUES ('a', 'east', 1.5);"
        f"INSERT INTO {name} VALUES ('b', 'west', 2);"
        f"INSERT INTO {name} (id, region) VALUES ('c', 'east');"
    )
    return name


def topics(server: Server) -> set[str]:
    return set(AdminClient({"bootstrap.servers": server.bootstrap}).list_topics(timeout=10).topics)


def groups(server: Server) -> set[str]:
    admin = AdminClient({"bootstrap.servers": server.bootstrap})
    return {g.group_id for g in admin.list_consumer_groups().result().valid}


def test_pull_query_on_a_stream_reads_all_rows_and_leaves_no_topic_and_no_group(
    server: Server, orders: str
) -> None:
    before = topics(server), groups(server)
    rows = server.select(f"SELECT id, region, amount FROM {orders};")
    assert sorted(rows) == [["a", "east", 1.5], ["b", "west", 2.0], ["c", "east", None]]
    assert server.select(f"SELECT id FROM {orders} WHERE amount > 1.9;") == [["b"]]
    assert len(server.select(f"SELECT id FROM {orders} LIMIT 2;")) == 2
    assert (topics(server), groups(server)) == before


def test_create_stream_as_select_filters_and_projects(server: Server, orders: str) -> None:
    server.ksql(
        f"CREATE STREAM {orders}_E AS SELECT id, UCASE(region) AS r, amount * 2 AS twice "
        f"FROM {orders} WHERE region = 'east' EMIT CHANGES;"
    )
    rows = server.select(f"SELECT * FROM {orders}_E EMIT CHANGES LIMIT 2;")
    assert sorted(rows, key=str) == [["a", "EAST", 3.0], ["c", "EAST", None]]


def test_create_table_as_select_counts_and_is_pulled_by_key(server: Server, orders: str) -> None:
    done = server.ksql(
        f"CREATE TABLE {orders}_T AS SELECT region, COUNT(*) AS n, SUM(amount) AS total "
        f"FROM {orders} GROUP BY region EMIT CHANGES;"
    )
    query = done[0]["commandStatus"]["queryId"]
    assert query.startswith(f"CTAS_{orders}_T_")
    until(lambda: len(server.select(f"SELECT * FROM {orders}_T;")) == 2, "both groups")
    find = f"SELECT * FROM {orders}_T WHERE region"
    until(lambda: server.select(f"{find} = 'east';") == [["east", 2, 1.5]], "the group east")
    assert server.select(f"{find} = 'none';") == []
    assert sorted(server.select(f"{find} IN ('east', 'west', 'x');")) == [
        ["east", 2, 1.5],
        ["west", 1, 2.0],
    ]
    assert server.select(f"SELECT n + 1 AS m FROM {orders}_T WHERE n < 2;") == [[2]]
    application = f"_confluent-ksql-{server.service_id}query_{query}"
    internal = {t for t in topics(server) if t.startswith(application)}
    assert internal == {
        f"{application}-Aggregate-GroupBy-repartition",
        f"{application}-Aggregate-Aggregate-Materialize-changelog",
    }
    assert application in groups(server)


def test_grouping_by_the_key_needs_no_repartition(server: Server, orders: str) -> None:
    done = server.ksql(
        f"CREATE TABLE {orders}_K AS SELECT id, COUNT(*) AS n FROM {orders} GROUP BY id;"
    )
    application = f"_confluent-ksql-{server.service_id}query_{done[0]['commandStatus']['queryId']}"
    until(lambda: len(server.select(f"SELECT * FROM {orders}_K;")) == 3, "three groups")
    internal = {t for t in topics(server) if t.startswith(application)}
    assert internal == {f"{application}-Aggregate-Aggregate-Materialize-changelog"}


def test_several_grouping_columns_and_having(server: Server, orders: str) -> None:
    server.ksql(
        f"CREATE TABLE {orders}_M WITH (KEY_FORMAT='JSON') AS SELECT region, id, COUNT(*) AS n, "
        f"MAX(amount) AS most FROM {orders} GROUP BY region, id HAVING COUNT(*) > 0;"
    )
    rows = until(
        lambda: (r := server.select(f"SELECT * FROM {orders}_M;")) and len(r) == 3 and r,
        "three groups",
    )
    assert sorted(rows, key=str) == [
        ["east", "a", 1, 1.5],
        ["east", "c", 1, None],
        ["west", "b", 1, 2.0],
    ]


def test_a_table_projection_is_queryable(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE TABLE {name} (id INT PRIMARY KEY, v VARCHAR) WITH (KAFKA_TOPIC='{name}', "
        "VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE TABLE {name}_Q AS SELECT id, UCASE(v) AS u FROM {name} WHERE v <> 'x';"
        f"INSERT INTO {name} VALUES (1, 'one'); INSERT INTO {name} VALUES (2, 'x');"
    )
    until(lambda: server.select(f"SELECT * FROM {name}_Q;") == [[1, "ONE"]], "the row")
    server.ksql(f"INSERT INTO {name} VALUES (1, 'uno');")
    until(
        lambda: server.select(f"SELECT * FROM {name}_Q WHERE id = 1;") == [[1, "UNO"]],
        "the row's new value",
    )


def test_push_query_streams_rows_as_they_come_and_ends_with_its_client(
    server: Server, orders: str
) -> None:
    lines: list[Any] = []
    body = {
        "sql": f"SELECT id, amount FROM {orders} EMIT CHANGES;",
        "properties": {"auto.offset.reset": "latest"},
    }
    listening = [
        s["state"] for s in server.ksql("SHOW QUERIES;")[0]["queries"] if s["queryType"] == "PUSH"
    ]
    assert listening == []

    def insert() -> None:
        deadline = time.monotonic() + 15
        while not lines[1:] and time.monotonic() < deadline:
            server.ksql(f"INSERT INTO {orders} VALUES ('late', 'north', 9);")
            time.sleep(0.1)  # a new row now and then, until one is seen

    inserter = threading.Thread(target=insert)
    with httpx2.stream("POST", server.url + "/query-stream", json=body, timeout=30) as answer:
        for line in answer.iter_lines():
            lines.append(json.loads(line))
            if len(lines) == 1:
                inserter.start()
            else:
                break
    inserter.join()
    assert lines[0]["columnNames"] == ["ID", "AMOUNT"]
    assert lines[1] == ["late", 9.0]  # nothing from before the query
    until(
        lambda: not server.ksql("SHOW QUERIES;")[0]["queries"],
        "the end of the push query",
    )


def test_close_query_ends_a_push_query(server: Server, orders: str) -> None:
    body = {"sql": f"SELECT * FROM {orders} EMIT CHANGES;", "properties": {}}
    with httpx2.stream("POST", server.url + "/query-stream", json=body, timeout=30) as answer:
        lines = answer.iter_lines()
        query = json.loads(next(lines))["queryId"]
        assert server.post("/close-query", {"queryId": query}).status_code == 200
        assert list(lines) == []
    assert server.post("/close-query", {"queryId": query}).status_code == 400


def test_http_2_answers_the_same(server: Server, orders: str) -> None:
    with httpx2.Client(http1=False, http2=True) as client:
        answer = client.post(
            server.url + "/query-stream", json={"sql": f"SELECT id FROM {orders};"}
        )
    assert answer.http_version == "HTTP/2"
    assert len(answer.text.splitlines()) == 4


def test_terminate_leaves_the_sink_and_removes_internal_topics(server: Server, orders: str) -> None:
    done = server.ksql(
        f"CREATE TABLE {orders}_X AS SELECT region, COUNT(*) n FROM {orders} GROUP BY region;"
    )
    query = done[0]["commandStatus"]["queryId"]
    prefix = f"_confluent-ksql-{server.service_id}query_{query}"
    until(lambda: [t for t in topics(server) if t.startswith(prefix)], "internal topics")
    server.ksql(f"TERMINATE {query};")
    until(lambda: not [t for t in topics(server) if t.startswith(prefix)], "their removal")
    assert f"{orders}_X" in topics(server)
    refused = server.post("/query-stream", {"sql": f"SELECT * FROM {orders}_X;"})
    assert (refused.status_code, refused.json()["error_code"]) == (400, 40001)
    server.ksql(f"DROP TABLE {orders}_X DELETE TOPIC; DROP STREAM {orders} DELETE TOPIC;")
    until(lambda: not {orders, f"{orders}_X"} & topics(server), "the removal of both topics")


def test_nothing_happens_when_a_later_statement_is_refused(server: Server, name: str) -> None:
    first = (
        f"CREATE STREAM {name} (a INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    error = server.refusal(first + f"CREATE STREAM {name}_2 AS SELECT nope FROM {name};")
    assert error["error_code"] == 40001
    names = [s["name"] for s in server.ksql("SHOW STREAMS;")[0]["streams"]]
    assert names == ["KSQL_PROCESSING_LOG"]
    assert name not in topics(server)


def test_a_failing_expression_refuses_an_insert(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (k VARCHAR KEY, a INT) WITH (KAFKA_TOPIC='{name}', "
        "VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    error = server.refusal(f"INSERT INTO {name} VALUES ('x', 1 / 0);")
    assert error["message"].startswith(f"Failed to insert values into '{name}'. / by zero")
    server.ksql(f"INSERT INTO {name} VALUES ('x', ABS(-3) + 1);")
    assert server.select(f"SELECT * FROM {name};") == [["x", 4]]


def test_a_bad_record_is_reported_and_skipped(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (k VARCHAR KEY, a INT) WITH (KAFKA_TOPIC='{name}', "
        "VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_O AS SELECT k, a + 1 AS a1 FROM {name};"
    )
    producer = Producer({"bootstrap.servers": server.bootstrap})
    for key, value in (
        ("1", '{"a": 1}'),
        ("2", "not json"),
        ("3", '{"a": "text"}'),
        ("4", '{"A":4}'),
        ("5", '{"B":5}'),
    ):
        producer.produce(name, key=key, value=value)
    producer.flush(10)
    rows = server.select(f"SELECT * FROM {name}_O EMIT CHANGES LIMIT 3;")
    assert rows == [["1", 2], ["4", 5], ["5", None]]
    reported = until(
        lambda: (
            (
                r := server.select(
                    "SELECT message->deserializationError->recordB64 FROM KSQL_PROCESSING_LOG "
                    "WHERE message->type = 0;"
                )
            )
            and len(r) >= 2
            and r
        ),
        "two reports",
    )
    found = {base64.b64decode(row[0]).decode() for row in reported}
    assert found >= {"not json", '{"a": "text"}'}
    computing = until(
        lambda: server.select(
            "SELECT logger, message->recordProcessingError->errorMessage "
            "FROM KSQL_PROCESSING_LOG WHERE message->type = 1 EMIT CHANGES LIMIT 1;"
        ),
        "a report of the NULL operand",
    )
    assert computing[0][0].endswith(".Project")
    assert "(A + 1) for column A1 with index 0: NULL operand" in computing[0][1]
    states = [q["state"] for q in server.ksql("SHOW QUERIES;")[0]["queries"]]
    assert states == ["RUNNING"]


def test_none_is_no_key_format_for_a_sink_with_keys(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (V INT) WITH (KAFKA_TOPIC='{name}', KEY_FORMAT='NONE',"
        " VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    query = f"AS SELECT V, COUNT(*) AS N FROM {name} GROUP BY V;"
    error = server.refusal(f"CREATE TABLE {name}_T WITH (KEY_FORMAT='NONE') {query}")
    assert "The 'NONE' format can only be used when no columns are defined" in error["message"]
    # Taken over from the source it is another matter: the sink gets the default format.
    server.ksql(f"CREATE TABLE {name}_T {query}")
    (entity,) = server.ksql(f"DESCRIBE {name}_T;")
    assert entity["sourceDescription"]["keyFormat"] == "KAFKA"


@pytest.mark.parametrize(
    ("statement", "feature"),
    [
        ("CREATE STREAM x AS SELECT * FROM {s} LIMIT 2;", "LIMIT"),
        ("ALTER SYSTEM 'auto.offset.reset'='latest';", "ALTER SYSTEM"),
    ],
)
def test_what_the_server_does_not_do_is_refused_by_name(
    server: Server, orders: str, statement: str, feature: str
) -> None:
    error = server.refusal(statement.format(s=orders))
    assert error["error_code"] == 40001
    assert feature in error["message"]
    assert "not supported" in error["message"]
