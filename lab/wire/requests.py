"""The head of a request, and what a Produce request carries.

Sources: "Request Header" in Kafka's protocol guide (the fields read here are the same in header
versions 1 and 2), and the message schema ``ProduceRequest.json`` (versions 3 to 13: 9 is the first
flexible one; from 13 on topics have ids instead of names).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.api_keys import API_KEYS, api_name
from lab.wire.errors import DecodeError, UnknownVersion
from lab.wire.primitives import Reader
from lab.wire.record_batch import RecordBatch, decode_batches

_FLEXIBLE_PRODUCE = 9
_TOPIC_IDS = 13


@dataclass(frozen=True)
class RequestHead:
    """What is asked, in which version, and the number by which the answer is recognised."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    size: int

    @property
    def api(self) -> str:
        """The request's name."""
        return api_name(self.api_key)


@dataclass(frozen=True)
class ProducedBatches:
    """The batches that a Produce request has for one partition.

    ``topic`` is the name, or the topic id in hexadecimal digits where the request has only that.
    """

    topic: str
    partition: int
    batches: tuple[RecordBatch, ...]


def decode_head(frame: bytes) -> RequestHead:
    """The head of a request; ``frame`` is without its length."""
    reader = Reader(frame)
    api_key, api_version = reader.int16(), reader.int16()
    correlation_id = reader.int32()
    return RequestHead(api_key, api_version, correlation_id, reader.nullable_string(), len(frame))


def decode_produce(frame: bytes) -> tuple[ProducedBatches, ...]:
    """What a Produce request carries; ``frame`` is the whole request without its length.

    Raises UnknownVersion for versions before 3 and after 13.
    """
    head = decode_head(frame)
    if head.api_key != API_KEYS["Produce"]:
        raise DecodeError(f"not a Produce request but {head.api}")
    if not 3 <= head.api_version <= _TOPIC_IDS:
        raise UnknownVersion("Produce request", head.api_version)
    flexible = head.api_version >= _FLEXIBLE_PRODUCE
    reader = Reader(frame)
    reader.take(8)
    reader.nullable_string()
    if flexible:
        reader.tagged_fields()
        reader.compact_nullable_string()
    else:
        reader.nullable_string()
    reader.take(6)  # acks and the time-out
    found = []
    for _ in range(reader.array_length(flexible=flexible)):
        if head.api_version >= _TOPIC_IDS:
            topic = reader.uuid().hex
        else:
            topic = reader.compact_string() if flexible else reader.string()
        for _ in range(reader.array_length(flexible=flexible)):
            partition = reader.int32()
            size = reader.unsigned_varint() - 1 if flexible else reader.int32()
            batches = tuple(decode_batches(reader.take(max(size, 0))))
            found.append(ProducedBatches(topic, partition, batches))
            if flexible:
                reader.tagged_fields()
        if flexible:
            reader.tagged_fields()
    if flexible:
        reader.tagged_fields()
    reader.finish("a Produce request")
    return tuple(found)
