"""Kafka's primitive types, written: the counterpart of primitives.Reader, for what is sent."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def int8(value: int) -> bytes:
    """INT8."""
    return struct.pack(">b", value)


def int16(value: int) -> bytes:
    """INT16."""
    return struct.pack(">h", value)


def int32(value: int) -> bytes:
    """INT32."""
    return struct.pack(">i", value)


def unsigned_varint(value: int) -> bytes:
    """UNSIGNED_VARINT."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def string(value: str) -> bytes:
    """STRING."""
    raw = value.encode()
    return int16(len(raw)) + raw


def compact_string(value: str | None) -> bytes:
    """COMPACT_STRING, or COMPACT_NULLABLE_STRING for None."""
    if value is None:
        return b"\0"
    raw = value.encode()
    return unsigned_varint(len(raw) + 1) + raw


def compact_array(items: Iterable[bytes]) -> bytes:
    """COMPACT_ARRAY of encoded items."""
    listed = list(items)
    return unsigned_varint(len(listed) + 1) + b"".join(listed)


NO_TAGS = b"\0"
"""The end of a flexible structure without tagged fields."""
