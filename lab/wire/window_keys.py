"""Keys of windowed stores, as they stand in changelog topics.

Source: Kafka Streams' WindowKeySchema (key, start of the window in ms as INT64, INT32 sequence
number) and SessionKeySchema (key, end, start of the session in ms, both INT64).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.errors import DecodeError

_INT64 = 8
_INT32 = 4


@dataclass(frozen=True)
class WindowedKey:
    """A key with the window that it was seen in; times in ms since the epoch."""

    key: bytes
    start_ms: int
    end_ms: int


def time_window_key(data: bytes, *, size_ms: int) -> WindowedKey:
    """A key of a tumbling or hopping window's store. Raises DecodeError."""
    split = len(data) - _INT64 - _INT32
    if split < 0:
        raise DecodeError(f"{len(data)} bytes are too few for a window's key")
    start = int.from_bytes(data[split : split + _INT64], "big", signed=True)
    return WindowedKey(data[:split], start, start + size_ms)


def session_window_key(data: bytes) -> WindowedKey:
    """A key of a session window's store. Raises DecodeError."""
    split = len(data) - 2 * _INT64
    if split < 0:
        raise DecodeError(f"{len(data)} bytes are too few for a session's key")
    end = int.from_bytes(data[split : split + _INT64], "big", signed=True)
    start = int.from_bytes(data[split + _INT64 :], "big", signed=True)
    if end < start:
        raise DecodeError(f"a session that ends ({end}) before it begins ({start})")
    return WindowedKey(data[:split], start, end)
