"""Queries that fail, and what a restart after a kill finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer
from confluent_kafka import admin as kafka_admin
from support.ksqldb_server import Server, until


def set_largest_message(bootstrap: str, topic: str, size: int) -> None:
    admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
    resource = kafka_admin.ConfigResource(  # type: ignore[attr-defined] # exported in fact
        kafka_admin.ResourceType.TOPIC,  # type: ignore[attr-defined] # as above
        topic,
        incremental_configs=[
            kafka_admin.ConfigEntry(  # type: ignore[attr-defined] # as above
                "max.message.bytes",
                str(size),
                incremental_operation=kafka_admin.AlterConfigOpType.SET,  # type: ignore[attr-defined] # as above
            )
        ],
    )
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(timeout=10)


def produce(bootstrap: str, topic: str, key: str, value: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, key=key, value=value)
    producer.flush(10)


def described(server: Server) -> dict[str, Any]:
    """The queries by id."""
    found = server.ksql("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"]
    return {q["id"]: q for q in found}


def test_a_failed_query_tells_why_is_attempted_again_and_disturbs_no_other(
    make_server: Callable[..., Server], name: str, bootstrap: str
) -> None:
    server = make_server("ksql.query.retry.backoff.initial.ms=300")
    server.start()
    made = server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v VARCHAR) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_BAD AS SELECT * FROM {name};"
        f"CREATE STREAM {name}_GOOD AS SELECT * FROM {name};"
    )
    bad, good = (m["commandStatus"]["queryId"] for m in made[1:])
    set_largest_message(bootstrap, f"{name}_BAD", 200)
    server.ksql(f"INSERT INTO {name} VALUES ('a', '{'x' * 300}');")
    until(lambda: len(described(server)[bad]["queryErrors"]) >= 2, "two failures")
    errors = described(server)[bad]["queryErrors"]
    assert {e["type"] for e in errors} == {"USER"}
    assert "RecordTooLargeException" in errors[0]["errorMessage"]
    assert errors[0]["timestamp"] < errors[1]["timestamp"]
    until(lambda: described(server)[bad]["state"] == "ERROR", "the state ERROR")
    until(lambda: len(server.select(f"SELECT * FROM {name}_GOOD;")) == 1, "the good query's row")
    assert described(server)[good]["queryErrors"] == []
    set_largest_message(bootstrap, f"{name}_BAD", 1_000_000)
    until(lambda: len(server.select(f"SELECT * FROM {name}_BAD;")) == 1, "the bad query's row")
    until(lambda: described(server)[bad]["state"] == "RUNNING", "the state RUNNING")


def test_a_query_without_its_source_topic_waits_for_it(
    make_server: Callable[..., Server], name: str, bootstrap: str
) -> None:
    """It shows as failed from the first failure until it runs, also after a restart."""
    server = make_server(
        "ksql.query.retry.backoff.initial.ms=100", "ksql.query.retry.backoff.max.ms=500"
    )
    server.start()
    columns = "(id VARCHAR KEY, v INT) WITH (VALUE_FORMAT='JSON', PARTITIONS=3, KAFKA_TOPIC="
    made = server.ksql(
        f"CREATE STREAM {name} {columns}'{name}'); CREATE STREAM {name}_O AS SELECT * FROM {name};"
        f"CREATE STREAM {name}_2 {columns}'{name}_2');"
        f"CREATE STREAM {name}_GOOD AS SELECT * FROM {name}_2;"
    )
    bad, good = (made[n]["commandStatus"]["queryId"] for n in (1, 3))
    rows, good_rows = f"SELECT v FROM {name}_O;", f"SELECT v FROM {name}_GOOD;"
    server.ksql(f"INSERT INTO {name} VALUES ('a', 1);")
    until(lambda: server.select(rows) == [[1]], "the first row")
    admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})

    def failures() -> int:
        return len(described(server)[bad]["queryErrors"])

    def lost_and_found(number: int) -> None:
        """The topic goes and comes back; ``number`` rows are to be with the good query then."""
        admin.delete_topics([name])[name].result(timeout=10)
        until(lambda: described(server)[bad]["state"] == "ERROR", "the state ERROR")
        so_far = failures()
        while failures() == so_far < 10:  # as many are kept
            assert described(server)[bad]["state"] == "ERROR"
        assert {e["type"] for e in described(server)[bad]["queryErrors"]} == {"USER"}
        server.ksql(f"PAUSE {bad};")
        assert described(server)[bad]["state"] == "PAUSED"
        server.ksql(f"RESUME {bad};")
        assert described(server)[bad]["state"] == "ERROR"
        server.ksql(f"INSERT INTO {name}_2 VALUES ('a', {number});")
        until(lambda: len(server.select(good_rows)) == number, "the good query's row")
        assert described(server)[good]["queryErrors"] == []
        if number == 1:
            assert server.stop() == 0
            server.start()
            until(lambda: described(server)[bad]["state"] == "ERROR", "ERROR after a restart", 60)
        new = kafka_admin.NewTopic(name, 3, 1)  # type: ignore[attr-defined] # exported in fact
        admin.create_topics([new])[name].result(timeout=10)
        until(lambda: described(server)[bad]["state"] == "RUNNING", "the state RUNNING")
        server.ksql(f"INSERT INTO {name} VALUES ('a', {number + 1});")
        until(lambda: [number + 1] in server.select(rows), "the row of the new topic")

    lost_and_found(1)
    lost_and_found(2)


def test_after_a_kill_every_kind_of_statement_is_there_again(server: Server, name: str) -> None:
    columns = f"(id VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='{name}_T', VALUE_FORMAT='JSON'"
    made = server.ksql(
        f"CREATE TYPE {name}_A AS STRUCT<x INT>; CREATE TYPE {name}_B AS INT; DROP TYPE {name}_B;"
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"ALTER STREAM {name} ADD COLUMN w INT;"
        f"CREATE SOURCE TABLE {name}_T {columns}, PARTITIONS=1);"
        f"CREATE STREAM {name}_O AS SELECT id, v FROM {name};"
        f"CREATE OR REPLACE STREAM {name}_O AS SELECT id, v, w FROM {name};"
    )
    insert = server.ksql(f"INSERT INTO {name}_O SELECT * FROM {name};")
    query = insert[0]["commandStatus"]["queryId"]
    server.ksql(f"PAUSE {query}; INSERT INTO {name} VALUES ('a', 1, 2);")
    rows = f"SELECT * FROM {name}_O;"
    until(lambda: server.select(rows) == [["a", 1, 2]], "the row of the one that is not paused")
    shown = (
        f"SHOW TYPES; SHOW QUERIES; SHOW STREAMS; DESCRIBE {name}; DESCRIBE {name}_O; SHOW TABLES;"
    )
    before = server.ksql(shown)
    states = {q["id"]: q["state"] for q in before[1]["queries"]}
    assert states[query] == "PAUSED"
    assert made[-1]["commandStatus"]["queryId"] in states
    server.wait_until_committed()
    server.kill()
    server.start()
    assert server.ksql(shown) == before
    assert server.select(rows) == [["a", 1, 2]]
    server.ksql(f"RESUME {query}; INSERT INTO {name} VALUES ('b', 3, 4);")
    until(lambda: len(server.select(rows)) == 4, "each row twice")
    source_table = f"SELECT * FROM {name}_T;"
    assert server.select(source_table) == []


def test_a_terminated_cluster_serves_nothing_and_begins_anew(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_O AS SELECT * FROM {name};"
        f"CREATE STREAM {name}_P AS SELECT * FROM {name};"
    )
    wrong = server.post("/terminate", {"deleteTopicList": ["["]})
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, 40000)
    done = server.post("/terminate", {"deleteTopicList": [f"{name}_O", f"{name}"]})
    assert done.json()[0]["commandId"] == "cluster/TerminateCluster/terminate"
    refused = server.post("/ksql", {"ksql": "SHOW STREAMS;"})
    assert (refused.status_code, refused.json()["error_code"]) == (503, 50302)
    admin = kafka_admin.AdminClient({"bootstrap.servers": server.bootstrap})

    def left() -> set[str]:
        topics = admin.list_topics(timeout=10).topics
        return {t for t in topics if name in t or server.service_id in t}

    kept = {name, f"{name}_P", f"{server.service_id}ksql_processing_log"}
    until(lambda: left() == kept, "the end of the sink's, internal and command topics")
    assert server.stop() == 0
    server.start()
    assert [s["name"] for s in server.ksql("SHOW STREAMS;")[0]["streams"]] == [
        "KSQL_PROCESSING_LOG"
    ]


def test_what_the_settings_forbid_is_refused(make_server: Callable[..., Server], name: str) -> None:
    server = make_server(
        "ksql.query.persistent.active.limit=1",
        "ksql.insert.into.values.enabled=false",
        "ksql.create.or.replace.enabled=false",
        "ksql.pull.queries.enable=false",
        "ksql.properties.overrides.denylist=auto.offset.reset",
    )
    server.start()

    def message(path: str, body: Any) -> str:
        answer = server.post(path, body)
        assert answer.status_code == 400, answer.text
        found: str = answer.json()["message"]
        return found

    columns = f"(id VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON'"
    statements = (
        f"CREATE STREAM {name} {columns}, PARTITIONS=1); CREATE STREAM {name}_A AS SELECT * "
        f"FROM {name};"
    )
    assert server.post("/ksql", {"ksql": statements}).status_code == 200
    for statement, says in (
        (f"CREATE STREAM {name}_B AS SELECT * FROM {name};", "configured limit"),
        (f"INSERT INTO {name} VALUES ('a', 1);", "disabled INSERT INTO"),
        (f"CREATE OR REPLACE STREAM {name} {columns});", "CREATE OR REPLACE is switched off"),
        ("SET 'auto.offset.reset'='earliest';", "Cannot override"),
    ):
        assert says in message("/ksql", {"ksql": statement})
    assert "disabled" in message("/query-stream", {"sql": f"SELECT * FROM {name};"})
    answer = server.get("/is_valid_property/auto.offset.reset")
    assert (answer.status_code, answer.json()["error_code"]) == (400, 40000)
    status = server.get(f"/status/stream/`{name}_A`/create").json()
    assert status["queryId"].startswith(f"CSAS_{name}_A_")
    assert server.get("/status/stream/`NOPE`/create").status_code == 404


def test_a_bad_record_stops_a_query_that_is_told_so(
    make_server: Callable[..., Server], name: str
) -> None:
    """The server's own property, a statement's, and Kafka Streams' name for it."""
    server = make_server("ksql.fail.on.deserialization.error=true")
    server.start()
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    handler = "ksql.streams.default.deserialization.exception.handler"
    kafkas = "org.apache.kafka.streams.errors.LogAnd{}ExceptionHandler"
    modes = {
        "SERVER": {},
        "GOES_ON": {"ksql.fail.on.deserialization.error": "false"},
        "HANDLER_GOES_ON": {handler: kafkas.format("Continue")},
        "HANDLER_FAILS": {handler: kafkas.format("Fail")},
    }
    queries = {
        mode: server.ksql(f"CREATE STREAM {name}_{mode} AS SELECT * FROM {name};", **properties)[0][
            "commandStatus"
        ]["queryId"]
        for mode, properties in modes.items()
    }
    for value in ('{"v": 1}', "three", '{"v": 3}'):
        produce(server.bootstrap, name, "k", value)
    failing = [queries["SERVER"], queries["HANDLER_FAILS"]]
    until(
        lambda: all(described(server)[query]["queryErrors"] for query in failing), "both failures"
    )
    going_on = ("GOES_ON", "HANDLER_GOES_ON")

    def written() -> list[Any]:
        return [server.select(f"SELECT v FROM {name}_{mode};") for mode in going_on]

    until(lambda: written() == [[[1], [3]]] * 2, "the rows of those that go on")
    assert not any(described(server)[queries[mode]]["queryErrors"] for mode in going_on)
    for mode in ("SERVER", "HANDLER_FAILS"):
        # Kafka Streams reads one record ahead of what it processes.
        assert server.select(f"SELECT v FROM {name}_{mode};") in ([], [[1]])
        (error, *_) = described(server)[queries[mode]]["queryErrors"]
        assert "Deserialization exception handler is set to fail" in error["errorMessage"]
    refused = server.post(
        "/ksql",
        {
            "ksql": f"CREATE STREAM {name}_X AS SELECT * FROM {name};",
            "streamsProperties": {handler: "java.lang.String"},
        },
    )
    assert refused.status_code == 400
    assert "LogAndFailExceptionHandler" in refused.json()["message"]


def test_a_group_without_a_value_is_reported_and_left_out(
    make_server: Callable[..., Server], name: str
) -> None:
    server = make_server("ksql.logging.processing.rows.include=false")
    server.start()
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, a VARCHAR, b INT) "
        f"WITH (KAFKA_TOPIC='{name}', FORMAT='JSON', PARTITIONS=1);"
        f"CREATE TABLE {name}_N AS SELECT a, b, COUNT(*) AS n FROM {name} GROUP BY a, b;"
    )
    for value in ('{"a": "x", "b": 1}', '{"a": "x"}', "nonsense", '{"a": "x", "b": 1}'):
        produce(server.bootstrap, name, '"k"', value)
    until(lambda: server.select(f"SELECT n FROM {name}_N;") == [[2]], "the count of two")
    reports = (
        "SELECT logger, message->type AS t, message->recordProcessingError->errorMessage AS e, "
        "message->recordProcessingError->record AS r, "
        "message->deserializationError->recordB64 AS b "
        f"FROM KSQL_PROCESSING_LOG WHERE logger LIKE '%{name}_N%' EMIT CHANGES LIMIT 2;"
    )
    found = sorted(server.select(reports), key=lambda row: row[1])
    assert [row[1] for row in found] == [0, 1]
    prefix = f"processing.CTAS_{name}_N"
    assert found[0][0].startswith(prefix)
    assert found[0][0].endswith(".KsqlTopic.Source.deserializer")
    assert found[1][0].endswith(".Aggregate.GroupBy")
    assert "Group-by column with index 1 resolved to null" in found[1][2]
    assert [row[3:] for row in found] == [[None, None], [None, None]]


def test_a_record_that_the_broker_refuses_can_be_left_out(
    server: Server, name: str, bootstrap: str
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v VARCHAR) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    made = server.ksql(
        f"CREATE STREAM {name}_O AS SELECT * FROM {name};",
        **{"ksql.fail.on.production.error": "false"},
    )
    set_largest_message(bootstrap, f"{name}_O", 200)
    server.ksql(
        f"INSERT INTO {name} VALUES ('a', '{'x' * 300}'); INSERT INTO {name} VALUES ('a', 'y');"
    )
    until(lambda: server.select(f"SELECT v FROM {name}_O;") == [["y"]], "the row after it")
    assert described(server)[made[0]["commandStatus"]["queryId"]]["queryErrors"] == []
    rows = server.select(
        "SELECT message->productionError->errorMessage FROM KSQL_PROCESSING_LOG "
        "WHERE message->type = 2 EMIT CHANGES LIMIT 1;"
    )
    assert "larger than" in rows[0][0] or "max" in rows[0][0]
