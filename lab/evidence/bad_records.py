"""Bad records between good ones, and what became of each: rows, entries in the processing log.

What follows is put together from the records of the topics and of the log; nothing here asks the
server.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.clients.kafka import KafkaClient
from lab.clients.names import QueryId, SourceName, TopicName
from lab.clients.tail import Arrival, Tail
from lab.errors import ConditionTimeout
from lab.evidence.encoding import cut
from lab.evidence.model import Finding
from lab.evidence.processing_log import LogEntry, each_reported, entry, is_written
from lab.evidence.recorder import Evidence
from lab.evidence.tables import Cell
from lab.evidence.ways import record_arrival
from lab.evidence.workload import PRODUCE

Row = tuple[object, object]


@dataclass(frozen=True)
class Case:
    """A record that is bad in some way. ``unreadable`` is its part that cannot be read, if any.

    ``row`` is what a stream's query makes of it: key and number; None for nothing.
    """

    what: str
    key: bytes | None
    value: bytes | None
    unreadable: str = ""
    row: Row | None = None

    @property
    def bytes_of_it(self) -> bytes:
        """The bytes that cannot be read."""
        return (self.key if self.unreadable == "key" else self.value) or b""


@dataclass
class Copied:
    """A topic with its bad records and the query that copies its stream.

    ``key`` and ``value`` make the parts of a good record; ``read`` reads a key of the sink.
    """

    title: str
    topic: TopicName
    cases: tuple[Case, ...]
    key: Callable[[int], bytes]
    value: Callable[[int], bytes]
    read: Callable[[bytes], object]
    sink: SourceName
    query: QueryId

    def expected(self) -> list[Row]:
        """The rows: the first good record's, then for each case its own and the next one's."""
        rows: list[Row] = [(self.read(self.key(0)), 0)]
        for n, case in enumerate(self.cases, 1):
            rows += [case.row] if case.row else []
            rows.append((self.read(self.key(100 + n)), n))
        return rows

    def seen(self, came: Sequence[Arrival]) -> list[Row]:
        """The rows that came to the sink."""
        records = [each.record for each in came if str(each.record.topic) == self.sink]
        return [
            (None if r.key is None else self.read(r.key), json.loads(r.value or b"{}").get("A"))
            for r in records
        ]


def in_the_log(
    evidence: Evidence,
    kafka: KafkaClient,
    log: TopicName | None,
    tail: Tail,
    *,
    about: Sequence[Copied],
    queries: Sequence[QueryId],
) -> list[tuple[Arrival, LogEntry]] | None:
    """The entries about these queries' topics; None where nothing is written to a log."""
    if log is None:
        evidence.limit("this server has no stream KSQL_PROCESSING_LOG")
        return None
    wanted = sum(bool(case.unreadable) for each in about for case in each.cases)

    def found(came: Sequence[Arrival]) -> list[tuple[Arrival, LogEntry]]:
        told = [(each, entry(each.record)) for each in came if each.record.topic == log]
        return [
            (each, said)
            for each, said in told
            if said is not None and any(query in said.logger for query in queries)
        ]

    try:
        tail.until(
            f"{wanted} entries in the processing log",
            lambda came: len(found(came)) >= wanted,
            timeout_seconds=15 if is_written(kafka, log) else 5,
        )
    except ConditionTimeout:
        if not is_written(kafka, log):
            evidence.limit(f"{log} is there, but this server writes nothing into it")
            return None
    return found(tail.arrivals)


def reported(
    entries: Sequence[tuple[Arrival, LogEntry]], query: QueryId, about: Copied, _history: object
) -> Finding:
    """Whether a query's entries are those of the topic's unreadable records."""
    return each_reported(
        [said for _, said in entries],
        topic=about.topic,
        query=query,
        unreadable=[(c.unreadable, c.bytes_of_it) for c in about.cases if c.unreadable],
    )


def lay_out(
    evidence: Evidence,
    copied: Copied,
    came: Sequence[Arrival],
    entries: Sequence[tuple[Arrival, LogEntry]],
) -> None:
    """What became of each record."""
    rows = dict(copied.seen(came))
    said = iter([each for _, each in entries if copied.query in each.logger])
    lines: list[list[Cell | str]] = []
    for case in copied.cases:
        told = next(said, None) if case.unreadable else None
        row = Cell("no row")
        if case.row and case.row[0] in rows:
            row = Cell(f"{case.row[0]}: {rows[case.row[0]]}".replace("None", "null"), "yes")
        why = "; ".join([told.says, *told.cause[-1:]]) if told else ""
        lines.append([case.what, repr(case.value), row, cut(why, 260)])
    evidence.table(
        f"Bad records: {copied.title}",
        ["Record", "Value", "In the stream's sink", "In the processing log"],
        lines,
        "After each of them a good record was produced, and became its row",
    )


def draw(
    evidence: Evidence,
    copied: Copied,
    came: Sequence[Arrival],
    log: TopicName | None,
    entries: Sequence[tuple[Arrival, LogEntry]],
) -> None:
    """The first record, the first bad one and the one after it."""
    said = [(at, each) for at, each in entries if copied.query in each.logger][:1]
    steps = [
        record_arrival(evidence, each, actor=actor, action=action)
        for name, actor, action, count in (
            (copied.topic, "producer", PRODUCE, 3),
            (copied.sink, "ksqldb", "write", 2),
        )
        for each in [a for a in came if a.record.topic == name][:count]
    ]
    steps += [
        evidence.record(
            "ksqldb",
            f"reports: {each.says}",
            log or "",
            answer={"topic": each.topic, "part": each.part, "at_ns": at.at_ns},
        )
        for at, each in said
    ]
    evidence.sequence(
        f"A bad record between two good ones: {copied.cases[0].what}",
        steps,
        "Times are when a waiting reader got the record",
        names={
            copied.topic: "source topic",
            copied.sink: "sink topic",
            log or "": "processing log",
        },
        lanes=["producer", "source topic", "ksqldb", "processing log", "sink topic"],
    )
