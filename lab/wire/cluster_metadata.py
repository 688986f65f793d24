"""Records of ``__cluster_metadata``: the log in which a KRaft quorum keeps a cluster's metadata.

Sources: KIP-631 (the frame: UNSIGNED_VARINT frame version, type and version of the record) and the
message schemas of Apache Kafka's metadata module: ``TopicRecord.json`` (type 2),
``PartitionRecord.json`` (3), ``ConfigRecord.json`` (4), ``PartitionChangeRecord.json`` (5),
``RemoveTopicRecord.json`` (9), ``FeatureLevelRecord.json`` (12). Records of other types are
recognised, and not decoded here. All are flexible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from lab.wire.errors import UnknownVersion
from lab.wire.primitives import Reader

_FRAME_VERSION = 1


@dataclass(frozen=True)
class TopicRecord:
    """A topic was created."""

    name: str
    topic_id: UUID


@dataclass(frozen=True)
class PartitionRecord:
    """A partition was created: where its replicas are, which are in sync, who leads."""

    partition: int
    topic_id: UUID
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]
    leader: int
    leader_epoch: int
    partition_epoch: int


@dataclass(frozen=True)
class PartitionChangeRecord:
    """What changed about a partition; None where something did not change."""

    partition: int
    topic_id: UUID
    in_sync: tuple[int, ...] | None
    leader: int | None
    replicas: tuple[int, ...] | None


@dataclass(frozen=True)
class ConfigRecord:
    """A config was set or, with the value None, removed; ``resource_type`` 2 is a topic."""

    resource_type: int
    resource_name: str
    name: str
    value: str | None


@dataclass(frozen=True)
class RemoveTopicRecord:
    """A topic was deleted."""

    topic_id: UUID


@dataclass(frozen=True)
class FeatureLevelRecord:
    """A feature of the cluster got this level."""

    name: str
    level: int


@dataclass(frozen=True)
class OtherRecord:
    """A record of a type that this module does not decode."""

    type: int
    version: int
    payload: bytes


MetadataRecord = (
    TopicRecord
    | PartitionRecord
    | PartitionChangeRecord
    | ConfigRecord
    | RemoveTopicRecord
    | FeatureLevelRecord
    | OtherRecord
)


def decode_frame(data: bytes) -> MetadataRecord:
    """A value of the metadata log. Raises UnknownVersion for another frame or newer records."""
    reader = Reader(data)
    frame_version = reader.unsigned_varint()
    if frame_version != _FRAME_VERSION:
        raise UnknownVersion("metadata frame", frame_version)
    kind, version = reader.unsigned_varint(), reader.unsigned_varint()
    if kind not in _DECODERS:
        return OtherRecord(kind, version, reader.take(reader.remaining))
    decoder, newest = _DECODERS[kind]
    if version > newest:
        raise UnknownVersion(f"metadata record {kind}", version)
    record = decoder(reader, version)
    reader.finish("a metadata record")
    return record


def _topic(reader: Reader, _version: int) -> TopicRecord:
    record = TopicRecord(reader.compact_string(), reader.uuid())
    reader.tagged_fields()
    return record


def _partition(reader: Reader, version: int) -> PartitionRecord:
    partition, topic_id = reader.int32(), reader.uuid()
    replicas, in_sync = reader.int32_array(), reader.int32_array()
    reader.int32_array()  # replicas being removed
    reader.int32_array()  # replicas being added
    leader, leader_epoch, partition_epoch = reader.int32(), reader.int32(), reader.int32()
    if version >= 1:
        for _ in range(reader.array_length()):
            reader.uuid()
    reader.tagged_fields()
    return PartitionRecord(
        partition, topic_id, replicas, in_sync, leader, leader_epoch, partition_epoch
    )


def _partition_change(reader: Reader, _version: int) -> PartitionChangeRecord:
    partition, topic_id = reader.int32(), reader.uuid()
    tags = reader.tagged_fields()

    def brokers(tag: int) -> tuple[int, ...] | None:
        return Reader(tags[tag]).int32_array() if tag in tags else None

    leader = Reader(tags[1]).int32() if 1 in tags else None
    return PartitionChangeRecord(partition, topic_id, brokers(0), leader, brokers(2))


def _config(reader: Reader, _version: int) -> ConfigRecord:
    record = ConfigRecord(
        reader.int8(),
        reader.compact_string(),
        reader.compact_string(),
        reader.compact_nullable_string(),
    )
    reader.tagged_fields()
    return record


def _remove_topic(reader: Reader, _version: int) -> RemoveTopicRecord:
    record = RemoveTopicRecord(reader.uuid())
    reader.tagged_fields()
    return record


def _feature_level(reader: Reader, _version: int) -> FeatureLevelRecord:
    record = FeatureLevelRecord(reader.compact_string(), reader.int16())
    reader.tagged_fields()
    return record


_DECODERS: Mapping[int, tuple[Callable[[Reader, int], MetadataRecord], int]] = {
    2: (_topic, 0),
    3: (_partition, 2),
    4: (_config, 0),
    5: (_partition_change, 2),
    9: (_remove_topic, 0),
    12: (_feature_level, 0),
}
