"""Malformed batches are refused or shown, never guessed at."""

import gzip
import json
import struct
from pathlib import Path

import pytest

from lab.wire.crc32c import crc32c
from lab.wire.errors import DecodeError, Truncated, UnknownVersion
from lab.wire.record_batch import decode_batch, decode_batches

SEGMENT = bytes.fromhex(
    json.loads((Path(__file__).parent / "data" / "records.json").read_text())["segment_hex"]
)
FIRST = SEGMENT[:75]


def changed(data: bytes, at: int, byte: int) -> bytes:
    return data[:at] + bytes([byte]) + data[at + 1 :]


def test_crc32c_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"") == 0


def test_a_flipped_bit_shows_in_the_crc() -> None:
    assert decode_batch(FIRST).crc_matches
    assert not decode_batch(changed(FIRST, len(FIRST) - 2, 0x21)).crc_matches


def test_an_incomplete_last_batch() -> None:
    cut = SEGMENT[:100]
    assert [b.base_offset for b in decode_batches(cut, partial_end=True)] == [0]
    with pytest.raises(Truncated):
        list(decode_batches(cut))
    with pytest.raises(Truncated):
        list(decode_batches(SEGMENT[:5]))
    assert list(decode_batches(SEGMENT[:5], partial_end=True)) == []


def test_old_formats_are_refused_by_name() -> None:
    with pytest.raises(UnknownVersion, match="record batch: version 1"):
        decode_batch(changed(FIRST, 16, 1))


def test_an_undefined_codec_is_refused() -> None:
    with pytest.raises(UnknownVersion, match="compression"):
        decode_batch(changed(FIRST, 22, 7))


def test_a_batch_of_length_zero_does_not_loop() -> None:
    with pytest.raises(DecodeError):
        list(decode_batches(bytes(64)))


def test_log_append_time_replaces_the_records_timestamps() -> None:
    batch = decode_batch(changed(FIRST, 22, 0x08))
    assert batch.log_append_time
    assert batch.records is not None
    assert [r.timestamp_ms for r in batch.records] == [batch.max_timestamp_ms]


def test_a_gzip_body_that_is_cut_off() -> None:
    header = FIRST[:61]
    body = gzip.compress(FIRST[61:])
    whole = changed(header, 22, 1) + body
    assert decode_batch(whole).records == decode_batch(FIRST).records
    with pytest.raises(Truncated):
        decode_batch(whole[:-6])
    with pytest.raises(DecodeError, match="gzip"):
        decode_batch(changed(header, 22, 1) + b"not gzip at all")


def test_a_record_whose_length_lies() -> None:
    assert FIRST[61] == 26, "the record's length, zig-zag"
    with pytest.raises(DecodeError):
        decode_batch(changed(FIRST, 61, 24))


def test_more_records_promised_than_there_are() -> None:
    promised = FIRST[:57] + struct.pack(">i", 2) + FIRST[61:]
    with pytest.raises(Truncated):
        decode_batch(promised)
