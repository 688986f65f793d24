"""Which rights one has on names with the target's prefix: asked about names that nothing has."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from contextlib import suppress
from socket import socket

from lab.clients.errors import ClientError
from lab.clients.login import connect, receive
from lab.errors import CapabilityMissing
from lab.wire import writer
from lab.wire.api_keys import API_KEYS
from lab.wire.errors import DecodeError
from lab.wire.primitives import Reader
from lab.wire.rights import QUESTIONS, REFUSALS, Question

_SECONDS = 10.0


def rights_on(bootstrap_servers: str, prefix: str) -> Mapping[str, bool]:
    """Right ("topic WRITE") → whether one has it, as far as the first broker that answers tells."""
    for address in bootstrap_servers.split(","):
        with suppress(OSError, ClientError, CapabilityMissing):
            return _rights_on(address.strip(), prefix)
    return {}


def _rights_on(address: str, prefix: str) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for question in QUESTIONS:
        name = f"{prefix}probe-{uuid.uuid4().hex[:8]}"
        # One connection each: a broker ends it where it does not know the version.
        with connect(address, _SECONDS) as connection, suppress(OSError, DecodeError):
            error = _ask(connection, question, name)
            found[f"{question.resource} {question.operation}"] = error not in REFUSALS
    return found


def _ask(connection: socket, question: Question, name: str) -> int:
    head = writer.int16(API_KEYS[question.api]) + writer.int16(question.version) + writer.int32(1)
    request = head + writer.string("lab") + question.body(name)
    connection.sendall(writer.int32(len(request)) + request)
    (size,) = struct.unpack(">i", receive(connection, 4))
    reader = Reader(receive(connection, size))
    reader.int32()
    return question.error(reader)
