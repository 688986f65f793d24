"""Records of ``__consumer_offsets``: committed offsets, and which other records lie there.

Sources: the message schemas in Apache Kafka's group-coordinator module,
``OffsetCommitKey.json`` and ``LegacyOffsetCommitKey.json`` (key versions 0 and 1),
``OffsetCommitValue.json`` (value versions 0-4; 4 is the first flexible one and has the topic id as
tagged field 0), ``GroupMetadataKey.json`` (key version 2). A record starts with its INT16 version.
Key versions from 3 on belong to the newer group protocols (KIP-848, KIP-932, KIP-1071); they are
recognised, and not decoded here.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lab.wire.errors import UnknownVersion
from lab.wire.primitives import Reader

_FIRST_FLEXIBLE_VALUE = 4
_TOPIC_ID_TAG = 0


@dataclass(frozen=True)
class OffsetCommitKey:
    """Whose offset a record holds: a group, a topic, a partition."""

    version: int
    group: str
    topic: str
    partition: int


@dataclass(frozen=True)
class GroupMetadataKey:
    """The key of a classic group's own metadata."""

    version: int
    group: str


@dataclass(frozen=True)
class OtherKey:
    """A key of a version that this module does not decode; ``payload`` is what follows it."""

    version: int
    payload: bytes


@dataclass(frozen=True)
class OffsetCommitValue:
    """The committed offset: the position of the next record to be read.

    Timestamps are milliseconds since the epoch. Fields that the version does not have are None.
    """

    version: int
    offset: int
    leader_epoch: int | None
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int | None
    topic_id: UUID | None


Key = OffsetCommitKey | GroupMetadataKey | OtherKey


def decode_key(data: bytes) -> Key:
    """The key of a ``__consumer_offsets`` record. Raises DecodeError on a malformed one."""
    reader = Reader(data)
    version = reader.int16()
    if version in {0, 1}:
        key: Key = OffsetCommitKey(version, reader.string(), reader.string(), reader.int32())
    elif version == 2:
        key = GroupMetadataKey(version, reader.string())
    else:
        return OtherKey(version, reader.take(reader.remaining))
    reader.finish("the key of a __consumer_offsets record")
    return key


def decode_offset_commit_value(data: bytes) -> OffsetCommitValue:
    """The value under an OffsetCommitKey. Raises DecodeError, UnknownVersion above version 4."""
    reader = Reader(data)
    version = reader.int16()
    if not 0 <= version <= _FIRST_FLEXIBLE_VALUE:
        raise UnknownVersion("OffsetCommitValue", version)
    flexible = version >= _FIRST_FLEXIBLE_VALUE
    offset = reader.int64()
    leader_epoch = reader.int32() if version >= 3 else None
    metadata = reader.compact_string() if flexible else reader.string()
    commit_timestamp_ms = reader.int64()
    expire_timestamp_ms = reader.int64() if version == 1 else None
    tagged = reader.tagged_fields() if flexible else {}
    reader.finish("OffsetCommitValue")
    topic_id = tagged.get(_TOPIC_ID_TAG)
    return OffsetCommitValue(
        version=version,
        offset=offset,
        leader_epoch=leader_epoch,
        metadata=metadata,
        commit_timestamp_ms=commit_timestamp_ms,
        expire_timestamp_ms=expire_timestamp_ms,
        topic_id=Reader(topic_id).uuid() if topic_id is not None else None,
    )
