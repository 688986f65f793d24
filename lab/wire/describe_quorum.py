"""DescribeQuorum: who leads the controllers' quorum and how far its members are.

Source: the message schemas ``DescribeQuorumRequest.json`` and ``DescribeQuorumResponse.json``,
version 1 (KIP-595, KIP-836).
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire import writer
from lab.wire.primitives import Reader

VERSION = 1
METADATA_TOPIC = "__cluster_metadata"


@dataclass(frozen=True)
class Replica:
    """A member of the quorum; times are milliseconds since the epoch, -1 where unknown."""

    node_id: int
    log_end_offset: int
    last_fetch_ms: int
    last_caught_up_ms: int


@dataclass(frozen=True)
class QuorumAnswer:
    """The quorum as its leader describes it; ``error`` is the protocol's error code, 0 for none."""

    error: int
    leader: int
    epoch: int
    high_watermark: int
    voters: tuple[Replica, ...]
    observers: tuple[Replica, ...]


def encode_request() -> bytes:
    """The request's body: the one partition of the metadata log."""
    partition = writer.int32(0) + writer.NO_TAGS
    topic = (
        writer.compact_string(METADATA_TOPIC) + writer.compact_array([partition]) + writer.NO_TAGS
    )
    return writer.compact_array([topic]) + writer.NO_TAGS


def decode_answer(body: bytes) -> QuorumAnswer:
    """The answer's body."""
    reader = Reader(body)
    error = reader.int16()
    partitions = []
    for _ in range(reader.array_length()):
        reader.compact_string()
        partitions += [_partition(reader) for _ in range(reader.array_length())]
        reader.tagged_fields()
    reader.tagged_fields()
    reader.finish("an answer to DescribeQuorum")
    if error or not partitions:
        return QuorumAnswer(error, -1, -1, -1, (), ())
    return partitions[0]


def _partition(reader: Reader) -> QuorumAnswer:
    reader.int32()
    error, leader, epoch = reader.int16(), reader.int32(), reader.int32()
    high_watermark = reader.int64()
    voters, observers = _replicas(reader), _replicas(reader)
    reader.tagged_fields()
    return QuorumAnswer(error, leader, epoch, high_watermark, voters, observers)


def _replicas(reader: Reader) -> tuple[Replica, ...]:
    found = []
    for _ in range(reader.array_length()):
        found.append(Replica(reader.int32(), reader.int64(), reader.int64(), reader.int64()))
        reader.tagged_fields()
    return tuple(found)
