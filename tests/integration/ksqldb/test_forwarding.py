"""Statements that ask other servers: Kafka Connect and the schema registry, played by the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from confluent_kafka import Producer
from support.ksqldb_server import Server

_PACKAGE = "org.apache.kafka.connect.runtime.rest.errors"
_FILE = "org.apache.kafka.connect.file.FileStreamSourceConnector"

_SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "A", "type": "string"}]}


class Played(BaseHTTPRequestHandler):
    """Connectors in memory, and a subject of two schemas."""

    connectors: dict[str, dict[str, str]]

    def _answer(self, status: int, body: object = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _info(self, name: str) -> dict[str, Any]:
        config = self.connectors[name]
        return {"name": name, "config": config, "tasks": [], "type": "source"}

    def _status(self, name: str) -> dict[str, Any]:
        tasks = [{"id": 0, "state": "RUNNING"}, {"id": 1, "state": "FAILED"}]
        connector = {"state": "RUNNING", "worker_id": "w", "version": "4.3.1"}
        return {"name": name, "connector": connector, "tasks": tasks, "type": "source"}

    def do_GET(self) -> None:
        parts = [unquote(p) for p in self.path.partition("?")[0].strip("/").split("/")]
        match parts:
            case ["connectors"]:
                found = {
                    n: {"info": self._info(n), "status": self._status(n)} for n in self.connectors
                }
                self._answer(200, found)
            case ["connectors", name, *rest] if name in self.connectors:
                self._answer(
                    200,
                    {
                        (): self._info(name),
                        ("status",): self._status(name),
                        ("topics",): {name: {"topics": ["lines"]}},
                    }[tuple(rest)],
                )
            case ["connector-plugins"]:
                self._answer(200, [{"class": _FILE, "type": "source", "version": "1"}])
            case ["subjects", "s-value", "versions"]:
                self._answer(200, [1, 2])
            case ["subjects", "s-value", "versions", version]:
                self._answer(200, {"subject": "s-value", "id": 10 + int(version)})
            case ["schemas", "ids", "11"]:
                self._answer(200, {"schema": json.dumps(_SCHEMA)})
            case _:
                self._answer(404, {"error_code": 404, "message": f"{parts} not found"})

    def do_PUT(self) -> None:
        config = self._body()
        if config["connector.class"] == "nope":
            named = f"{_PACKAGE}.BadRequestException: Failed to find any class: nope"
            self._answer(500, {"error_code": 500, "message": named})
            return
        errors = [] if "file" in config else ["Missing required configuration"]
        self._answer(200, {"configs": [{"value": {"name": "file", "errors": errors}}]})

    def do_POST(self) -> None:
        body = self._body()
        self.connectors[body["name"]] = body["config"]
        self._answer(201, self._info(body["name"]))

    def do_DELETE(self) -> None:
        name = unquote(self.path.rsplit("/", 1)[1])
        self._answer(204 if self.connectors.pop(name, None) is not None else 404)

    def log_message(self, *_: Any) -> None:
        """Nothing is told of requests."""


@pytest.fixture
def played() -> Iterator[str]:
    """The address of the played servers."""
    handler = type("Handler", (Played,), {"connectors": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join(timeout=10)


def test_connectors_and_schemas_are_asked_for_where_they_are(
    make_server: Callable[..., Server], played: str, name: str
) -> None:
    server = make_server(f"ksql.connect.url={played}", f"ksql.schema.registry.url={played}")
    server.start()

    def refused(statement: str) -> tuple[int, int, str]:
        answer = server.post("/ksql", {"ksql": statement})
        body = answer.json()
        return answer.status_code, body["error_code"], body["message"]

    create = f"CREATE SOURCE CONNECTOR `{name}-c` WITH (\"connector.class\"='{_FILE}'"
    assert server.ksql("SHOW CONNECTORS;")[0]["connectors"] == []
    plugins = server.ksql("SHOW CONNECTOR PLUGINS;")[0]["connectorsPlugins"]
    assert [p["className"] for p in plugins] == [_FILE]
    assert refused(f"{create});")[:2] == (400, 40000)
    assert "Missing required" in refused(f"{create});")[2]
    assert "no connector type" in refused("CREATE SINK CONNECTOR x WITH ('a'='b');")[2]
    unknown = refused("CREATE SINK CONNECTOR x WITH ('connector.class'='nope');")
    assert unknown == (400, 40000, "Failed to create connector: Failed to find any class: nope")
    made = server.ksql(f"{create}, 'file'='x', 'tasks.max'=2);")[0]
    assert (made["@type"], made["info"]["config"]["tasks.max"]) == ("connector_info", "2")
    assert refused(f"{create}, 'file'='x');")[:2] == (409, 40900)
    exists = create.replace("CONNECTOR", "CONNECTOR IF NOT EXISTS")
    assert server.ksql(f"{exists}, 'file'='x');")[0]["@type"] == "warning_entity"
    (listed,) = server.ksql("SHOW SOURCE CONNECTORS;")[0]["connectors"]
    assert (listed["name"], listed["state"]) == (f"{name}-c", "WARNING (1/2 tasks RUNNING)")
    assert server.ksql("SHOW SINK CONNECTORS;")[0]["connectors"] == []
    told = server.ksql(f"DESCRIBE CONNECTOR `{name}-c`;")[0]
    assert (told["connectorClass"], told["topics"]) == (_FILE, ["lines"])
    assert told["status"]["connector"] == {"state": "RUNNING", "worker_id": "w"}, "as Connect 3 has"
    assert server.ksql(f"DROP CONNECTOR `{name}-c`;")[0]["connectorName"] == f"{name}-c"
    silent = "Failed to drop connector: it answered 404 without saying why"
    assert refused(f"DROP CONNECTOR `{name}-c`;") == (404, 40400, silent)
    dropped = server.ksql(f"DROP CONNECTOR IF EXISTS `{name}-c`;")[0]
    assert dropped["@type"] == "warning_entity"
    assert refused("DESCRIBE CONNECTOR nope;")[:2] == (404, 40400)
    for schema in ("SUBJECT 's-value'", "SUBJECT 's-value' ID 12", "ID 11"):
        assert server.ksql(f"ASSERT SCHEMA {schema};")[0]["exists"] is True
        absent = refused(f"ASSERT NOT EXISTS SCHEMA {schema} TIMEOUT 0 SECONDS;")
        assert absent[:2] == (417, 41700)
    producer = Producer({"bootstrap.servers": server.bootstrap})
    producer.produce(name, key=b"k", value=b"\0\0\0\0\x0b\x0ahello")
    producer.produce(name, key=b"k", value=b"\0\0\0\0\x63\x0ahello")
    producer.flush(10)
    printed = server.post("/query", {"ksql": f"PRINT {name} FROM BEGINNING LIMIT 2;"}).text
    lines = printed.splitlines()
    assert lines[1] == "Value format: AVRO"
    assert 'value: {"A": "hello"},' in lines[2]
    assert lines[3] == "Value format: UNRECOGNIZED_BYTES"
    assert "value: 00000000630a68" in lines[4]
    both = "ASSERT SCHEMA SUBJECT 's-value' ID {} TIMEOUT 0 SECONDS;"
    assert server.ksql(both.format(11))[0]["id"] == 11
    assert "id 13 does not exist" in refused(both.format(13))[2]
    assert "id 12 does not exist" in refused("ASSERT SCHEMA ID 12 TIMEOUT 0 SECONDS;")[2]
