"""K11. Whether records are seen at least once or at most once depends on when the client commits.

Set-up    a topic of twelve records, and a worker that processes each by writing a line to a file
Action    workers are killed with SIGKILL between the two steps, each time at a random record, and
          started again: one group commits after processing, another before it
Observed  the group that commits afterwards processed every record, those at the crashes twice; the
          group that commits beforehand processed none twice, and those at the crashes never
Control   the same worker without a crash, either way: every record exactly once
Limits    a commit after each record, synchronous; processing is not undone by a crash (what K13
          does about that needs the result to be in Kafka)
"""

from __future__ import annotations

from collections import Counter

from lab.clients.kafka import KafkaClient
from lab.clients.names import GroupName, TopicName
from lab.evidence import claim
from lab.evidence.history import read_history
from lab.evidence.names import GroupFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.workload import FETCH, produce
from lab.workloads import worker
from lab.workloads.program import KILLED, Program

RECORDS = 12


@claim("K11")
def test_delivery_depends_on_when_the_client_commits(
    kafka: KafkaClient,
    topic: TopicFactory,
    group: GroupFactory,
    evidence: Evidence,
    scale: Scale,
) -> None:
    # Set-up
    orders = topic("orders")
    for n in range(RECORDS):
        produce(evidence, kafka, orders, f"order {n}".encode())
    chance = scale.chance("K11")
    crashes = min(scale.crashes, RECORDS - 1) // 2 or 1
    crash_at = sorted(chance.sample(range(RECORDS - 1), crashes))
    evidence.record("experiment", "choose where to crash", orders, answer=crash_at)

    # Action
    work = Work(kafka, orders, evidence)
    after = work.done_by(group("commits-after"), commit="after", crash_at=crash_at)
    before = work.done_by(group("commits-before"), commit="before", crash_at=crash_at)

    # Observed
    evidence.observe(
        "how often each record was processed by the group that commits afterwards",
        after,
        expected={n: 2 if n in crash_at else 1 for n in range(RECORDS)},
        says=f"commit after processing: the records at {crashes} crashes were processed twice,"
        " none was left out (at least once)",
    )
    evidence.observe(
        "how often each record was processed by the group that commits beforehand",
        before,
        expected={n: 1 for n in range(RECORDS) if n not in crash_at},
        says=f"commit before processing: the records at {crashes} crashes were never processed,"
        " none was twice (at most once)",
    )

    # Control
    for commit in ("after", "before"):
        evidence.control(
            f"how often each record was processed without a crash, commit {commit}",
            work.done_by(group(f"no-crash-{commit}"), commit=commit, crash_at=[]),
            expected=dict.fromkeys(range(RECORDS), 1),
            says="without a crash, either way: each record once",
        )


class Work:
    """Runs workers on one topic until they have come to its end."""

    def __init__(self, kafka: KafkaClient, topic: TopicName, evidence: Evidence) -> None:
        self._kafka = kafka
        self._topic = topic
        self._evidence = evidence

    def done_by(self, group: GroupName, *, commit: str, crash_at: list[int]) -> dict[int, int]:
        """How often each offset was processed, with a crash between the steps at some of them."""
        log = self._evidence.folder / f"{group}.jsonl"
        reached = 0
        point = "committed" if commit == "before" else "processed"
        for run, offset in enumerate([*crash_at, None]):
            # The record at the last crash comes again where it was not committed.
            first = max(reached - 1, 0) if commit == "after" and run else reached
            crash = {} if offset is None else {"point": point, "nth": offset - first + 1}
            options = worker.Options(
                self._kafka.bootstrap_servers,
                self._topic,
                group,
                commit,
                RECORDS,
                str(log),
                run,
                crash,
            )
            with Program(worker.__name__, vars(options), errors=log.with_suffix(".err")) as program:
                program.must_end_with(0 if offset is None else KILLED)
            self._evidence.record(
                group, "ended" if offset is None else "kill -9", self._topic, answer=crash
            )
            reached = reached if offset is None else offset + 1
        steps = [entry for entry in read_history(log) if entry.action == FETCH]
        for step in steps:
            self._evidence.record(group, "process", self._topic, answer=step.answer)
        offsets = [s.answer["offset"] for s in steps if isinstance(s.answer, dict)]
        return dict(sorted(Counter(map(int, offsets)).items()))
