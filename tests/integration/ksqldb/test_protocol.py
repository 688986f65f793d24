"""What the clients of ksqlDB send, call by call, and the shapes that they take for an answer.

Java's client sends HTTP/2 by prior knowledge and no Accept; ksqlDB's command line sends HTTP/1.1
and Accept: application/json. Both take entities apart strictly: a member too few, or of another
type, is an error there.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import httpx2
import pytest
from confluent_kafka import Producer
from support.ksqldb_server import Server, until
from support.shapes import Each, Maybe, misfits

DELIMITED = "application/vnd.ksqlapi.delimited.v1"
EARLIEST = {"auto.offset.reset": "earliest"}
JAVA, CLI = "HTTP/2", "HTTP/1.1"


def entity(kind: str, **members: Any) -> list[dict[str, Any]]:
    """The one entity that answers a statement."""
    return [{"@type": kind, "statementText": str, **members, "warnings": []}]


SCHEMA = {"type": str, "fields": None, "memberSchema": None}
SOURCE = {
    "type": str,
    "name": str,
    "topic": str,
    "keyFormat": str,
    "valueFormat": str,
    "isWindowed": bool,
}
QUERY = {
    "queryString": str,
    "sinks": [str],
    "sinkKafkaTopics": [str],
    "id": str,
    "statusCount": Each(int),
    "queryType": "PERSISTENT",
    "state": str,
}
DESCRIPTION = {
    "name": str,
    "windowType": None,
    "readQueries": [],
    "writeQueries": [QUERY],
    "fields": list,
    "type": "TABLE",
    "timestamp": "",
    "statistics": str,
    "errorStats": str,
    "extended": bool,
    "keyFormat": "KAFKA",
    "valueFormat": "JSON",
    "topic": str,
    "partitions": 1,
    "replication": 1,
    "statement": str,
    "queryOffsetSummaries": list,
    "sourceConstraints": list,
    "clusterStatistics": list,
    "clusterErrorStats": [],
}
QUERY_DESCRIPTION = {
    "id": str,
    "statementText": str,
    "windowType": None,
    "fields": list,
    "sources": [str],
    "sinks": [str],
    "topology": str,
    "executionPlan": str,
    "overriddenProperties": Each(str),
    "ksqlHostQueryStatus": Each(str),
    "queryType": "PERSISTENT",
    "queryErrors": [],
    "tasksMetadata": list,
    "consumerGroupId": str,
    "state": str,
}
STATUS = entity(
    "currentStatus",
    commandId=str,
    commandStatus={"status": "SUCCESS", "message": str, "queryId": Maybe(str)},
    commandSequenceNumber=int,
)

STATEMENTS: dict[str, Any] = {
    "LIST STREAMS;": entity("streams", streams=[SOURCE]),
    "LIST TABLES;": entity("tables", tables=[SOURCE]),
    "LIST TOPICS;": entity("kafka_topics", topics=[{"name": str, "replicaInfo": [int]}]),
    "SHOW ALL TOPICS EXTENDED;": entity(
        "kafka_topics_extended",
        topics=[
            {"name": str, "replicaInfo": [int], "consumerCount": int, "consumerGroupCount": int}
        ],
    ),
    "LIST QUERIES;": entity("queries", queries=[QUERY]),
    "SHOW QUERIES EXTENDED;": entity("query_descriptions", queryDescriptions=[QUERY_DESCRIPTION]),
    "EXPLAIN {query};": entity("queryDescription", queryDescription=QUERY_DESCRIPTION),
    "DESCRIBE {table};": entity("sourceDescription", sourceDescription=DESCRIPTION),
    "DESCRIBE {table} EXTENDED;": entity("sourceDescription", sourceDescription=DESCRIPTION),
    "SHOW TABLES EXTENDED;": entity(
        "source_descriptions", sourceDescriptions=[DESCRIPTION | {"writeQueries": list}]
    ),
    "SHOW PROPERTIES;": entity(
        "properties",
        properties=[{"name": str, "scope": "KSQL", "value": str, "editable": bool, "level": str}],
        overwrittenProperties=list,
        defaultProperties=[str],
    ),
    "SHOW FUNCTIONS;": entity(
        "function_names", functions=[{"name": str, "type": str, "category": str}]
    ),
    "DESCRIBE FUNCTION SUBSTRING;": entity(
        "describe_function",
        name="SUBSTRING",
        description=str,
        author=str,
        version=str,
        path=str,
        functions=[
            {
                "arguments": [{"name": str, "type": str, "description": str, "isVariadic": bool}],
                "returnType": str,
                "description": str,
                "argumentTypes": [str],
            }
        ],
        type="SCALAR",
    ),
    "CREATE TYPE {stream}_T AS STRUCT<a INT, b ARRAY<STRING>>;": STATUS,
    "SHOW TYPES;": entity(
        "type_list",
        types=Each(
            {
                "type": "STRUCT",
                "fields": [{"name": str, "schema": dict}],
                "memberSchema": None,
            }
        ),
    ),
    "DROP TYPE {stream}_T;": STATUS,
    "LIST VARIABLES;": entity("variables", variables=[{"name": "v", "value": "1"}]),
    "DEFINE w = '2';": [],
    "SET 'auto.offset.reset' = 'earliest';": [],
    "INSERT INTO {stream} (ID) VALUES ('x');": [],
    "ASSERT TOPIC {stream} WITH (partitions=1) TIMEOUT 5 SECONDS;": entity(
        "assert_topic", topicName=str, exists=True
    ),
    "assert  not exists topic {stream}_NONE ;": entity("assert_topic", topicName=str, exists=False),
    "CREATE STREAM IF NOT EXISTS {stream} (ID STRING KEY) WITH (kafka_topic='{stream}', "
    "value_format='JSON');": entity("warning_entity", message=str),
    "PAUSE {query};": STATUS,
    "RESUME {query};": STATUS,
    "CREATE STREAM {stream}_2 AS SELECT * FROM {stream};": STATUS,
    "DROP STREAM {stream}_2 DELETE TOPIC;": STATUS,
}


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Server]:
    """A server with a stream S, a table T of it, and a table R that is read from a topic."""
    made = Server(
        tmp_path_factory.mktemp("server"),
        bootstrap,
        classpath,
        build_dir,
        "ksql.connect.url=http://127.0.0.1:1",
        "access.control.allow.origin=https://a.example,https://b.example",
    )
    made.start()
    made.ksql(
        "CREATE STREAM S (id VARCHAR KEY, n INT) "
        "WITH (KAFKA_TOPIC='S', VALUE_FORMAT='JSON', PARTITIONS=1);"
        "CREATE TABLE T AS SELECT id, COUNT(*) AS c FROM S GROUP BY id;"
        "CREATE TABLE R (id VARCHAR PRIMARY KEY, n INT) "
        "WITH (KAFKA_TOPIC='R', VALUE_FORMAT='JSON', PARTITIONS=1);"
        "CREATE STREAM B (id VARCHAR KEY, n INT) "
        "WITH (KAFKA_TOPIC='B', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    yield made
    made.kill()


@pytest.fixture(scope="module")
def query(shared: Server) -> str:
    """The query that makes T."""
    found: str = shared.ksql("SHOW QUERIES;")[0]["queries"][0]["id"]
    return found


@pytest.fixture(scope="module")
def java(shared: Server) -> Iterator[httpx2.Client]:
    """Talks as Java's client does."""
    with httpx2.Client(http1=False, http2=True, base_url=shared.url, timeout=30) as client:
        del client.headers["accept"]
        yield client


@pytest.fixture(scope="module")
def cli(shared: Server) -> Iterator[httpx2.Client]:
    """Talks as ksqlDB's command line does."""
    headers = {"accept": "application/json"}
    with httpx2.Client(base_url=shared.url, timeout=30, headers=headers) as client:
        yield client


def cli_body(ksql: str, number: int | None = None) -> dict[str, Any]:
    return {
        "ksql": ksql,
        "streamsProperties": EARLIEST,
        "requestProperties": {},
        "commandSequenceNumber": number,
        "sessionVariables": {"v": "1"},
    }


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements(java: httpx2.Client, cli: httpx2.Client, query: str, statement: str) -> None:
    text = statement.format(stream="S", table="T", query=query)
    shape = STATEMENTS[statement]
    java_body = {"ksql": text, "streamsProperties": {}, "sessionVariables": {"v": "1"}}
    changes = shape is STATUS
    clients = [(java, java_body)] if changes else [(java, java_body), (cli, cli_body(text))]
    for client, body in clients:
        answer = client.post("/ksql", json=body)
        assert (answer.status_code, answer.http_version) == (
            200,
            JAVA if client is java else CLI,
        ), answer.text
        assert answer.headers["content-type"] == "application/json"
        assert misfits(answer.json(), shape) == []


GENERIC = {"@type": "generic_error", "error_code": int, "message": str}
OF_STATEMENT = {
    "@type": "statement_error",
    "error_code": int,
    "message": str,
    "statementText": str,
    "entities": [],
}


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "shape"),
    [
        ("/ksql", {"ksql": "SELECT * FROM S;"}, 400, 40002, OF_STATEMENT),
        ("/ksql", {"ksql": "PRINT S;"}, 400, 40002, OF_STATEMENT),
        ("/ksql", {"ksql": "SHOW NONSENSE;"}, 400, 40001, OF_STATEMENT),
        ("/ksql", {"ksql": "DESCRIBE NOPE;"}, 400, 40001, OF_STATEMENT),
        ("/ksql", {"ksql": "ASSERT TOPIC NOPE TIMEOUT 1 MILLISECONDS;"}, 417, 41700, GENERIC),
        ("/ksql", {"ksql": "SHOW TYPES;", "streamsProperties": {"x.y": 1}}, 400, 40000, GENERIC),
        ("/ksql", {"sql": "SHOW TYPES;"}, 400, 40000, GENERIC),
        ("/ksql", {"ksql": "SHOW CONNECTORS;"}, 500, 50000, OF_STATEMENT),
        ("/ksql", {"ksql": "DESCRIBE CONNECTOR C;"}, 500, 50000, OF_STATEMENT),
        ("/ksql", {"ksql": "DROP CONNECTOR C;"}, 500, 50000, OF_STATEMENT),
        ("/query", {"ksql": "SELECT * FROM NOPE;"}, 400, 40001, OF_STATEMENT),
        ("/query", {"ksql": "SHOW TYPES;"}, 400, 40000, GENERIC),
        ("/query", {"ksql": "PRINT NOPE;"}, 400, 40000, GENERIC),
        ("/query-stream", {"sql": "SELECT * FROM NOPE;"}, 400, 40001, OF_STATEMENT),
        ("/query-stream", {"sql": "SHOW TYPES;"}, 400, 40001, OF_STATEMENT),
        ("/query-stream", {"properties": {}}, 400, 40000, GENERIC),
        ("/close-query", {"queryId": "x"}, 400, 40000, GENERIC),
        ("/close-query", {}, 400, 40000, GENERIC),
        ("/inserts-stream", {"target": "NOPE"}, 400, 40001, GENERIC),
        ("/inserts-stream", {"target": "T"}, 400, 40001, GENERIC),
        ("/ksql/terminate", {"deleteTopicList": ["["]}, 400, 40000, GENERIC),
        ("/terminate", {"deleteTopicList": ["["]}, 400, 40000, GENERIC),
    ],
)
def test_errors(
    java: httpx2.Client, path: str, body: Any, status: int, code: int, shape: Any
) -> None:
    answer = java.post(path, json=body)
    error = answer.json()
    assert (answer.status_code, error["error_code"]) == (status, code), error
    assert misfits(error, shape) == []
    assert "\tat " not in error["message"]
    assert "Errno" not in error["message"]


@pytest.mark.parametrize(
    ("path", "status", "shape"),
    [
        (
            "/info",
            200,
            {
                "KsqlServerInfo": {
                    "version": "7.9.0",
                    "kafkaClusterId": str,
                    "ksqlServiceId": str,
                    "serverStatus": "RUNNING",
                    "product": str,
                    "kafkaStreamsVersion": str,
                }
            },
        ),
        (
            "/healthcheck",
            200,
            {
                "isHealthy": True,
                "details": Each({"isHealthy": True}),
                "serverState": "READY",
            },
        ),
        ("/is_valid_property/auto.offset.reset", 200, True),
        (
            "/v1/metadata",
            200,
            {"version": "7.9.0", "clusterId": {"scope": dict, "id": ""}},
        ),
        (
            "/v1/metadata/id",
            200,
            {
                "scope": {"path": [], "clusters": {"kafka-cluster": str, "ksql-cluster": str}},
                "id": "",
            },
        ),
        ("/status", 200, {"commandStatuses": Each("SUCCESS")}),
        (
            "/status/stream/%60S%60/create",
            200,
            {"status": "SUCCESS", "message": str, "queryId": None},
        ),
        ("/status/stream/%60NOPE%60/create", 404, GENERIC),
    ],
)
def test_questions(
    java: httpx2.Client, cli: httpx2.Client, path: str, status: int, shape: Any
) -> None:
    for client in (java, cli):
        answer = client.get(path)
        assert answer.status_code == status
        assert misfits(answer.json(), shape) == []


def test_the_root_leads_to_info_and_head_is_get_without_its_body(cli: httpx2.Client) -> None:
    assert "KsqlServerInfo" in cli.get("/", follow_redirects=True).json()
    head = cli.head("/info")
    assert (head.status_code, head.content) == (200, b"")


def test_a_row_is_inserted_and_queried(java: httpx2.Client, cli: httpx2.Client) -> None:
    rows = '{"target":"S"}\n{"ID":"k","N":1}\n'
    acknowledged = java.post("/inserts-stream", content=rows)
    assert acknowledged.headers["content-type"] == DELIMITED
    assert json.loads(acknowledged.text) == {"status": "ok", "seq": 0}
    for sql in (
        "SELECT * FROM S WHERE N = 1;",
        "SELECT * FROM S WHERE N = 1 EMIT CHANGES LIMIT 1;",
    ):
        body = {"sql": sql, "properties": EARLIEST, "sessionVariables": {}}
        answer = java.post("/query-stream", json=body)
        assert answer.headers["content-type"] == DELIMITED
        head, row = (json.loads(x) for x in answer.text.splitlines())
        assert misfits(head, {"queryId": str, "columnNames": [str], "columnTypes": [str]}) == []
        assert (head["columnTypes"], row) == (["STRING", "INTEGER"], ["k", 1])
        classic = cli.post("/query", json=cli_body(sql)).text.split("\n")
        header = json.loads(classic[0].removeprefix("[").removesuffix(","))["header"]
        assert misfits(header, {"queryId": str, "schema": "`ID` STRING, `N` INTEGER"}) == []
        assert json.loads(classic[1].removesuffix(",")) == {"row": {"columns": ["k", 1]}}
        final = json.loads(classic[2].removesuffix("]"))
        ends = "Limit Reached" if "LIMIT" in sql else "Query Completed"
        assert final == {"finalMessage": ends}


def test_print_tells_formats_and_records(cli: httpx2.Client) -> None:
    cli.post("/ksql", json=cli_body("INSERT INTO B VALUES ('p', 7);"))
    lines = cli.post("/query", json=cli_body("PRINT B FROM BEGINNING LIMIT 1;")).text.splitlines()
    assert [x.split(":")[0] for x in lines] == ["Key format", "Value format", "rowtime"]
    assert lines[2].endswith('Z, key: p, value: {"N":7}, partition: 0')


def test_deleted_rows_are_told_where_the_answer_has_a_form_for_them(
    shared: Server, cli: httpx2.Client, java: httpx2.Client
) -> None:
    producer = Producer({"bootstrap.servers": shared.bootstrap})
    for key, value in (("a", '{"N":1}'), ("a", None), ("b", '{"N":2}')):
        producer.produce("R", key=key, value=value)
    producer.flush(10)
    at_once = EARLIEST | {"cache.max.bytes.buffering": "0"}
    sql = "SELECT n, id, n + 1 AS m FROM R EMIT CHANGES LIMIT {};"
    body = cli_body(sql.format(3)) | {"streamsProperties": at_once}
    rows = [r["row"] for r in cli.post("/query", json=body).json()[1:-1]]
    assert rows == [
        {"columns": [1, "a", 2]},
        {"columns": [None, "a", None], "tombstone": True},
        {"columns": [2, "b", 3]},
    ]
    answer = java.post("/query-stream", json={"sql": sql.format(2), "properties": at_once})
    assert [json.loads(x) for x in answer.text.splitlines()[1:]] == [[1, "a", 2], [2, "b", 3]]


def test_a_query_that_fails_ends_with_an_error_in_the_answers_own_form(
    shared: Server, name: str
) -> None:
    shared.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, n INT) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    producer = Producer({"bootstrap.servers": shared.bootstrap})
    producer.produce(name, key="a", value="no JSON")
    producer.flush(10)
    properties = EARLIEST | {"ksql.fail.on.deserialization.error": "true"}
    body = {"sql": f"SELECT * FROM {name} EMIT CHANGES;", "properties": properties}
    for accept in (DELIMITED, "application/json", "application/vnd.ksql.v1+json"):
        answer = shared.post("/query-stream", body, accept=accept)
        lines = answer.text.splitlines()
        last = json.loads(lines[-1]) if accept == DELIMITED else answer.json()[-1]
        error = last["errorMessage"] if "vnd.ksql.v1" in accept else last
        assert misfits(error, GENERIC) == []
        assert error["error_code"] == 50000
        assert "\tat " not in error["message"]


def test_pages_of_named_origins_may_read_answers(cli: httpx2.Client) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST"}
    preflight = cli.options("/ksql", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://a.example"
    body = {"ksql": "SHOW TYPES;"}
    told = cli.post("/ksql", json=body, headers={"origin": "https://b.example"})
    assert told.headers["access-control-allow-origin"] == "https://b.example"
    other = cli.post("/ksql", json=body, headers={"origin": "https://c.example"})
    assert "access-control-allow-origin" not in other.headers


class Conversation:
    """One HTTP/2 connection whose streams are read and written side by side."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port))
        self._socket.settimeout(30)
        config = h2.config.H2Configuration(client_side=True)
        self._connection = h2.connection.H2Connection(config=config)
        self._connection.initiate_connection()
        self.status: dict[int, str] = {}
        self.body: dict[int, bytes] = {}
        self.ended: set[int] = set()

    def begin(self, path: str, data: bytes, *, end: bool) -> int:
        stream: int = self._connection.get_next_available_stream_id()
        head = {":method": "POST", ":path": path, ":scheme": "http", ":authority": "x"}
        self._connection.send_headers(stream, list(head.items()))
        self.body[stream] = b""
        self.more(stream, data, end=end)
        return stream

    def more(self, stream: int, data: bytes, *, end: bool) -> None:
        self._connection.send_data(stream, data, end_stream=end)
        self._socket.sendall(self._connection.data_to_send())

    def read(self) -> None:
        """Take what has come, and wait for it."""
        for event in self._connection.receive_data(self._socket.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                self.status[event.stream_id] = dict(event.headers)[b":status"].decode()
            elif isinstance(event, h2.events.DataReceived):
                self.body[event.stream_id] += event.data
                size = event.flow_controlled_length
                self._connection.acknowledge_received_data(size, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
        self._socket.sendall(self._connection.data_to_send())

    def close(self) -> None:
        self._socket.close()


def test_rows_are_streamed_once_the_answer_has_begun(shared: Server) -> None:
    """Java's client sends its first row when it has seen the answer's head."""
    talk = Conversation(shared.url)
    inserts = talk.begin("/inserts-stream", b'{"target":"B"}\n', end=False)
    while inserts not in talk.status:
        talk.read()
    assert talk.status[inserts] == "200"
    talk.more(inserts, b'{"ID":"q","N":1}\n', end=False)
    while talk.body[inserts].count(b"\n") < 1:
        talk.read()
    talk.more(inserts, b'{"ID":"q","N":"x"}\n', end=True)
    while inserts not in talk.ended:
        talk.read()
    first, second = (json.loads(x) for x in talk.body[inserts].splitlines())
    assert first == {"status": "ok", "seq": 0}
    refused = {"status": "error", "seq": 1, "error_code": 40000, "message": str}
    assert misfits(second, refused) == []
    talk.close()


def test_a_push_query_is_closed_beside_itself(shared: Server) -> None:
    """One connection holds the rows and the request that ends them."""
    talk = Conversation(shared.url)
    body = {"sql": "SELECT * FROM S EMIT CHANGES;", "properties": EARLIEST, "sessionVariables": {}}
    rows = talk.begin("/query-stream", json.dumps(body).encode(), end=True)
    while b"\n" not in talk.body[rows]:
        talk.read()
    query = json.loads(talk.body[rows].splitlines()[0])["queryId"]
    pushed = [q["id"] for q in shared.ksql("SHOW QUERIES;")[0]["queries"]]
    assert query in pushed
    close = talk.begin("/close-query", json.dumps({"queryId": query}).encode(), end=True)
    while {rows, close} - talk.ended:
        talk.read()
    assert talk.status[close] == "200"
    until(
        lambda: query not in [q["id"] for q in shared.ksql("SHOW QUERIES;")[0]["queries"]],
        "the end of the query",
    )
    talk.close()
