"""Record batches of magic 2, as they lie in log segments and travel in Produce and Fetch.

Source: "Record Batch" and "Record" in Kafka's documentation (message format) and KIP-98, which
added the producer id, epoch and sequence. Bodies that are compressed with something else than gzip
are kept as they are: the header says everything about them except the single records.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lab.wire.crc32c import crc32c
from lab.wire.errors import DecodeError, Truncated, UnknownVersion
from lab.wire.primitives import Reader

Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]

_COMPRESSIONS: tuple[Compression, ...] = ("none", "gzip", "snappy", "lz4", "zstd")
_LENGTH_AT = 8
_PREFIX = 12  # base offset and length: not counted by the length
_CRC_COVERS_FROM = 21  # everything from the attributes on
_MAGIC_AT = 16
_MAX_GZIP_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One record, its offset and timestamp made absolute. A null value is a tombstone."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True)
class RecordBatch:
    """A batch's header, and its records where they could be unpacked (None: compressed).

    ``producer_id``, ``producer_epoch`` and ``base_sequence`` are -1 without idempotence.
    """

    base_offset: int
    size: int
    leader_epoch: int
    crc: int
    crc_matches: bool
    compression: Compression
    log_append_time: bool
    transactional: bool
    control: bool
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int
    records: tuple[Record, ...] | None

    @property
    def last_offset(self) -> int:
        """The offset of the last record; compaction may have taken records in between."""
        return self.base_offset + self.last_offset_delta


def decode_batches(data: bytes, *, partial_end: bool = False) -> Iterator[RecordBatch]:
    """The batches in ``data``, one after the other.

    With ``partial_end`` an incomplete last batch ends the iteration (a Fetch answer and a segment
    being written may be cut off); without it, Truncated is raised.
    """
    position = 0
    while position < len(data):
        rest = len(data) - position
        size = _PREFIX
        if rest >= _PREFIX:
            size += Reader(data, position + _LENGTH_AT).int32()
        if rest < size:
            if partial_end:
                return
            raise Truncated(f"a batch of {size} bytes, {rest} are left", offset=position)
        if size <= _PREFIX:
            raise DecodeError("a batch without a length", offset=position)
        yield decode_batch(data[position : position + size])
        position += size


def decode_batch(data: bytes) -> RecordBatch:
    """One whole batch. Raises UnknownVersion for another magic than 2.

    A wrong CRC is an observation, not an error: see ``crc_matches``.
    """
    magic = Reader(data, _MAGIC_AT).int8()
    if magic != 2:
        raise UnknownVersion("record batch", magic)
    reader = Reader(data)
    base_offset = reader.int64()
    reader.int32()
    leader_epoch = reader.int32()
    reader.int8()
    crc = reader.uint32()
    attributes = reader.int16()
    last_offset_delta = reader.int32()
    base_timestamp_ms = reader.int64()
    max_timestamp_ms = reader.int64()
    producer_id = reader.int64()
    producer_epoch = reader.int16()
    base_sequence = reader.int32()
    record_count = reader.int32()
    codec = attributes & 0x07
    if codec >= len(_COMPRESSIONS):
        raise UnknownVersion("compression", codec)
    compression = _COMPRESSIONS[codec]
    log_append_time = bool(attributes & 0x08)
    body = _body(reader.take(reader.remaining), compression)
    return RecordBatch(
        base_offset=base_offset,
        size=len(data),
        leader_epoch=leader_epoch,
        crc=crc,
        crc_matches=crc32c(data[_CRC_COVERS_FROM:]) == crc,
        compression=compression,
        log_append_time=log_append_time,
        transactional=bool(attributes & 0x10),
        control=bool(attributes & 0x20),
        last_offset_delta=last_offset_delta,
        base_timestamp_ms=base_timestamp_ms,
        max_timestamp_ms=max_timestamp_ms,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        record_count=record_count,
        records=None
        if body is None
        else _records(
            body,
            record_count,
            base_offset=base_offset,
            base_timestamp_ms=base_timestamp_ms,
            append_time_ms=max_timestamp_ms if log_append_time else None,
        ),
    )


def _body(raw: bytes, compression: Compression) -> bytes | None:
    if compression == "none":
        return raw
    if compression != "gzip":
        return None
    unzip = zlib.decompressobj(wbits=31)
    try:
        body = unzip.decompress(raw, _MAX_GZIP_BYTES)
    except zlib.error as error:
        raise DecodeError(f"gzip: {error}") from error
    if not unzip.eof:
        raise Truncated("the gzip body ends early, or is unreasonably large")
    return body


def _records(
    body: bytes,
    count: int,
    *,
    base_offset: int,
    base_timestamp_ms: int,
    append_time_ms: int | None,
) -> tuple[Record, ...]:
    reader = Reader(body)
    records = []
    for _ in range(count):
        length = reader.varint()
        end = reader.offset + length
        reader.int8()  # a record's attributes: none are defined
        timestamp_ms = base_timestamp_ms + reader.varint()
        offset = base_offset + reader.varint()
        key = reader.varint_bytes()
        value = reader.varint_bytes()
        headers = tuple(_header(reader) for _ in range(reader.varint()))
        if reader.offset != end:
            raise DecodeError(f"a record of {length} bytes ends elsewhere", offset=reader.offset)
        if append_time_ms is not None:
            timestamp_ms = append_time_ms
        records.append(Record(offset, timestamp_ms, key, value, headers))
    reader.finish("a record batch")
    return tuple(records)


def _header(reader: Reader) -> tuple[str, bytes | None]:
    name = reader.varint_bytes()
    if name is None:
        raise DecodeError("a header without a name", offset=reader.offset)
    return name.decode("utf-8", "replace"), reader.varint_bytes()
