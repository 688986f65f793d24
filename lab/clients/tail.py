"""A reader that is there before a record comes: every record of some topics, with when it came.

It belongs to no group and commits nothing. Topics whose records are deleted soon after use, as
Kafka Streams does with repartition topics, can be read in no other way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from confluent_kafka import Consumer, TopicPartition

from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import border, translate
from lab.clients.names import PartitionId
from lab.clients.records import PartitionRange, StoredRecord, stored
from lab.errors import LabError
from lab.wait import wait_until

T = TypeVar("T")

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Arrival:
    """A record, and when it came, in nanoseconds since the epoch by this machine's clock."""

    record: StoredRecord
    at_ns: int


class Tail:
    """Reads ``topics`` from where they end when it is made; a context manager."""

    def __init__(self, kafka: KafkaClient, topics: Sequence[str]) -> None:
        """Raises UnknownTopic."""
        self._ends = {topic: kafka.ranges(topic) for topic in topics}
        settings = kafka.connection(
            {
                "group.id": "lab-tail",  # required by the library; never joined or committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "allow.auto.create.topics": False,
                "isolation.level": "read_uncommitted",
                "fetch.wait.max.ms": 50,
            }
        )
        with border("read along"):
            self._consumer = Consumer(settings)
            self._consumer.assign(_starts(self._ends))
        self._arrivals: list[Arrival] = []
        self._problem: LabError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="tail", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)
        self._consumer.close()

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """What came so far, in the order in which it came."""
        return tuple(self._arrivals)

    def until(
        self,
        condition: str,
        probe: Callable[[tuple[Arrival, ...]], T | None],
        *,
        timeout_seconds: float = 60.0,
    ) -> T:
        """Wait until ``probe`` makes something true of what came. Raises ConditionTimeout."""
        return wait_until(
            condition,
            lambda: probe(self.arrivals),
            timeout_seconds=timeout_seconds,
            give_up=self._give_up,
        )

    def _give_up(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _read(self) -> None:
        while not self._over.is_set():
            message = self._consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            error = message.error()
            if error is None:
                self._arrivals.append(Arrival(stored(message), time.time_ns()))
            elif not error.retriable():
                self._problem = translate(error, "read along")
                return


def _starts(ends: Mapping[str, Mapping[PartitionId, PartitionRange]]) -> list[TopicPartition]:
    return [
        TopicPartition(topic, partition, found.end)
        for topic, ranges in ends.items()
        for partition, found in ranges.items()
    ]
