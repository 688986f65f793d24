"""Keys of windowed stores, from the layouts that Kafka Streams documents in its schemas."""

import struct

import pytest

from lab.wire.errors import DecodeError
from lab.wire.window_keys import WindowedKey, session_window_key, time_window_key


def test_a_window_begins_where_its_key_says_and_is_as_long_as_it_is() -> None:
    data = b"north" + struct.pack(">qi", 1_000, 0)
    assert time_window_key(data, size_ms=500) == WindowedKey(b"north", 1_000, 1_500)


def test_a_session_has_its_end_before_its_start() -> None:
    data = b"" + struct.pack(">qq", 9_000, 4_000)
    assert session_window_key(data) == WindowedKey(b"", 4_000, 9_000)


def test_bytes_that_cannot_be_such_keys_are_refused() -> None:
    with pytest.raises(DecodeError, match="too few"):
        time_window_key(b"\0" * 11, size_ms=1)
    with pytest.raises(DecodeError, match="too few"):
        session_window_key(b"\0" * 15)
    with pytest.raises(DecodeError, match="ends"):
        session_window_key(struct.pack(">qq", 1, 2))
