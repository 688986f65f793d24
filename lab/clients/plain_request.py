"""A request to a broker, byte for byte, for what the client library has no call for."""

from __future__ import annotations

import itertools
import struct

from lab.clients.errors import UnexpectedAnswer, Unreachable
from lab.clients.login import connect, receive
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.primitives import Reader

CLIENT_ID = "lab"
_numbers = itertools.count(1)


def ask(address: str, api: str, version: int, body: bytes, *, timeout_seconds: float = 10) -> bytes:
    """Send one request in a flexible version and return the answer's body.

    Raises Unreachable when no answer comes, UnexpectedAnswer for one to something else,
    BrokerRefused or CapabilityMissing where logging in fails.
    """
    doing = f"{api} to {address}"
    number = next(_numbers)
    head = writer.int16(API_KEYS[api]) + writer.int16(version) + writer.int32(number)
    request = head + writer.string(CLIENT_ID) + writer.NO_TAGS + body
    try:
        with connect(address, timeout_seconds) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", receive(connection, 4))
            reader = Reader(receive(connection, size))
    except OSError as error:
        raise Unreachable(f"{doing}: {error}") from error
    if reader.int32() != number:
        raise UnexpectedAnswer(f"{doing}: an answer to another request")
    reader.tagged_fields()
    return reader.take(reader.remaining)
