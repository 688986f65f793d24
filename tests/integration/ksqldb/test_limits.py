"""Limits on queries, and clients that vanish in numbers."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from support.ksqldb_server import Server, until

PUSHES = 4
ROUNDS = 2
RECORDS = 40_000
FILES = 900


def groups(server: Server) -> list[str]:
    admin = AdminClient({"bootstrap.servers": server.bootstrap})
    found = admin.list_consumer_groups().result(timeout=10).valid
    prefix = f"_confluent-ksql-{server.service_id}transient_"
    return [g.group_id for g in found if g.group_id.startswith(prefix)]


def begun(server: Server, sql: str) -> socket.socket:
    """A client that has sent a query and reads nothing."""
    address = urlsplit(server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    body = json.dumps({"sql": sql, "properties": {"auto.offset.reset": "earliest"}}).encode()
    head = f"POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


def pushes(server: Server) -> int:
    queries = server.ksql("SHOW QUERIES;")[0]["queries"]
    return sum(q["queryType"] == "PUSH" for q in queries)


def test_limits_refuse_and_vanished_clients_make_room(
    make_server: Callable[..., Server], name: str
) -> None:
    server = make_server(
        f"ksql.max.push.queries={PUSHES}", "ksql.query.pull.max.concurrent.requests=1"
    )
    server.start()
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v VARCHAR) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    producer = Producer({"bootstrap.servers": server.bootstrap, "linger.ms": 20})
    for index in range(RECORDS):
        producer.produce(name, key=f"k{index}", value=json.dumps({"V": "x" * 300}))
        producer.poll(0)
    producer.flush()
    _check_pulls(server, name)
    process = psutil.Process(server.pid)
    for _ in range(ROUNDS):
        threads, files = java_threads(server), process.num_fds()
        _check_pushes(server, name)
        _check_left(server, threads, files)
    until(lambda: groups(server) == [], "the end of their groups", 60)


def java_threads(server: Server) -> int:
    """Python's own threads are pools that grow to a size and stay; these are the queries'."""
    names = []
    for task in Path(f"/proc/{server.pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            names.append((task / "comm").read_text())
    return sum("python" not in name for name in names)


def _check_left(server: Server, threads: int, files: int) -> None:
    process = psutil.Process(server.pid)
    until(lambda: java_threads(server) < threads + 6, "the end of the queries' threads", 60)
    until(lambda: process.num_fds() < files + 12, "the end of their files and sockets", 60)


def _check_pulls(server: Server, name: str) -> None:
    """Rows that nobody reads hold the one place until their client is gone."""
    sql = f"SELECT * FROM {name};"
    client = begun(server, sql)
    probe = {"sql": f"SELECT * FROM {name} LIMIT 1;"}
    until(lambda: server.post("/query-stream", probe).status_code == 429, "a refused pull query")
    refused = server.post("/query-stream", probe)
    assert refused.json()["error_code"] == 42900
    client.close()
    until(lambda: server.post("/query-stream", probe).status_code == 200, "room for a pull query")


def _check_pushes(server: Server, name: str) -> None:
    sql = f"SELECT v, COUNT(*) FROM {name} GROUP BY v EMIT CHANGES;"
    clients = [begun(server, sql) for _ in range(PUSHES)]
    until(lambda: pushes(server) == PUSHES, "as many push queries as may", 60)
    refused = server.post("/query-stream", {"sql": sql})
    assert (refused.status_code, refused.json()["error_code"]) == (400, 40003)
    assert server.select(f"SELECT id FROM {name} LIMIT 1;") == [["k0"]], "others are served"
    for client in clients:
        client.close()
    until(lambda: pushes(server) == 0, "the end of those whose clients vanished", 60)


def test_who_only_waits_or_only_connects_holds_nobody_up(server: Server) -> None:
    _check_waiting(server)
    _check_room(server)


def _check_waiting(server: Server) -> None:
    """More requests that wait than there are threads for them; they end with their clients."""
    address = urlsplit(server.url)
    statement = "ASSERT TOPIC NEVER_MADE TIMEOUT 10 MINUTES;"
    body = json.dumps({"ksql": statement}).encode()
    head = f"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(2):  # the second round needs the threads of the first
        waiting = []
        for _ in range(80):
            client = socket.create_connection((address.hostname, address.port))
            client.sendall(head + body)
            waiting.append(client)
        assert server.ksql("SHOW TYPES;")[0]["types"] == {}
        for client in waiting:
            client.close()
    at_once = server.post("/ksql", {"ksql": statement.replace("10 MINUTES", "1 MILLISECONDS")})
    assert at_once.status_code == 417


def _check_room(server: Server) -> None:
    """Connections without end leave room for those that are served, and for what serves them."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (FILES, hard))
    _, own = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (own, own))
    with contextlib.ExitStack() as connected:
        # The client would give up a connection that it has not used for some seconds.
        kept = httpx2.Limits(keepalive_expiry=None)
        early = connected.enter_context(httpx2.Client(base_url=server.url, timeout=30, limits=kept))
        assert early.get("/info").status_code == 200
        address = urlsplit(server.url)
        target = (address.hostname, address.port)
        for _ in range(FILES + 100):
            connected.enter_context(socket.create_connection(target))
        made = early.post(
            "/ksql",
            json={
                "ksql": "CREATE STREAM ROOM (id VARCHAR KEY, v INT) "
                "WITH (KAFKA_TOPIC='room', VALUE_FORMAT='JSON', PARTITIONS=1);"
            },
        )
        assert made.status_code == 200, made.text
    until(lambda: answers(server), "the answer to a client that comes afterwards")
    assert "Too many open files" not in server.log.read_text()


def answers(server: Server) -> bool:
    try:
        return bool(server.get("/info").status_code == 200)
    except httpx2.TransportError:
        return False
