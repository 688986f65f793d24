"""Knocking at doors of every kind: each failure is told by its layer, and within seconds."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab.access import HttpAccess
from lab.embedded.certificates import Authority, new_authority, signed
from lab.external.knocking import NotReached, check_tls, knock, require_recent
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.api_versions import UNSUPPORTED_VERSION, Understands

Answer = Callable[[int], bytes]
OLD = {"Produce": 3, "Fetch": 5, "Metadata": 4, "ApiVersions": 0}
RECENT = {**OLD, "IncrementalAlterConfigs": 1, "InitProducerId": 4, "DeleteRecords": 2}
RECENT |= {"DeleteGroups": 2, "EndTxn": 3}


def versions_0(apis: dict[str, int], error: int = 0) -> bytes:
    listed = [struct.pack(">hhh", API_KEYS[api], 0, highest) for api, highest in apis.items()]
    return writer.int16(error) + writer.int32(len(listed)) + b"".join(listed)


def versions_3(apis: dict[str, int], level: int) -> bytes:
    keys = [
        struct.pack(">hhh", API_KEYS[api], 0, highest) + writer.NO_TAGS
        for api, highest in apis.items()
    ]
    feature = writer.compact_string("metadata.version") + struct.pack(">hh", 1, level)
    features = writer.compact_array([feature + writer.NO_TAGS])
    tags = b"\x01\x00" + writer.unsigned_varint(len(features)) + features
    return writer.int16(0) + writer.compact_array(keys) + writer.int32(0) + tags


@contextmanager
def listening(answer: Answer | None, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers requests by their version; None: it takes connections and is silent."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            with suppress(OSError):
                plain, _ = server.accept()
                plain.settimeout(10)
                connection = plain if tls is None else tls.wrap_socket(plain, server_side=True)
                with connection:
                    while head := connection.recv(4):
                        request = connection.recv(struct.unpack(">i", head)[0])
                        if answer is None:
                            over.wait(10)
                            break
                        version = struct.unpack(">h", request[2:4])[0]
                        body = request[4:8] + answer(version)
                        connection.sendall(struct.pack(">i", len(body)) + body)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(15)


def test_a_recent_broker_tells_its_release() -> None:
    with listening(lambda _: versions_3(RECENT, 25)) as address:
        found = knock(address, {})
    assert found.release == "4.0"
    assert found.highest("EndTxn") == 3
    require_recent(found, address)


def test_a_broker_that_refuses_the_version_is_asked_again_in_the_oldest() -> None:
    def answer(version: int) -> bytes:
        return versions_0(OLD, UNSUPPORTED_VERSION if version else 0)

    with listening(answer) as address:
        found = knock(address, {})
    assert found.release == "before 3.3, or with ZooKeeper"
    with pytest.raises(NotReached, match=r"too old: .*IncrementalAlterConfigs \(Kafka 2\.3\)"):
        require_recent(found, address)


def test_a_level_that_came_later_is_not_guessed() -> None:
    assert Understands(0, {}, {"metadata.version": 999}).release.startswith("after ")


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x04abcd", b""]
)
def test_something_else_that_listens_is_not_taken_for_a_broker(said: bytes) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(100)
            connection.sendall(said)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises(NotReached, match="not as a Kafka broker does") as caught:
        knock(f"127.0.0.1:{server.getsockname()[1]}", {})
    assert caught.value.layer == "protocol"
    thread.join(10)
    server.close()


def test_every_address_is_tried_and_every_problem_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with listening(lambda _: versions_3(RECENT, 30)) as address:
        assert knock(f"127.0.0.1:{port},{address}", {}).release == "4.3"
    with pytest.raises(NotReached, match=f"127.0.0.1:{port}: .*; no-such-host.invalid:1: "):
        knock(f"127.0.0.1:{port},no-such-host.invalid:1", {})


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority("test")


def tls_of(authority: Authority, folder: Path, *, days: float, host: str) -> ssl.SSLContext:
    file = folder / "server.pem"
    file.write_bytes(signed(authority, "server", (host,), days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize(
    ("days", "host", "known", "expected"),
    [
        (1, "127.0.0.1", True, None),
        (-1, "127.0.0.1", True, "certificate has expired"),
        (1, "127.0.0.1", False, "(self-signed certificate|unable to get local issuer)"),
        (1, "elsewhere.example", True, "mismatch|not valid for"),
    ],
)
def test_a_servers_certificate_is_judged_in_openssls_words(
    authority: Authority, tmp_path: Path, days: float, host: str, known: bool, expected: str | None
) -> None:
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes((authority if known else new_authority("another")).pem)
    settings = {"security.protocol": "SASL_SSL", "ssl.ca.location": str(trusted)}
    tls = tls_of(authority, tmp_path, days=days, host=host)
    with listening(lambda _: versions_3(RECENT, 30), tls) as address:
        if expected is None:
            assert knock(address, settings).release == "4.3"
            check_tls("127.0.0.1", int(address.split(":")[1]), HttpAccess(ca_file=str(trusted)))
            return
        with pytest.raises(NotReached, match=expected) as caught:
            knock(address, settings)
    assert caught.value.layer == "tls"
    assert caught.value.hint


def test_plain_text_where_tls_is_expected_is_told(tmp_path: Path, authority: Authority) -> None:
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.pem)
    settings = {"security.protocol": "SSL", "ssl.ca.location": str(trusted)}
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with pytest.raises(NotReached, match="no TLS handshake"):
        knock(f"127.0.0.1:{server.getsockname()[1]}", settings)
    thread.join(10)
    server.close()
