"""The proxy between a client and a broker of a few lines."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator

import pytest

from lab.wait import wait_until
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.kafka_proxy import KafkaProxy, ProxyFailed, listed
from lab.wire.proxy_rules import Rule


def receive(connection: socket.socket) -> bytes | None:
    raw = b""
    while len(raw) < 4 or len(raw) < 4 + struct.unpack(">i", raw[:4])[0]:
        chunk = connection.recv(4096)
        if not chunk:
            return None
        raw += chunk
    return raw[4:]


def framed(frame: bytes) -> bytes:
    return struct.pack(">i", len(frame)) + frame


class Broker(socketserver.ThreadingTCPServer):
    """Answers every request with its correlation id and "ok"; Metadata with its own address."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.got: list[int] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Broker)
        while (request := receive(self.request)) is not None:
            api_key, _, number = struct.unpack(">hhi", request[:8])
            self.server.got.append(api_key)
            answer = struct.pack(">i", number) + b"ok"
            if api_key == API_KEYS["Metadata"]:
                host, port = self.server.server_address[:2]
                broker = writer.int32(1) + writer.string(str(host)) + writer.int32(int(port))
                answer = struct.pack(">ii", number, 1) + broker
            self.request.sendall(framed(answer))


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class Client:
    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 10)
        self.number = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, api: str) -> None:
        self.number += 1
        head = struct.pack(">hhi", API_KEYS[api], 0, self.number) + writer.string("app")
        self.socket.sendall(framed(head))

    def ask(self, api: str) -> bytes | None:
        self.send(api)
        return receive(self.socket)


def test_it_watches_and_passes_on(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        assert client.ask("Heartbeat") == b"\0\0\0\x01ok"
        assert client.ask("Fetch") == b"\0\0\0\x02ok"
        assert [(f.api, f.way, f.correlation_id) for f in proxy.frames] == [
            ("Heartbeat", "request", 1),
            ("Heartbeat", "answer", 1),
            ("Fetch", "request", 2),
            ("Fetch", "answer", 2),
        ]
        assert {f.client_id for f in proxy.frames} == {"app"}
        assert proxy.seen("Produce") == []
        assert len(proxy.seen("Fetch", "answer", client_id="app")) == 1
        assert proxy.seen("Fetch", client_id="other") == []
        assert listed(proxy.seen("Fetch")) == ["Fetch v0 #2 request (app): passed"]
        with pytest.raises(ValueError, match="Fetsch"):
            proxy.seen("Fetsch")
        assert proxy.problems == []


def test_clients_stay_on_the_proxy(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        answer = client.ask("Metadata") or b""
        port = int(proxy.bootstrap_servers.rpartition(":")[2])
        assert answer.endswith(writer.string("127.0.0.1") + writer.int32(port))


def test_a_dropped_request_never_arrives(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        rule = proxy.add(Rule("Produce", "request", "drop"))
        client.send("Produce")
        assert client.ask("Fetch") == b"\0\0\0\x02ok"
        assert broker.got == [API_KEYS["Fetch"]]
        assert rule.done == 1
        assert client.ask("Produce") == b"\0\0\0\x03ok"
        assert [f.fate for f in proxy.seen("Produce")] == ["dropped", "passed"]


def test_a_dropped_answer_was_given(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        proxy.add(Rule("EndTxn", "answer", "drop", skip=1))
        assert client.ask("EndTxn") == b"\0\0\0\x01ok"
        client.send("EndTxn")
        assert client.ask("Fetch") == b"\0\0\0\x03ok"
        assert broker.got.count(API_KEYS["EndTxn"]) == 2
        assert [f.fate for f in proxy.seen("EndTxn", "answer")] == ["passed", "dropped"]


@pytest.mark.parametrize("way", ["request", "answer"])
def test_a_cut_ends_the_connection_and_only_that(broker: Broker, way: str) -> None:
    with KafkaProxy(broker.address) as proxy:
        proxy.add(Rule("OffsetCommit", way, "cut"))  # type: ignore[arg-type]  # both ways
        with Client(proxy.bootstrap_servers) as client, Client(proxy.bootstrap_servers) as other:
            with contextlib.suppress(ConnectionResetError):
                assert client.ask("OffsetCommit") is None
            assert other.ask("OffsetCommit") == b"\0\0\0\x01ok"
        assert broker.got.count(API_KEYS["OffsetCommit"]) == (1 if way == "request" else 2)


def test_a_delayed_answer_comes_later(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        proxy.add(Rule("Fetch", "answer", "delay", seconds=0.2, times=None))
        assert client.ask("Fetch") == b"\0\0\0\x01ok"
        assert client.ask("Fetch") == b"\0\0\0\x02ok"
        first, second = proxy.seen("Fetch")
        assert second.at_ns - first.at_ns >= 200_000_000
        assert {f.fate for f in proxy.seen("Fetch", "answer")} == {"delayed"}


def test_a_rule_can_be_for_one_client(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        proxy.add(Rule("Fetch", "request", "cut", client_id="somebody else"))
        assert client.ask("Fetch") == b"\0\0\0\x01ok"


def test_all_connections_can_be_cut_at_once(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy:
        with Client(proxy.bootstrap_servers) as client:
            client.ask("Fetch")
            proxy.cut_all()
            with pytest.raises((ConnectionResetError, BrokenPipeError, AssertionError)):
                assert client.ask("Fetch") is not None
        with Client(proxy.bootstrap_servers) as client:
            assert client.ask("Fetch") is not None


def test_what_it_cannot_read_is_a_problem_not_a_silence(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy, Client(proxy.bootstrap_servers) as client:
        client.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")  # how TLS begins
        wait_until("the proxy has noticed", lambda: proxy.problems, timeout_seconds=10)
        assert "TLS" in proxy.problems[0]


def test_a_broker_that_is_down_closes_the_connection() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with (
            KafkaProxy(address) as proxy,
            Client(proxy.bootstrap_servers) as client,
            contextlib.suppress(ConnectionResetError),
        ):
            assert client.ask("Fetch") is None


def test_addresses_must_be_some() -> None:
    with pytest.raises(ProxyFailed, match="not an address"):
        KafkaProxy("somewhere")


def test_rules_name_requests_that_exist() -> None:
    with pytest.raises(ValueError, match="Produces"):
        Rule("Produces", "request", "drop")


def test_silence_loses_all_on_connections_that_live_until_it_is_healed(broker: Broker) -> None:
    with KafkaProxy(broker.address) as proxy:
        with Client(proxy.bootstrap_servers) as client:
            assert client.ask("Heartbeat") == b"\0\0\0\x01ok"
            proxy.silence()
            client.send("Produce")
            client.send("Fetch")
            wait_until("both lost", lambda: len(proxy.seen("Fetch")) == 1, timeout_seconds=10)
            assert broker.got == [API_KEYS["Heartbeat"]]
            proxy.heal()
            with contextlib.suppress(ConnectionResetError):
                assert receive(client.socket) is None
        with Client(proxy.bootstrap_servers) as again:
            assert again.ask("Fetch") == b"\0\0\0\x01ok"
        assert [f.fate for f in proxy.seen("Fetch", "request")] == ["dropped", "passed"]
