"""Every version of the committed-offset record, from the message schemas."""

import struct
from uuid import UUID

import pytest

from lab.wire.consumer_offsets import (
    GroupMetadataKey,
    OffsetCommitKey,
    OtherKey,
    decode_key,
    decode_offset_commit_value,
)
from lab.wire.errors import DecodeError, Truncated, UnknownVersion

TOPIC_ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


@pytest.mark.parametrize("version", [0, 1])
def test_commit_keys(version: int) -> None:
    data = struct.pack(">h", version) + text("grüppe") + text("orders") + struct.pack(">i", 7)
    assert decode_key(data) == OffsetCommitKey(version, "grüppe", "orders", 7)


def test_group_metadata_key() -> None:
    assert decode_key(b"\x00\x02" + text("g")) == GroupMetadataKey(2, "g")


def test_keys_of_the_newer_protocols_are_kept_undecoded() -> None:
    assert decode_key(b"\x00\x03\x00\x01g") == OtherKey(3, b"\x00\x01g")


@pytest.mark.parametrize(
    ("version", "body", "leader_epoch", "expires", "topic_id"),
    [
        (0, struct.pack(">q", 42) + text("m") + struct.pack(">q", 1000), None, None, None),
        (1, struct.pack(">q", 42) + text("m") + struct.pack(">qq", 1000, 2000), None, 2000, None),
        (2, struct.pack(">q", 42) + text("m") + struct.pack(">q", 1000), None, None, None),
        (3, struct.pack(">qi", 42, 5) + text("m") + struct.pack(">q", 1000), 5, None, None),
        (4, struct.pack(">qi", 42, 5) + b"\x02m" + struct.pack(">q", 1000) + b"\0", 5, None, None),
        (
            4,
            struct.pack(">qi", 42, 5)
            + b"\x02m"
            + struct.pack(">q", 1000)
            + b"\x02\x00\x10"
            + TOPIC_ID.bytes
            + b"\x09\x01x",
            5,
            None,
            TOPIC_ID,
        ),
    ],
)
def test_values(
    version: int, body: bytes, leader_epoch: int | None, expires: int | None, topic_id: UUID | None
) -> None:
    value = decode_offset_commit_value(struct.pack(">h", version) + body)
    assert (value.version, value.offset, value.metadata) == (version, 42, "m")
    assert value.commit_timestamp_ms == 1000
    assert value.leader_epoch == leader_epoch
    assert value.expire_timestamp_ms == expires
    assert value.topic_id == topic_id


def test_an_unknown_value_version_is_not_guessed() -> None:
    with pytest.raises(UnknownVersion, match="version 5"):
        decode_offset_commit_value(b"\x00\x05" + bytes(30))


def test_left_over_and_missing_bytes_are_errors() -> None:
    key = b"\x00\x01" + text("g") + text("t") + struct.pack(">i", 0)
    with pytest.raises(DecodeError, match="1 bytes left over"):
        decode_key(key + b"x")
    with pytest.raises(Truncated):
        decode_key(key[:-1])
    with pytest.raises(DecodeError, match="twice"):
        decode_offset_commit_value(
            struct.pack(">hqi", 4, 1, 1) + b"\x01" + struct.pack(">q", 1) + b"\x02\x00\x00\x00\x00"
        )
