"""A consumer that processes records one by one, commits before or after, and may be killed.

``python -m lab.workloads.worker '{…}'``; see Options. Processing is a line in a file: it happens
outside Kafka, and a crash does not undo it. Points at which it can crash: polled, processed,
committed; which of the last two comes first is what ``commit`` says. It ends after ``until``
offsets were reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lab.clients.group import GroupMember
from lab.clients.kafka_border import connection
from lab.clients.names import GroupName
from lab.clients.records import StoredRecord
from lab.evidence.history import History
from lab.evidence.workload import FETCH
from lab.workloads.program import Crash, options


@dataclass(frozen=True)
class Options:
    """What to read, as whom; ``commit`` is "before" or "after" processing."""

    bootstrap_servers: str
    topic: str
    group: str
    commit: str
    until: int
    log: str
    run: int
    crash: dict[str, object] = field(default_factory=dict)


def main(given: Options) -> None:
    """Process until the last record, or the crash."""
    log = History(Path(given.log), test="", worker=f"run-{given.run}")
    crash = Crash(**given.crash)  # type: ignore[arg-type]  # checked by its constructor's names
    settings = connection(
        given.bootstrap_servers,
        {"auto.offset.reset": "earliest", "group.instance.id": f"{given.group}-instance"},
    )

    def process(record: StoredRecord) -> None:
        answer = {"partition": record.partition, "offset": record.offset, "value": record.value}
        log.append("step", actor="worker", action=FETCH, target=record.topic, answer=answer)
        crash.at("processed")

    with GroupMember(settings, GroupName(given.group), [given.topic]) as member:

        def commit(record: StoredRecord) -> None:
            member.commit(record.topic, record.partition, record.offset + 1)
            crash.at("committed")

        steps = (commit, process) if given.commit == "before" else (process, commit)
        while True:
            record = member.poll(1)[0]
            crash.at("polled")
            for step in steps:
                step(record)
            if record.offset + 1 >= given.until:
                return


if __name__ == "__main__":
    main(Options(**options()))  # type: ignore[arg-type]  # JSON has the fields' types
