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


@pytest.mark.parametrize(
    ("payload", "indexes"),
    [
        (b"\x00\x08\x07", (0,)),
        (b"\x02\x00\x08\x07", (0,)),
        (b"\x02\x02\x08\x07", (1,)),
        (b"\x04\x02\x06\x08\x07", (1, 3)),
        (b"\x02\x80\x02\x08\x07", (128,)),
    ],
)
def test_message_indexes(payload: bytes, indexes: tuple[int, ...]) -> None:
    assert schema_header.message_indexes(payload) == (indexes, b"\x08\x07")


@pytest.mark.parametrize("payload", [b"", b"\x04\x02", b"\x80"])
def test_message_indexes_that_are_cut_off(payload: bytes) -> None:
    with pytest.raises(Truncated):
        schema_header.message_indexes(payload)


@pytest.mark.parametrize("payload", [b"\x01", b"\x02\x01"])
def test_negative_message_indexes(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        schema_header.message_indexes(payload)
