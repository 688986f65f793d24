"""Queries of the table on a running platform: sources, start, what is seen of them, end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from lab.clients.errors import KsqlRefused, UnknownGroup, UnknownTopic
from lab.clients.kafka import GroupDescription, KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import GroupName, QueryId, SourceName, TopicName
from lab.errors import ConditionTimeout
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import produce
from lab.wait import wait_until
from lab.workloads.queries.table import (
    SourceSpec,
    Statement,
    internal_prefix,
    is_moving,
    load,
    masked,
    rows_of,
)

AS_KAFKA_STREAMS = {"partitioner": "murmur2_random"}
"""Partitions by key as Java's clients do; librdkafka's own default is another hash."""

_HOUR_MS = 3_600_000
_PATIENCE_SECONDS = 120.0
"""How long a query's own topics may take to go: servers remove them in the background."""


@dataclass(frozen=True)
class TopicSeen:
    """A topic as the broker describes it; ``retention_ms`` -1 is for ever."""

    name: TopicName
    partitions: int
    policy: str
    retention_ms: int


@dataclass(frozen=True)
class Query:
    """A persistent query that was started from the table."""

    statement: Statement
    id: QueryId
    sink: SourceName
    prefix: str

    @property
    def group(self) -> GroupName:
        """Its consumer group, by the pattern that the claims are about."""
        return GroupName(self.prefix.removesuffix("-"))


@dataclass(frozen=True)
class Seen:
    """What stood on the broker for a query at one moment; ``group`` is None when there is none.

    ``internal`` are the topics under the query's own prefix, by their names without it, with
    numbers masked.
    """

    sink: TopicSeen | None
    internal: Mapping[str, TopicSeen]
    group: GroupDescription | None

    @property
    def group_state(self) -> str:
        """The group's state as the coordinator has it; "gone" for a group that is not."""
        return "gone" if self.group is None else self.group.state

    @property
    def topics(self) -> tuple[TopicSeen, ...]:
        """The sink and the internal topics, those that are there."""
        return (*(() if self.sink is None else (self.sink,)), *self.internal.values())

    @property
    def moving(self) -> list[str]:
        """The internal topics through which records change partitions."""
        return [name for name in self.internal if is_moving(name)]

    @property
    def remembering(self) -> list[str]:
        """The internal topics that keep state: changelogs."""
        return [name for name in self.internal if not is_moving(name)]

    @property
    def policies(self) -> dict[str, str]:
        """The clean-up policy of each internal topic."""
        return {name: topic.policy for name, topic in self.internal.items()}

    @property
    def counts(self) -> dict[str, int]:
        """The number of partitions of each internal topic."""
        return {name: topic.partitions for name, topic in self.internal.items()}


@dataclass
class Queries:
    """Queries of one experiment, over sources with ``partitions`` partitions each.

    Everything that is done is recorded. Sources and sinks have unique names, and go when the
    experiment is over.
    """

    kafka: KafkaClient
    ksqldb: KsqlClient
    topic: TopicFactory
    source_name: SourceFactory
    evidence: Evidence
    partitions: int = 3
    topics: dict[str, TopicName] = field(default_factory=dict)
    sources: dict[str, SourceName] = field(default_factory=dict)

    def prepare(self, statements: Iterable[Statement]) -> None:
        """Make the sources that the statements read, tables first, with their records.

        Record times lie in the last full hour, a table's before a stream's, so that joins find a
        table's rows in place and windows are the same in every run.
        """
        begin_ms = int(time.time() * 1000) // _HOUR_MS * _HOUR_MS - _HOUR_MS
        for spec in load().read_by(statements):
            if spec.name not in self.topics:
                self.declare(spec, begin_ms + (1_000 if spec.kind == "STREAM" else 0))

    def declare(self, spec: SourceSpec, begin_ms: int = 0) -> None:
        """Make one source: topic, records, stream or table."""
        name = f"{spec.name}_{self.partitions}"
        topic = self.topic(name, partitions=self.partitions)
        for number, (key, value) in enumerate(spec.records):
            produce(
                self.evidence,
                self.kafka,
                topic,
                value,
                key=key,
                timestamp_ms=begin_ms + number,
                config=AS_KAFKA_STREAMS,
            )
        self.topics[spec.name], self.sources[spec.name] = topic, self.source_name(name)
        self.execute(
            f"CREATE {spec.kind} {self.sources[spec.name]} ({spec.columns})"
            f" WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
        )

    def execute(self, statement: str) -> None:
        """Run a statement that starts no query."""
        self.evidence.act("user", statement, "ksqldb", lambda: self.ksqldb.execute(statement))

    def refusal(self, statement: str) -> KsqlRefused | None:
        """Run a statement that may be refused; how it was, or None if it was accepted."""
        try:
            self.execute(statement)
        except KsqlRefused as refused:
            return refused
        return None

    @cached_property
    def service(self) -> str:
        """The service id, from /info."""
        return self.evidence.act("user", "GET /info", "ksqldb", self.ksqldb.info).service_id

    def sink_of(self, statement: Statement, mark: str = "") -> SourceName:
        """A unique name for the sink; ``mark`` tells several of one statement apart."""
        return self.source_name(f"{statement.name}{mark}_out_{self.partitions}")

    def start(
        self,
        statement: Statement,
        *settings: str,
        mark: str = "",
        sources: Mapping[str, str] | None = None,
    ) -> Query:
        """Run the statement, with further settings of the sink, and do not wait for its query.

        ``sources`` are read instead of this run's own.
        """
        sink = self.sink_of(statement, mark)
        text = statement.text(sink, self.sources if sources is None else sources, *settings)
        query = self.evidence.act("user", text, sink, lambda: self.ksqldb.start_query(text))
        return Query(statement, query, sink, internal_prefix(self.service, query))

    def wait_written(self, queries: Iterable[Query]) -> None:
        """Wait until each query has written to its sink. Raises ConditionTimeout."""
        for query in queries:
            self._wait_written(query)

    def _wait_written(self, query: Query) -> None:
        def written() -> bool:
            try:
                return any(self.kafka.end_offsets(query.sink).values())
            except UnknownTopic:
                return False

        wait_until(f"{query.id} has written", written, timeout_seconds=90, every_seconds=0.1)

    def rows(self, query: Query, wanted: list[tuple[str, object]]) -> list[tuple[str, object]]:
        """The sink's rows as soon as they are the wanted ones, or after a minute what is there."""
        found: list[tuple[str, object]] = []

        def complete() -> bool:
            records = self.kafka.read_all(query.sink, committed=True)
            found[:] = rows_of(query.statement, [(r.key, r.value) for r in records])
            return found == wanted

        with suppress(ConditionTimeout):  # the caller compares, and records the comparison
            wait_until(f"rows of {query.sink}", complete, timeout_seconds=60, every_seconds=0.2)
        self.evidence.record("reader", "read the sink", query.sink, answer=found)
        return found

    def seen(self, query: Query, when: str) -> Seen:
        """What stands on the broker for the query now; recorded under the words ``when``."""
        return self.evidence.act("broker", f"describe {when}", query.id, lambda: self.look(query))

    def look(self, query: Query) -> Seen:
        """What stands on the broker for the query now, not recorded."""
        names = self.kafka.topics()
        internal = {
            masked(name.removeprefix(query.prefix)): found
            for name in sorted(names)
            if name.startswith(query.prefix) and (found := self._topic(name)) is not None
        }
        sink = TopicName(query.sink)
        return Seen(self._topic(sink) if sink in names else None, internal, self._group(query))

    def _topic(self, name: TopicName) -> TopicSeen | None:
        """The topic, or None if it went since it was listed: ksqlDB deletes after its answer."""
        try:
            config = self.kafka.topic_config(name)
            partitions = self.kafka.describe_topic(name).partitions
        except UnknownTopic:
            return None
        return TopicSeen(
            name,
            partitions,
            ",".join(sorted(config["cleanup.policy"].split(","))),
            int(config["retention.ms"]),
        )

    def _group(self, query: Query) -> GroupDescription | None:
        if query.group not in self.kafka.groups():
            return None
        try:
            return self.kafka.describe_group(query.group)
        except UnknownGroup:
            return None

    def terminate(self, query: Query) -> None:
        """TERMINATE the query."""
        self.execute(f"TERMINATE {query.id};")

    def drop(self, query: Query, *, delete_topic: bool) -> None:
        """DROP the sink's stream or table, with its topic or without; the query ends with it."""
        ending = " DELETE TOPIC" if delete_topic else ""
        self.execute(f"DROP {query.statement.kind} {query.sink}{ending};")

    def wait_cleaned(self, queries: Iterable[Query]) -> bool:
        """Wait until no query has an internal topic or an active group; whether that came about."""
        listed = list(queries)
        prefixes = tuple(query.prefix for query in listed)

        def cleaned() -> bool:
            if any(name.startswith(prefixes) for name in self.kafka.topics()):
                return False
            groups = self.kafka.groups()
            return all(q.group not in groups or self.is_idle(q) for q in listed)

        return came_about("the queries' topics and groups are gone", cleaned)

    def wait_without_sinks(self, queries: Iterable[Query]) -> bool:
        """Wait until no query has a sink topic; whether that came about."""
        sinks = {query.sink for query in queries}
        return came_about("the sinks are gone", lambda: sinks.isdisjoint(self.kafka.topics()))

    def is_idle(self, query: Query) -> bool:
        """Whether the query's group has no member."""
        try:
            return not self.kafka.describe_group(query.group).members
        except UnknownGroup:
            return True

    def wait_committed(self, query: Query) -> bool:
        """Wait until the group has committed all of the query's sources; whether it came about."""
        ends = {
            (self.topics[name], partition): end
            for name in query.statement.sources
            for partition, end in self.kafka.end_offsets(self.topics[name]).items()
            if end
        }

        def done() -> bool:
            committed = self.kafka.committed(query.group)
            return all(
                place in committed and committed[place].offset >= end for place, end in ends.items()
            )

        came = came_about(f"{query.group} has committed the ends of its sources", done)
        self.evidence.record(
            "broker", "committed offsets", query.group, answer=self.kafka.committed(query.group)
        )
        return came


def came_about(condition: str, probe: Callable[[], bool]) -> bool:
    """Wait for what servers and brokers do in the background; whether it came about."""
    try:
        return wait_until(condition, probe, timeout_seconds=_PATIENCE_SECONDS, every_seconds=0.2)
    except ConditionTimeout:
        return False
