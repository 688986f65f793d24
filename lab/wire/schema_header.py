"""The five bytes in front of a registry-aware value: magic byte 0 and a schema id.

Source: "Wire format" in the documentation of Confluent's serializers: one zero byte, the schema id
as a big-endian INT32, then the payload. (For Protobuf, message indexes come first in the payload.)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.wire.errors import DecodeError, Truncated

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
