"""Heads of requests, and what Produce requests carry in each of their layouts."""

import struct
from uuid import UUID

import pytest

from lab.wire import writer
from lab.wire.api_keys import API_KEYS, api_name, require_api
from lab.wire.crc32c import crc32c
from lab.wire.errors import DecodeError, UnknownVersion
from lab.wire.requests import decode_head, decode_produce

TOPIC_ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


def a_batch(producer_id: int, sequence: int) -> bytes:
    record = b"\x00\x00\x00\x01\x02v\x00"
    body = (
        struct.pack(">hiqqqhii", 0, 0, 5, 5, producer_id, 3, sequence, 1)
        + bytes([len(record) * 2])
        + record
    )
    after_length = struct.pack(">ib", 0, 2) + struct.pack(">I", crc32c(body)) + body
    return struct.pack(">qi", 0, len(after_length)) + after_length


def head(api: str, version: int, *, flexible: bool) -> bytes:
    raw = struct.pack(">hhi", API_KEYS[api], version, 7) + writer.string("app")
    return raw + (writer.NO_TAGS if flexible else b"")


def produce(version: int) -> bytes:
    batch = a_batch(42, 9)
    if version < 9:
        return (
            head("Produce", version, flexible=False)
            + struct.pack(">hhi", -1, -1, 1000)
            + struct.pack(">i", 1)
            + writer.string("orders")
            + struct.pack(">iii", 1, 2, len(batch))
            + batch
        )
    topic = TOPIC_ID.bytes if version >= 13 else writer.compact_string("orders")
    partition = writer.int32(2) + writer.unsigned_varint(len(batch) + 1) + batch + writer.NO_TAGS
    topics = writer.compact_array([topic + writer.compact_array([partition]) + writer.NO_TAGS])
    return (
        head("Produce", version, flexible=True)
        + writer.compact_string(None)
        + struct.pack(">hi", -1, 1000)
        + topics
        + writer.NO_TAGS
    )


def test_the_head_names_the_request() -> None:
    found = decode_head(head("TxnOffsetCommit", 4, flexible=True))
    assert (found.api, found.api_version) == ("TxnOffsetCommit", 4)
    assert (found.correlation_id, found.client_id) == (7, "app")
    assert decode_head(struct.pack(">hhih", 999, 0, 1, -1)).api == "api key 999"


def test_names_are_those_of_the_protocol() -> None:
    for key, name in ((0, "Produce"), (24, "AddPartitionsToTxn"), (26, "EndTxn"), (75, "DescribeTopicPartitions")):  # fmt: skip  # noqa: E501
        assert api_name(key) == name
    assert require_api("Fetch") == "Fetch"
    with pytest.raises(ValueError, match="Frobnicate"):
        require_api("Frobnicate")


@pytest.mark.parametrize("version", [3, 8, 9, 12, 13])
def test_batches_of_a_produce_request(version: int) -> None:
    (found,) = decode_produce(produce(version))
    assert found.topic == (TOPIC_ID.hex if version >= 13 else "orders")
    assert found.partition == 2
    (batch,) = found.batches
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (42, 3, 9)
    assert batch.crc_matches


def test_what_is_no_produce_request_is_refused() -> None:
    with pytest.raises(DecodeError, match="Fetch"):
        decode_produce(head("Fetch", 13, flexible=True))
    with pytest.raises(UnknownVersion, match="14"):
        decode_produce(head("Produce", 14, flexible=True))
    with pytest.raises(DecodeError, match="left over"):
        decode_produce(produce(9) + b"x")
