"""Control records: the markers that brokers and controllers write into logs themselves.

Sources: "Control Batches" in Kafka's documentation (message format), and the message schemas
``EndTxnMarker.json`` (version 0) and ``LeaderChangeMessage.json`` (versions 0 and 1). A key is an
INT16 version and an INT16 type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from lab.wire.errors import DecodeError, UnknownVersion
from lab.wire.primitives import Reader
from lab.wire.record_batch import Record

Kind = Literal[
    "abort",
    "commit",
    "leader change",
    "snapshot header",
    "snapshot footer",
    "kraft version",
    "kraft voters",
]
_KINDS: tuple[Kind, ...] = (
    "abort",
    "commit",
    "leader change",
    "snapshot header",
    "snapshot footer",
    "kraft version",
    "kraft voters",
)


@dataclass(frozen=True)
class TransactionMarker:
    """The end of a transaction in one partition."""

    kind: Kind
    coordinator_epoch: int


@dataclass(frozen=True)
class LeaderChange:
    """A new leader of a KRaft quorum: who it is, who votes, who voted for it."""

    leader_id: int
    voters: tuple[int, ...]
    granting_voters: tuple[int, ...]


def kind_of(record: Record) -> Kind:
    """What kind of marker a record of a control batch is."""
    reader = Reader(record.key or b"")
    reader.int16()
    kind = reader.int16()
    if not 0 <= kind < len(_KINDS):
        raise UnknownVersion("control record", kind)
    return _KINDS[kind]


def decode_transaction_marker(record: Record) -> TransactionMarker:
    """A commit or abort marker. Raises DecodeError for another control record."""
    kind = kind_of(record)
    if kind not in {"abort", "commit"}:
        raise DecodeError(f"no transaction marker: {kind}")
    reader = Reader(record.value or b"")
    reader.int16()
    return TransactionMarker(kind, reader.int32())


def decode_leader_change(record: Record) -> LeaderChange:
    """A change of a quorum's leader. Raises DecodeError for another control record."""
    kind = kind_of(record)
    if kind != "leader change":
        raise DecodeError(f"no change of leader: {kind}")
    reader = Reader(record.value or b"")
    version = reader.int16()
    if version not in {0, 1}:
        raise UnknownVersion("LeaderChangeMessage", version)
    leader_id = reader.int32()
    voters, granting = _voters(reader, version), _voters(reader, version)
    reader.tagged_fields()
    reader.finish("LeaderChangeMessage")
    return LeaderChange(leader_id, voters, granting)


def _voters(reader: Reader, version: int) -> tuple[int, ...]:
    found = []
    for _ in range(reader.array_length()):
        found.append(reader.int32())
        if version >= 1:
            _directory: UUID = reader.uuid()
        reader.tagged_fields()
    return tuple(found)
