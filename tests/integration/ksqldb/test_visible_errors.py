"""What goes wrong can be seen: in DESCRIBE EXTENDED, in SHOW QUERIES, in EXPLAIN."""

from __future__ import annotations

import json

from confluent_kafka import Consumer, Producer, TopicPartition
from support.ksqldb_server import Server, until


def broken_query(server: Server, query: str) -> None:
    """Write a plan for a query to the command topic that no server can build."""
    topic = f"_confluent-ksql-{server.service_id}_command_topic"
    reader = Consumer(
        {"bootstrap.servers": server.bootstrap, "group.id": "looking", "enable.auto.commit": False}
    )
    reader.assign([TopicPartition(topic, 0, 0)])
    record = None
    while record is None or f'"{query}"'.encode() not in (record.value() or b""):
        record = reader.poll(10)
        assert record is not None, "the query's command"
    reader.close()
    value = json.loads(record.value() or b"")
    text = json.dumps(value).replace(f"{query}", f"{query}9").replace("UCASE", "NO_SUCH_FUNCTION")
    producer = Producer({"bootstrap.servers": server.bootstrap})
    key = (record.key() or b"").replace(b"create", b"again")
    producer.produce(topic, key=key, value=text)
    assert producer.flush(10) == 0


def test_unreadable_records_and_broken_queries_are_told(server: Server, name: str) -> None:
    made = server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
        f"CREATE STREAM {name}_O AS SELECT id, UCASE(id) AS u FROM {name};"
        f"DESCRIBE {name} EXTENDED;"
    )
    query = made[1]["commandStatus"]["queryId"]
    assert made[2]["sourceDescription"]["errorStats"] == ""
    producer = Producer({"bootstrap.servers": server.bootstrap})
    producer.produce(name, key="a", value='{"V": "no number"}')
    producer.produce(name, key="b", value="no JSON")
    producer.produce(name, key="c", value='{"V": 1}')
    producer.flush(10)
    rows = f"SELECT * FROM {name}_O;"
    until(lambda: server.select(rows) == [["c", "C"]], "the good record's row")
    described = server.ksql(f"DESCRIBE {name} EXTENDED;")[0]["sourceDescription"]
    assert "consumer-failed-messages:         2" in described["errorStats"]
    assert "last-failed: 20" in described["errorStats"]
    figures = {f["name"]: f["value"] for f in described["clusterErrorStats"]}
    assert figures["consumer-failed-messages"] == 2
    assert figures["consumer-failed-messages-per-sec"] > 0
    server.wait_until_committed()
    server.kill()
    broken_query(server, query)
    server.start()
    states = {q["id"]: q["state"] for q in server.ksql("SHOW QUERIES;")[0]["queries"]}
    assert states == {query: "RUNNING", f"{query}9": "ERROR"}
    explained = server.ksql(f"EXPLAIN {query}9;")[0]["queryDescription"]
    assert explained["state"] == "ERROR"
    assert explained["queryErrors"][0]["type"] == "SYSTEM"
    assert "NO_SUCH_FUNCTION" in explained["queryErrors"][0]["errorMessage"]
    server.ksql(f"INSERT INTO {name} VALUES ('d', 2);")
    until(lambda: ["d", "D"] in server.select(rows), "the row of the query that works")
    server.ksql(f"TERMINATE {query}9;")

    # One that cannot be started when it is made is told of in the same way.
    unusable = {"ksql.streams.metric.reporters": "no.such.Reporter"}
    statement = f"CREATE STREAM {name}_X AS SELECT * FROM {name};"
    refused = server.post("/ksql", {"ksql": statement, "streamsProperties": unusable})
    assert refused.status_code >= 400
    found = server.ksql("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"]
    (failed,) = (q for q in found if q["sinks"] == [f"{name}_X"])
    assert failed["state"] == "ERROR"
    assert "no.such.Reporter" in failed["queryErrors"][0]["errorMessage"]
    status = server.get(f"/status/stream/`{name}_X`/create").json()
    assert status["status"] == "ERROR"
    assert server.get("/status").json()["commandStatuses"][f"stream/`{name}_X`/create"] == "ERROR"
    server.ksql(f"TERMINATE {failed['id']};")
    assert [q["id"] for q in server.ksql("SHOW QUERIES;")[0]["queries"]] == [query]
