"""Follows records through queries: what is sent, what comes to which topic, which task wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import PartitionId, TopicName
from lab.clients.records import Acknowledged
from lab.clients.tail import Arrival, Tail
from lab.evidence.model import Entry
from lab.evidence.query_parts import QueryParts, tasks
from lab.evidence.recorder import Evidence
from lab.evidence.ways import record_arrival
from lab.evidence.workload import PRODUCE
from lab.wait import wait_until

SOURCE, REPARTITION, CHANGELOG, SINK = (
    "source topic",
    "repartition topic",
    "changelog topic",
    "sink topic",
)
"""What topics are called in pictures."""


@dataclass
class Followed:
    """A query with a repartition topic; ``steps`` are those of the latest record's way.

    ``through`` are the topics that every record of the source goes through. A join's changelog is
    none of them: it belongs to the other side.
    """

    title: str
    parts: QueryParts
    repartition: TopicName
    changelog: TopicName
    through: tuple[TopicName, ...]
    steps: list[Entry] = field(default_factory=list)

    @property
    def names(self) -> dict[str, str]:
        """Topic → what it is called."""
        return {
            self.repartition: REPARTITION,
            self.changelog: CHANGELOG,
            self.parts.sink: SINK,
        }

    def step(self, topic: str) -> Entry:
        """The step in which the latest record came to a topic."""
        return next(step for step in self.steps if step.target == topic)

    def lanes(self) -> list[str]:
        """The lanes of its picture, in the order of the way."""
        actors = list(dict.fromkeys(step.actor for step in self.steps))
        return ["producer", SOURCE, *actors[:1], REPARTITION, *actors[1:], CHANGELOG, SINK]


def followed(title: str, parts: QueryParts, *, updates: bool) -> Followed:
    """A query to be followed; ``updates`` says whether its records update its own store."""
    repartition, changelog = parts.only("repartition"), parts.only("changelog")
    through = (repartition, *((changelog,) if updates else ()), parts.sink)
    return Followed(title, parts, repartition, changelog, through)


@dataclass
class Follower:
    """Sends records and takes down where they go, in the queries that read ``source``."""

    kafka: KafkaClient
    ksqldb: KsqlClient
    evidence: Evidence
    source: TopicName
    tail: Tail
    queries: Sequence[Followed]

    def produce(self, topic: TopicName, key: str, value: Mapping[str, object]) -> Entry:
        """Produce a record; the step, at the time at which the reader got it.

        Those of the source go to partition 0, so that they are read in order; others where Kafka
        Streams, too, would put their keys.
        """
        sent = self.kafka.produce(
            topic,
            json.dumps(value).encode(),
            key=key.encode(),
            partition=0 if topic == self.source else None,
            config={"partitioner": "murmur2_random"},
        )
        arrival = self.tail.until(
            f"the record in {topic}",
            lambda came: next((each for each in came if is_at(each, sent)), None),
        )
        return record_arrival(self.evidence, arrival, actor="producer", action=PRODUCE)

    def send(self, key: str, value: Mapping[str, object]) -> tuple[Entry, list[Arrival]]:
        """Produce to the source and wait until the record was written everywhere.

        Returns its step, and all that came meanwhile to the topics that it goes through.
        """
        before = len(self.tail.arrivals)
        produced = self.produce(self.source, key, value)
        stamp = number(produced, "timestamp_ms")
        wanted = {topic for query in self.queries for topic in query.through}

        def everywhere(came: Sequence[Arrival]) -> bool:
            written = {a.record.topic for a in came[before:] if a.record.timestamp_ms == stamp}
            return wanted <= written

        self.tail.until(f"record {key} in every topic", everywhere)
        came = [each for each in self.tail.arrivals[before:] if each.record.topic in wanted]
        for query in self.queries:
            query.steps = [
                self._written(query, produced, each)
                for each in came
                if each.record.topic in query.names
            ]
        return produced, came

    def _written(self, query: Followed, produced: Entry, arrival: Arrival) -> Entry:
        """The step: what wrote a record is the task that reads what led there."""
        to_repartition = arrival.record.topic == query.repartition
        source = self.source if to_repartition else query.repartition
        partition = number(produced, "partition") if to_repartition else arrival.record.partition
        return record_arrival(self.evidence, arrival, actor=self.task(query, source, partition))

    def task(self, query: Followed, topic: TopicName, partition: int) -> str:
        """What the task is called that reads a partition; without number if nobody tells that."""
        name = tasks(self.ksqldb, query.parts.id).get((topic, partition), "")
        return f"ksqldb task {name}".strip() + ("" if topic == self.source else ", its store")

    def pull(self, query: Followed, sql: str) -> tuple[Entry, list[list[object]]]:
        """A pull query about the latest record's key; asked of the task that has the store."""
        place = number(query.step(query.repartition), "partition")
        rows = self.evidence.act(
            "user",
            sql,
            self.task(query, query.repartition, place),
            lambda: [list(row) for row in self.ksqldb.pull(sql)],
        )
        return self.evidence.history[-1], rows

    def wait_until_read(self, produced: Entry) -> None:
        """Wait until every query has committed a record of the source, and take that down."""
        place = (self.source, PartitionId(number(produced, "partition")))
        offset = number(produced, "offset")
        for query in self.queries:

            def read(query: Followed = query) -> bool:
                found = self.kafka.committed(query.parts.group).get(place)
                return found is not None and found.offset > offset

            wait_until(f"{query.parts.id} has committed offset {offset}", read, timeout_seconds=60)
            actor = self.task(query, *place)
            self.evidence.record(
                actor, f"commits offset {offset + 1}", self.source, answer={"query": query.title}
            )


def is_at(arrival: Arrival, sent: Acknowledged) -> bool:
    """Whether this is the record that was acknowledged."""
    record = arrival.record
    return (record.topic, record.partition, record.offset) == (
        sent.topic,
        sent.partition,
        sent.offset,
    )


def number(step: Entry, name: str) -> int:
    """A number in a step's answer. Raises KeyError."""
    found = step.answer.get(name) if isinstance(step.answer, dict) else None
    if not isinstance(found, int):
        raise KeyError(f"{step.action}: no number {name}")
    return found
