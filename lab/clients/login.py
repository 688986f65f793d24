"""A connection to a broker for requests of our own: TLS, and a login by PLAIN, SCRAM or a token.

Sources: Kafka's protocol guide (SaslHandshake 1, SaslAuthenticate 1), RFC 4616 (PLAIN), RFC 5802
and RFC 7677 (SCRAM, without channel binding, as Kafka has it), RFC 7628 (OAUTHBEARER).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Callable, Mapping

from lab import access
from lab.clients.errors import BrokerRefused, UnexpectedAnswer
from lab.clients.tokens import token
from lab.errors import CapabilityMissing
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.primitives import Reader

_CLIENT = "lab"
_OAUTH = "OAUTHBEARER"
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_LOGIN_FAILED = 58
_LEAST_ITERATIONS = 4096

Exchange = Callable[[bytes], bytes]


def connect(address: str, timeout_seconds: float) -> socket.socket:
    """A connection on which requests can be sent, by what is known of the address.

    Raises OSError when there is none, BrokerRefused when the login is refused, Unreachable or
    TokenRefused when no token is to be had, CapabilityMissing for a login of another kind.
    """
    settings = access.kafka_settings(address)
    layers = settings.get("security.protocol", "PLAINTEXT").upper().split("_")
    mechanism = settings.get("sasl.mechanism", "")
    if "SASL" in layers and mechanism not in {"PLAIN", _OAUTH, *_HASHES}:
        raise CapabilityMissing(f"requests of the lab's own cannot log in by {mechanism or 'that'}")
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout_seconds)
    try:
        if "SSL" in layers:
            context = tls_context(settings)
            connection = context.wrap_socket(connection, server_hostname=host.strip("[]"))
        if "SASL" in layers:
            _log_in(connection, mechanism, settings)
    except BaseException:
        connection.close()
        raise
    return connection


def tls_context(settings: Mapping[str, str]) -> ssl.SSLContext:
    """The client's side of TLS by librdkafka's settings. Raises OSError for unreadable files."""
    context = ssl.create_default_context(cafile=settings.get("ssl.ca.location") or None)
    if settings.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    if settings.get("enable.ssl.certificate.verification") == "false":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = settings.get("ssl.certificate.location")
    if certificate:
        context.load_cert_chain(
            certificate,
            settings.get("ssl.key.location") or None,
            password=lambda: settings.get("ssl.key.password", ""),
        )
    return context


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly so many bytes. Raises OSError."""
    found = bytearray()
    while len(found) < count:
        chunk = connection.recv(count - len(found))
        if not chunk:
            raise ConnectionResetError("the broker closed the connection")
        found += chunk
    return bytes(found)


def _log_in(connection: socket.socket, mechanism: str, settings: Mapping[str, str]) -> None:
    answer = _request(connection, "SaslHandshake", writer.string(mechanism))
    if (code := answer.int16()) != 0:
        raise _refused(code, f"{mechanism} is not offered")

    def exchange(message: bytes) -> bytes:
        body = writer.int32(len(message)) + message
        answer = _request(connection, "SaslAuthenticate", body)
        code, text = answer.int16(), answer.nullable_string()
        if code != 0:
            raise _refused(code, text or "the login is refused")
        return answer.take(answer.int32())

    user, password = settings.get("sasl.username", ""), settings.get("sasl.password", "")
    if mechanism == _OAUTH:
        # What a broker says of a token that it refuses is an answer, which has to be confirmed.
        if said := exchange(b"n,,\x01auth=Bearer " + token(settings).encode() + b"\x01\x01"):
            exchange(b"\x01")
            raise _refused(_LOGIN_FAILED, f"the token is refused: {said.decode(errors='replace')}")
    elif mechanism == "PLAIN":
        exchange(b"\0" + user.encode() + b"\0" + password.encode())
    else:
        scram(exchange, _HASHES[mechanism], user, password, nonce=secrets.token_urlsafe(24))


def scram(exchange: Exchange, digest: str, user: str, password: str, *, nonce: str) -> None:
    """Log in by SCRAM, and check that the server knew the password too.

    Raises UnexpectedAnswer for a server that breaks the protocol or does not know it.
    """
    name = user.replace("=", "=3D").replace(",", "=2C")
    first = f"n={name},r={nonce}"
    told = exchange(f"n,,{first}".encode()).decode()
    fields = _fields(told)
    both, iterations = fields.get("r", ""), int(fields.get("i", "0"))
    if not both.startswith(nonce) or both == nonce or iterations < _LEAST_ITERATIONS:
        raise UnexpectedAnswer("SCRAM: the server's first message is none")
    salt = base64.b64decode(fields.get("s", ""))
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", digest)
    stored = hashlib.new(digest, client_key).digest()
    last = f"c=biws,r={both}"
    signed = f"{first},{told},{last}".encode()
    signature = hmac.digest(stored, signed, digest)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    answer = exchange(f"{last},p={base64.b64encode(proof).decode()}".encode()).decode()
    expected = hmac.digest(hmac.digest(salted, b"Server Key", digest), signed, digest)
    shown = base64.b64decode(_fields(answer).get("v", ""))
    if not hmac.compare_digest(shown, expected):
        raise UnexpectedAnswer("SCRAM: the server does not know the password")


def _fields(message: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in message.split(",") if "=" in part)


def _request(connection: socket.socket, api: str, body: bytes) -> Reader:
    """One request in version 1, with the header that has no tagged fields; the answer's body."""
    head = writer.int16(API_KEYS[api]) + writer.int16(1) + writer.int32(0)
    request = head + writer.string(_CLIENT) + body
    connection.sendall(writer.int32(len(request)) + request)
    (size,) = struct.unpack(">i", receive(connection, 4))
    reader = Reader(receive(connection, size))
    reader.int32()
    return reader


def _refused(code: int, text: str) -> BrokerRefused:
    name = "SASL_AUTHENTICATION_FAILED" if code == _LOGIN_FAILED else f"error {code}"
    return BrokerRefused("log in", code=code, name=name, text=text)
