"""Records of ``__transaction_state``: what the coordinator remembers of each transactional id.

Sources: the message schemas in Apache Kafka's transaction-coordinator module,
``TransactionLogKey.json`` (version 0) and ``TransactionLogValue.json`` (versions 0 and 1; 1 is
flexible). The states are those of ``TransactionState``. A record starts with its INT16 version.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.errors import DecodeError, UnknownVersion
from lab.wire.primitives import Reader

STATES = (
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
)
_PREVIOUS_PRODUCER_ID_TAG = 0
_NEXT_PRODUCER_ID_TAG = 1
_CLIENT_VERSION_TAG = 2
_NEXT_PRODUCER_EPOCH_TAG = 3


@dataclass(frozen=True)
class TransactionValue:
    """A transactional id's producer, its epoch, and how far its last transaction is.

    ``partitions`` are those that the transaction has written to so far, by topic. Timestamps are
    milliseconds since the epoch; ``started_ms`` is -1 where no transaction began. Fields that only
    version 1 has are None where they are absent.
    """

    version: int
    producer_id: int
    producer_epoch: int
    timeout_ms: int
    state: str
    partitions: tuple[tuple[str, tuple[int, ...]], ...]
    updated_ms: int
    started_ms: int
    previous_producer_id: int | None = None
    next_producer_id: int | None = None
    client_transaction_version: int | None = None
    next_producer_epoch: int | None = None


def decode_key(data: bytes) -> str:
    """The transactional id that a record is about. Raises UnknownVersion above version 0."""
    reader = Reader(data)
    version = reader.int16()
    if version != 0:
        raise UnknownVersion("TransactionLogKey", version)
    transactional_id = reader.string()
    reader.finish("TransactionLogKey")
    return transactional_id


def decode_value(data: bytes) -> TransactionValue:
    """The state under a key. Raises UnknownVersion above version 1."""
    reader = Reader(data)
    version = reader.int16()
    if version not in {0, 1}:
        raise UnknownVersion("TransactionLogValue", version)
    flexible = version == 1
    producer_id, producer_epoch = reader.int64(), reader.int16()
    timeout_ms, state = reader.int32(), reader.int8()
    if not 0 <= state < len(STATES):
        raise DecodeError(f"transaction state {state}", offset=reader.offset)
    partitions = tuple(
        _topic(reader, flexible=flexible) for _ in range(reader.array_length(flexible=flexible))
    )
    updated_ms, started_ms = reader.int64(), reader.int64()
    tags = reader.tagged_fields() if flexible else {}
    reader.finish("TransactionLogValue")

    def tagged(tag: int, read: str) -> int | None:
        return getattr(Reader(tags[tag]), read)() if tag in tags else None

    return TransactionValue(
        version=version,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        timeout_ms=timeout_ms,
        state=STATES[state],
        partitions=partitions,
        updated_ms=updated_ms,
        started_ms=started_ms,
        previous_producer_id=tagged(_PREVIOUS_PRODUCER_ID_TAG, "int64"),
        next_producer_id=tagged(_NEXT_PRODUCER_ID_TAG, "int64"),
        client_transaction_version=tagged(_CLIENT_VERSION_TAG, "int16"),
        next_producer_epoch=tagged(_NEXT_PRODUCER_EPOCH_TAG, "int16"),
    )


def _topic(reader: Reader, *, flexible: bool) -> tuple[str, tuple[int, ...]]:
    name = reader.compact_string() if flexible else reader.string()
    count = reader.array_length(flexible=flexible)
    partitions = tuple(reader.int32() for _ in range(count))
    if flexible:
        reader.tagged_fields()
    return name, partitions
