"""A transactional producer that writes to several partitions at once and may be killed.

``python -m lab.workloads.transactions '{…}'``; see Options. Every third transaction is aborted on
purpose. Points at which it can crash: begun, produced, flushed, ending (commit or abort is under
way), ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException, Producer

from lab.clients.kafka_border import connection
from lab.evidence.history import History
from lab.evidence.model import Outcome
from lab.evidence.workload import ABORT, COMMIT, INVOKE
from lab.workloads.program import Crash, options

POINTS = ("begun", "produced", "flushed", "ending", "ended")
ABORTED_EVERY = 3


@dataclass(frozen=True)
class Options:
    """Where to, as whom, how many transactions, and where to crash."""

    bootstrap_servers: str
    targets: Sequence[tuple[str, int]]
    transactional_id: str
    run: int
    transactions: int
    log: str
    crash: dict[str, object] = field(default_factory=dict)


class Run:
    """One instance of the producer."""

    def __init__(self, given: Options) -> None:
        self._given = given
        self._log = History(Path(given.log), test="", worker=f"run-{given.run}")
        self._crash = Crash(**given.crash)  # type: ignore[arg-type]  # checked by the names
        self._producer = Producer(
            connection(given.bootstrap_servers, {"transactional.id": given.transactional_id})
        )
        self._producer.init_transactions(60)

    def transaction(self, name: str, *, abort: bool) -> None:
        """Write one record to every target; then commit or abort. Raises KafkaException."""
        self._producer.begin_transaction()
        self._crash.at("begun")
        for topic, partition in self._given.targets:
            value = f"{name}-{topic}-{partition}".encode()
            answer = {"key": None, "value": value, "transaction": name}
            self._note(INVOKE, topic, answer)
            self._producer.produce(topic, value, partition=partition)
        self._crash.at("produced")
        self._producer.flush(30)
        self._crash.at("flushed")
        action = ABORT if abort else COMMIT
        self._crash.at("ending")
        try:
            (self._producer.abort_transaction if abort else self._producer.commit_transaction)(60)
        except KafkaException as error:
            self._note(action, name, error, Outcome.UNKNOWN)
            raise
        self._note(action, name)
        self._crash.at("ended")

    def _note(
        self, action: str, target: str, answer: object = None, outcome: Outcome = Outcome.OK
    ) -> None:
        self._log.append(
            "step", actor="producer", action=action, target=target, outcome=outcome, answer=answer
        )


def main(given: Options) -> None:
    """Do the transactions; ends by itself after the last one, or at the crash."""
    run = Run(given)
    for n in range(1, given.transactions + 1):
        run.transaction(f"{given.run}.{n}", abort=n % ABORTED_EVERY == 0)


if __name__ == "__main__":
    main(Options(**options()))  # type: ignore[arg-type]  # JSON has the fields' types
