"""Streamed answers: slow clients, clients that vanish, HTTP/2 in all its ways."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlparse

import h2.config
import h2.connection
import h2.events
import httpx2
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from support.ksqldb_server import Server, until

RECORDS = 20_000


def pushes(server: Server) -> list[str]:
    queries = server.ksql("SHOW QUERIES;")[0]["queries"]
    return [q["id"] for q in queries if q["queryType"] == "PUSH"]


def transient_topics(server: Server) -> list[str]:
    admin = AdminClient({"bootstrap.servers": server.bootstrap})
    prefix = f"_confluent-ksql-{server.service_id}transient_"
    return [t for t in admin.list_topics(timeout=10).topics if t.startswith(prefix)]


def request(sql: str) -> bytes:
    body = json.dumps({"sql": sql, "properties": {"auto.offset.reset": "earliest"}}).encode()
    head = f"POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_slow_clients_lose_nothing_and_vanished_ones_leave_nothing(
    server: Server, name: str
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (id VARCHAR KEY, v INT, pad VARCHAR) "
        f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    )
    producer = Producer({"bootstrap.servers": server.bootstrap, "linger.ms": 20})
    for index in range(RECORDS):
        value = json.dumps({"V": index, "PAD": "x" * 100})
        producer.produce(name, key="k", value=value)
        producer.poll(0)
    producer.flush()
    _check_slow_reader(server, f"SELECT v, pad FROM {name} EMIT CHANGES LIMIT {RECORDS};")
    grouped = f"SELECT pad, COUNT(*) FROM {name} GROUP BY pad EMIT CHANGES;"
    _check_vanishing_clients(server, grouped)
    _check_upgrade(server, f"SELECT v FROM {name} EMIT CHANGES LIMIT 2;")


def _check_slow_reader(server: Server, sql: str) -> None:
    address = urlparse(server.url)
    with socket.socket() as client:
        # More than what the buffers between hold: the query has to wait for its reader.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((address.hostname, address.port))
        client.settimeout(60)
        client.sendall(request(sql))
        until(lambda: pushes(server), "the push query")
        answer = b""
        while b"\r\n0\r\n" not in answer[-16:]:
            answer += _received(client)
    rows = [json.loads(x) for x in _unchunked(answer).split(b"\n")[1:] if x]
    assert [r[0] for r in rows] == list(range(RECORDS))
    until(lambda: not pushes(server), "the end of the query whose limit was reached")


def _unchunked(answer: bytes) -> bytes:
    def parts() -> Iterator[bytes]:
        at = answer.index(b"\r\n\r\n") + 4
        while True:
            end = answer.index(b"\r\n", at)
            size = int(answer[at:end], 16)
            if size == 0:
                return
            yield answer[end + 2 : end + 2 + size]
            at = end + 2 + size + 2

    return b"".join(parts())


def _check_vanishing_clients(server: Server, sql: str) -> None:
    address = urlparse(server.url)
    clients = [socket.create_connection((address.hostname, address.port)) for _ in range(2)]
    for client in clients:
        client.sendall(request(sql))
    body = {"sql": sql, "properties": {"auto.offset.reset": "earliest"}}
    with (
        httpx2.Client(http1=False, http2=True, timeout=30) as client2,
        client2.stream("POST", f"{server.url}/query-stream", json=body) as answer,
    ):
        lines = answer.iter_lines()
        assert "queryId" in next(lines)
        assert json.loads(next(lines))[1] > 0
        until(lambda: len(pushes(server)) == 3, "all three push queries")
        for client in clients:
            client.close()
        until(lambda: len(pushes(server)) == 1, "the end of those whose clients vanished")
    until(lambda: not pushes(server), "the end of the query whose stream was reset")
    # They go when the last application has ended, which waits for a rebalance under way.
    until(lambda: not transient_topics(server), "the removal of internal topics", 60)


def _check_upgrade(server: Server, sql: str) -> None:
    """HTTP/1.1, upgraded to HTTP/2 without encryption, then a push query on that connection."""
    address = urlparse(server.url)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.settimeout(30)
        config = h2.config.H2Configuration(client_side=True)
        connection = h2.connection.H2Connection(config=config)
        settings = connection.initiate_upgrade_connection()
        assert settings is not None
        client.sendall(
            b"GET /info HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: " + settings + b"\r\n\r\n"
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += _received(client)
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        client.sendall(connection.data_to_send())
        info = _stream(client, connection, rest)
        assert b"KsqlServerInfo" in info
        body = json.dumps({"sql": sql, "properties": {"auto.offset.reset": "earliest"}}).encode()
        stream = connection.get_next_available_stream_id()
        headers = {":method": "POST", ":path": "/query-stream", ":scheme": "http"}
        connection.send_headers(stream, [*headers.items(), (":authority", "x")])
        connection.send_data(stream, body, end_stream=True)
        client.sendall(connection.data_to_send())
        lines = _stream(client, connection, b"").splitlines()
        assert [json.loads(x) for x in lines[1:]] == [[0], [1]]


def _stream(client: socket.socket, connection: Any, received: bytes) -> bytes:
    """The body of the one stream that is answered."""
    body = b""
    while True:
        for event in connection.receive_data(received):
            if isinstance(event, h2.events.DataReceived):
                body += event.data
                size = event.flow_controlled_length
                connection.acknowledge_received_data(size, event.stream_id)
            if isinstance(event, h2.events.StreamEnded):
                return body
        client.sendall(connection.data_to_send())
        received = _received(client)


def _received(client: socket.socket) -> bytes:
    received = client.recv(65536)
    assert received, "the server closed the connection"
    return received
