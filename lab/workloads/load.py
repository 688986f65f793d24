"""A producer under way while things break: numbered records at a steady pace, each attempt logged.

An attempt is logged as it begins and again as it ends: acknowledged, failed (the broker said no)
or unknown (no answer: it may have been written).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Self

from confluent_kafka import KafkaError, Message, Producer

from lab.clients.errors import Unreachable
from lab.clients.kafka_border import Setting, border, translate
from lab.evidence.model import Entry, Outcome
from lab.evidence.workload import INVOKE, PRODUCE
from lab.wait import wait_until
from lab.workloads.log import WorkloadLog

SAFE: Mapping[str, Setting] = {"acks": "all", "enable.idempotence": True}


class Load:
    """Produces ``count`` records to ``topic`` in a thread of its own, inside the ``with`` block.

    ``prefix`` makes values unique: "<prefix>-17". ``per_second`` is the pace while nothing breaks.
    """

    def __init__(
        self,
        connection: Mapping[str, Setting],
        topic: str,
        log: WorkloadLog,
        *,
        count: int,
        per_second: float,
        prefix: str,
        actor: str = "producer",
    ) -> None:
        self._topic = topic
        self._log = log
        self._count = count
        self._pace = 1.0 / per_second
        self._prefix = prefix
        self._actor = actor
        self._answered = 0
        self.acknowledged = 0
        self._failure: BaseException | None = None
        self._stop = threading.Event()
        with border("create a producer"):
            self._producer = Producer(
                {
                    "linger.ms": 2,
                    "message.timeout.ms": 120_000,
                    "topic.metadata.refresh.interval.ms": 1_000,
                    "socket.timeout.ms": 10_000,
                    **connection,
                }
            )
        self._thread = threading.Thread(target=self._run, name=f"load-{prefix}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def ended(self) -> bool:
        """Whether every attempt has ended."""
        return self._answered >= self._count

    def wait_for(self, acknowledged: int, *, timeout_seconds: float = 120.0) -> None:
        """Wait until so many records are acknowledged. Raises ConditionTimeout, ClientError."""
        wait_until(
            f"{acknowledged} records are acknowledged",
            lambda: self.acknowledged >= acknowledged,
            timeout_seconds=timeout_seconds,
            every_seconds=0.01,
            give_up=self._raise_failure,
        )

    def finish(self, *, timeout_seconds: float = 150.0) -> None:
        """Wait until every attempt has ended. Raises ConditionTimeout, ClientError."""
        wait_until(
            f"{self._count} attempts to produce have ended",
            lambda: self.ended,
            timeout_seconds=timeout_seconds,
            give_up=self._raise_failure,
        )
        self._thread.join()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._produce_all()
        except BaseException as error:
            self._failure = error

    def _produce_all(self) -> None:
        begun = time.monotonic()
        for n in range(self._count):
            if self._stop.is_set():
                break
            value = f"{self._prefix}-{n}".encode()
            self._log.add(self._actor, INVOKE, self._topic, {"key": None, "value": value})
            self._produce(value)
            while time.monotonic() - begun < n * self._pace and not self._stop.is_set():
                self._producer.poll(0.005)
            self._producer.poll(0)
        while self._producer.flush(0.5) and not self._stop.is_set():
            pass
        self._producer.purge()
        self._producer.flush(1)

    def _produce(self, value: bytes) -> None:
        while not self._stop.is_set():
            try:
                self._producer.produce(self._topic, value, on_delivery=self._ended(value))
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def _ended(self, value: bytes) -> Callable[[KafkaError | None, Message], None]:
        def ended(error: KafkaError | None, message: Message) -> None:
            attempt: dict[str, object] = {"key": None, "value": value}
            if error is None:
                place = {"partition": message.partition(), "offset": message.offset()}
                self._log.add(self._actor, PRODUCE, self._topic, {**attempt, **place})
                self.acknowledged += 1
            else:
                problem = translate(error, f"produce to {self._topic}")
                unknown = isinstance(problem, Unreachable) or error.code() == _PURGED_IN_FLIGHT
                outcome = Outcome.UNKNOWN if unknown else Outcome.FAIL
                answer = {**attempt, "error": problem}
                self._log.add(self._actor, PRODUCE, self._topic, answer, outcome)
            self._answered += 1

        return ended


_PURGED_IN_FLIGHT = KafkaError._PURGE_INFLIGHT


def longest_silence(entries: Sequence[Entry]) -> float:
    """The longest time between two acknowledgements, in seconds: the time without a leader."""
    times = sorted(e.seq for e in entries if e.action == PRODUCE and e.outcome is Outcome.OK)
    gaps = (after - before for before, after in pairwise(times))
    return round(max(gaps, default=0) / 1e9, 2)
