"""The five bytes in front of a registry-aware value: magic byte 0 and a schema id.

Source: "Wire format" in the documentation of Confluent's serializers: one zero byte, the schema id
as a big-endian INT32, then the payload. For Protobuf the payload begins with message indexes: a
zigzag varint that says how many follow, then each of them as one; a single byte 0 stands for the
first message of the schema, which would otherwise be the two bytes of [0].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.wire.errors import DecodeError, Truncated
from lab.wire.primitives import Reader

MAGIC = 0
HEADER_SIZE = 5
_LAYOUT = ">bi"


@dataclass(frozen=True)
class Framed:
    """A value split at its header."""

    schema_id: int
    payload: bytes


def split(value: bytes) -> Framed:
    """Split ``value`` at its schema header.

    Raises Truncated under five bytes, DecodeError when the first byte is not 0 (plain JSON begins
    with 0x7b, for example).
    """
    if len(value) < HEADER_SIZE:
        raise Truncated(f"a schema header has {HEADER_SIZE} bytes, this value has {len(value)}")
    magic, schema_id = struct.unpack(_LAYOUT, value[:HEADER_SIZE])
    if magic != MAGIC:
        raise DecodeError(f"magic byte {magic & 0xFF:#04x}, not 0x00", offset=0)
    return Framed(schema_id, value[HEADER_SIZE:])


def join(schema_id: int, payload: bytes) -> bytes:
    """``payload`` behind a header for ``schema_id``, which need not exist anywhere."""
    return struct.pack(_LAYOUT, MAGIC, schema_id) + payload


def message_indexes(payload: bytes) -> tuple[tuple[int, ...], bytes]:
    """The way to a Protobuf value's message in its schema, and the bytes of the message itself.

    The first index is the message's number in the file, each further one that of a message nested
    in the one before. Raises Truncated or DecodeError.
    """
    reader = Reader(payload)
    count = reader.varint()
    if count < 0:
        raise DecodeError(f"{count} message indexes", offset=0)
    indexes = tuple(reader.varint() for _ in range(count)) if count else (0,)
    if any(index < 0 for index in indexes):
        raise DecodeError(f"message indexes {list(indexes)}", offset=0)
    return indexes, reader.take(reader.remaining)
