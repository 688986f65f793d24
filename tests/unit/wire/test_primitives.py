"""Kafka's primitive types."""

import pytest

from lab.wire.errors import DecodeError, Truncated
from lab.wire.primitives import Reader


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x00", 0),
        (b"\x01", -1),
        (b"\x02", 1),
        (b"\xac\x02", 150),
        (b"\xff\xff\xff\xff\x0f", -(1 << 31)),
        (b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", (1 << 63) - 1),
    ],
)
def test_varints_are_zig_zag(data: bytes, value: int) -> None:
    assert Reader(data).varint() == value


def test_a_varint_that_never_ends() -> None:
    with pytest.raises(DecodeError, match="longer than ten bytes"):
        Reader(b"\xff" * 11).unsigned_varint()


def test_strings() -> None:
    assert Reader(b"\x00\x03abc").string() == "abc"
    assert Reader(b"\xff\xff").nullable_string() is None
    assert Reader(b"\x04abc").compact_string() == "abc"
    with pytest.raises(DecodeError, match="negative"):
        Reader(b"\xff\xff").string()
    with pytest.raises(DecodeError, match="null"):
        Reader(b"\x00").compact_string()
    with pytest.raises(DecodeError, match="UTF-8"):
        Reader(b"\x00\x01\xff").string()


def test_reads_past_the_end_say_where() -> None:
    reader = Reader(b"\x00\x00\x00\x01\x00")
    assert reader.int32() == 1
    with pytest.raises(Truncated, match="4 bytes wanted, 1 are left at byte 4"):
        reader.int32()


def test_tagged_fields() -> None:
    assert Reader(b"\x00").tagged_fields() == {}
    assert Reader(b"\x02\x00\x01a\x05\x00").tagged_fields() == {0: b"a", 5: b""}
