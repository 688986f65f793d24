"""Consume, transform, produce: a loop that reads one topic and writes another, and may be killed.

``python -m lab.workloads.transform '{…}'``; see Options. With a transactional id the offsets are
sent within the transaction that holds the output; without one they are committed after the output
was flushed. The group member is static, so that a successor takes its place at once. The loop ends
when it has come to the end of every partition. Points at which it can crash: polled, produced,
flushed, offsets (sent, not committed), committing, committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from lab.clients.kafka_border import connection
from lab.evidence.history import History
from lab.evidence.model import Outcome
from lab.workloads.program import Crash, options

POINTS = ("polled", "produced", "flushed", "offsets", "committing", "committed")
FENCED = 3
"""The exit code of an instance that was told that it is fenced."""


@dataclass(frozen=True)
class Options:
    """From where to where, as whom, and where to crash; no transactional id: no transactions."""

    bootstrap_servers: str
    source: str
    sink: str
    group: str
    partitions: int
    log: str
    run: int
    transactional_id: str | None = None
    batch: int = 10
    crash: dict[str, object] = field(default_factory=dict)


def transformed(value: bytes) -> bytes:
    """What the loop makes of a value."""
    return value.upper()


class Loop:
    """One instance of the loop."""

    def __init__(self, given: Options) -> None:
        self._given = given
        self._crash = Crash(**given.crash)  # type: ignore[arg-type]  # checked by the names
        self._log = History(Path(given.log), test="", worker=f"run-{given.run}")
        settings = {} if given.transactional_id is None else self._transactional()
        self._producer = Producer(connection(given.bootstrap_servers, {"linger.ms": 1, **settings}))
        if given.transactional_id is not None:
            self._producer.init_transactions(60)
        self._consumer = Consumer(
            connection(
                given.bootstrap_servers,
                {
                    "group.id": given.group,
                    "group.instance.id": f"{given.group}-instance",
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_committed",
                    "enable.partition.eof": True,
                },
            )
        )
        self._consumer.subscribe([given.source])
        self._at_end: set[int] = set()

    def _transactional(self) -> dict[str, str | int | float | bool]:
        return {
            "transactional.id": self._given.transactional_id or "",
            "transaction.timeout.ms": 60_000,
        }

    def run(self) -> None:
        """Go on until the end of the source. Raises KafkaException."""
        self._note("started")
        while len(self._at_end) < self._given.partitions:
            batch = self._poll()
            if batch:
                self._handle(batch)
        self._note("finished")

    def _poll(self) -> list[Message]:
        batch: list[Message] = []
        while len(batch) < self._given.batch and len(self._at_end) < self._given.partitions:
            message = self._consumer.poll(0.5)
            if message is None:
                break
            error = message.error()
            partition = message.partition()
            if error is None:
                batch.append(message)
            elif error.code() == KafkaError._PARTITION_EOF and partition is not None:
                self._at_end.add(partition)
            elif not error.retriable():
                raise KafkaException(error)
        return batch

    def _handle(self, batch: list[Message]) -> None:
        if self._given.transactional_id is None:
            self._handle_plainly(batch)
            return
        self._producer.begin_transaction()
        self._crash.at("polled")
        self._produce(batch)
        self._crash.at("produced")
        self._producer.flush(30)
        self._crash.at("flushed")
        self._producer.send_offsets_to_transaction(
            _next_offsets(batch), self._consumer.consumer_group_metadata(), 60
        )
        self._crash.at("offsets")
        self._crash.at("committing")
        self._producer.commit_transaction(60)
        self._crash.at("committed")

    def _handle_plainly(self, batch: list[Message]) -> None:
        self._crash.at("polled")
        self._produce(batch)
        self._crash.at("produced")
        self._producer.flush(30)
        self._crash.at("flushed")
        self._crash.at("committing")
        self._consumer.commit(offsets=_next_offsets(batch), asynchronous=False)
        self._crash.at("committed")

    def _produce(self, batch: list[Message]) -> None:
        for message in batch:
            value = message.value()
            if not isinstance(value, bytes):
                raise TypeError(f"a value of type {type(value).__name__}")
            self._producer.produce(
                self._given.sink, transformed(value), partition=message.partition() or 0
            )

    def _note(self, action: str, answer: object = None, outcome: Outcome = Outcome.OK) -> None:
        self._log.append(
            "step",
            actor=f"loop {self._given.run}",
            action=action,
            target=self._given.sink,
            outcome=outcome,
            answer=answer,
        )

    def fenced(self, error: KafkaError) -> None:
        """Log that this instance was told that another has taken its place."""
        self._note("fenced", {"name": error.name(), "message": error.str()}, Outcome.FAIL)


def _next_offsets(batch: list[Message]) -> list[TopicPartition]:
    found: dict[tuple[str, int], int] = {}
    for message in batch:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None:
            found[topic, partition] = offset + 1
    return [TopicPartition(*place, offset) for place, offset in found.items()]


_FENCED_CODES = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.PRODUCER_FENCED,
    }
)


def main(given: Options) -> int:
    """Run the loop; the exit code is FENCED for an instance that was told so."""
    loop = Loop(given)
    try:
        loop.run()
    except KafkaException as error:
        cause = error.args[0]
        if cause.code() not in _FENCED_CODES:
            raise
        loop.fenced(cause)
        return FENCED
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Options(**options())))  # type: ignore[arg-type]  # JSON has the types
