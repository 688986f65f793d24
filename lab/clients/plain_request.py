"""A request to a broker, byte for byte, for what the client library has no call for."""

from __future__ import annotations

import itertools
import socket
import struct

from lab import access
from lab.clients.errors import UnexpectedAnswer, Unreachable
from lab.errors import CapabilityMissing
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.primitives import Reader

CLIENT_ID = "lab"
_numbers = itertools.count(1)


def ask(address: str, api: str, version: int, body: bytes, *, timeout_seconds: float = 10) -> bytes:
    """Send one request in a flexible version and return the answer's body.

    Raises Unreachable when no answer comes, UnexpectedAnswer for one to something else,
    CapabilityMissing for brokers that ask for TLS or a login.
    """
    doing = f"{api} to {address}"
    if access.is_secured(address):
        raise CapabilityMissing(f"{doing}: such requests are made without TLS and login only")
    number = next(_numbers)
    head = writer.int16(API_KEYS[api]) + writer.int16(version) + writer.int32(number)
    request = head + writer.string(CLIENT_ID) + writer.NO_TAGS + body
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout_seconds) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", _receive(connection, 4))
            reader = Reader(_receive(connection, size))
    except OSError as error:
        raise Unreachable(f"{doing}: {error}") from error
    if reader.int32() != number:
        raise UnexpectedAnswer(f"{doing}: an answer to another request")
    reader.tagged_fields()
    return reader.take(reader.remaining)


def _receive(connection: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        chunk = connection.recv(count - len(found))
        if not chunk:
            raise ConnectionResetError("the broker closed the connection")
        found += chunk
    return bytes(found)
