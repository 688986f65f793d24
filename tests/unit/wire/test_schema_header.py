"""The five-byte header."""

import pytest

from lab.wire import schema_header
from lab.wire.errors import DecodeError, Truncated


def test_split_and_join() -> None:
    value = schema_header.join(258, b"payload")
    assert value == b"\x00\x00\x00\x01\x02payload"
    assert schema_header.split(value) == schema_header.Framed(258, b"payload")


def test_plain_json_has_no_header() -> None:
    with pytest.raises(DecodeError, match="0x7b"):
        schema_header.split(b'{"a":1}')


def test_four_bytes_are_too_few() -> None:
    with pytest.raises(Truncated):
        schema_header.split(b"\x00\x00\x00\x01")
