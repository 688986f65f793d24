"""Records to and from a broker as bytes: produce and wait, read a partition from offset to end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from lab.clients.errors import ClientError, UnexpectedAnswer, Unreachable
from lab.clients.kafka_border import Setting, border, connection, translate
from lab.clients.names import Offset, PartitionId, TopicName

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Acknowledged:
    """The broker's answer to a produced record: where it stands."""

    topic: TopicName
    partition: PartitionId
    offset: Offset
    timestamp_ms: int


@dataclass(frozen=True)
class StoredRecord:
    """A record as fetched: bytes, no deserializer in between. A null value is a tombstone."""

    topic: TopicName
    partition: PartitionId
    offset: Offset
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True)
class PartitionRange:
    """The offsets that a partition can be read from: ``start`` inclusive, ``end`` exclusive."""

    start: Offset
    end: Offset


class RecordClient:
    """Produces and reads records. Not bound to a consumer group, and never commits."""

    def __init__(
        self, bootstrap_servers: str, *, config: Mapping[str, Setting] | None = None
    ) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._config = dict(config or {})

    def connection(self, more: Mapping[str, Setting] | None = None) -> dict[str, Setting]:
        """The settings that a client of the same broker needs, with ``more`` on top."""
        return connection(self.bootstrap_servers, {**self._config, **(more or {})})

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
        config: Mapping[str, Setting] | None = None,
        timeout_seconds: float = 15.0,
    ) -> Acknowledged:
        """Produce one record with ``acks=all`` and wait for the broker's acknowledgement.

        Raises Unreachable when none came (the record may have been written), BrokerRefused when
        the broker said no.
        """
        doing = f"produce to {topic}"
        answers: list[tuple[KafkaError | None, Message]] = []
        settings = self.connection(
            {
                "acks": "all",
                "linger.ms": 0,
                "message.timeout.ms": int(timeout_seconds * 1000),
                **(config or {}),
            }
        )
        with border(doing):
            producer = Producer(settings)
            producer.produce(
                topic,
                value,
                key,
                partition=-1 if partition is None else partition,
                timestamp=timestamp_ms or 0,
                headers=list(headers) or None,
                on_delivery=lambda error, message: answers.append((error, message)),
            )
            producer.flush(timeout_seconds + 1)
        if not answers:
            raise Unreachable(f"{doing}: no acknowledgement within {timeout_seconds:g} s")
        error, message = answers[0]
        if error is not None:
            raise translate(error, doing)
        return _acknowledged(message)

    def range_of(
        self, topic: str, partition: int, *, timeout_seconds: float = 10.0
    ) -> PartitionRange:
        """The partition's first and end offset, asked of its leader."""
        return self.ranges_of(topic, (partition,), timeout_seconds=timeout_seconds)[
            PartitionId(partition)
        ]

    def ranges_of(
        self, topic: str, partitions: Iterable[int], *, timeout_seconds: float = 10.0
    ) -> dict[PartitionId, PartitionRange]:
        """First and end offset of these partitions, asked of their leaders one after the other."""
        found: dict[PartitionId, PartitionRange] = {}
        with border(f"offsets of {topic}"), self._reader() as consumer:
            for partition in partitions:
                low, high = consumer.get_watermark_offsets(
                    TopicPartition(topic, partition), timeout=timeout_seconds, cached=False
                )
                found[PartitionId(partition)] = PartitionRange(Offset(low), Offset(high))
        return found

    def read(
        self,
        topic: str,
        partition: int,
        *,
        start: int | None = None,
        committed: bool = False,
        timeout_seconds: float = 15.0,
    ) -> list[StoredRecord]:
        """The partition's records from ``start`` (default: the first) to its end as of now.

        Reads uncommitted: records of open and aborted transactions are returned too, unless only
        ``committed`` ones are asked for; the end is then the last stable offset. Raises
        Unreachable when the end is not reached in time.
        """
        doing = f"read {topic}-{partition}"
        found: list[StoredRecord] = []
        isolation = "read_committed" if committed else "read_uncommitted"
        with border(doing), self._reader(isolation) as consumer:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=timeout_seconds, cached=False
            )
            begin = low if start is None else max(start, low)
            if begin >= high:
                return found
            consumer.assign([TopicPartition(topic, partition, begin)])
            while True:
                message = consumer.poll(timeout_seconds)
                if message is None:
                    raise Unreachable(f"{doing}: silent for {timeout_seconds:g} s before its end")
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        return found
                    if error.retriable():
                        continue
                    raise translate(error, doing)
                record = stored(message)
                if record.offset < high:
                    found.append(record)
                if record.offset >= high - 1:
                    return found

    def _reader(self, isolation: str = "read_uncommitted") -> Consumer:
        return Consumer(
            self.connection(
                {
                    "group.id": "lab-reader",  # required by the library; never joined or committed
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "enable.partition.eof": True,
                    "isolation.level": isolation,
                    "auto.offset.reset": "error",
                    "allow.auto.create.topics": False,
                }
            )
        )


def stored(message: Message) -> StoredRecord:
    """A fetched message as plain data. Raises UnexpectedAnswer for one without a position."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise UnexpectedAnswer("a fetched record without topic, partition or offset")
    return StoredRecord(
        topic=TopicName(topic),
        partition=PartitionId(partition),
        offset=Offset(offset),
        timestamp_ms=message.timestamp()[1],
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=_headers(message.headers()),
    )


def _acknowledged(message: Message) -> Acknowledged:
    record = stored(message)
    return Acknowledged(record.topic, record.partition, record.offset, record.timestamp_ms)


def _bytes(data: object) -> bytes | None:
    if data is None or isinstance(data, bytes):
        return data
    raise ClientError(f"bytes were expected, not {type(data).__name__}")


def _headers(raw: object) -> Headers:
    if not raw:
        return ()
    if not isinstance(raw, Sequence):
        raise UnexpectedAnswer(f"headers of type {type(raw).__name__}")
    return tuple((str(name), _bytes(value)) for name, value in raw)
