"""Execution plans: immutable steps, each with the schema of the rows it gives.

Expressions are kept as SQL text over the columns of the step before. ``context`` names the step
in topologies, store and topic names and log records, as ksqlDB names them.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.ksqldb.catalog import Format, Schema, Source, Timestamp
from lab.ksqldb.names import ColumnName, QueryId, SourceName, TopicName
from lab.ksqldb.sql.types import SqlType

PLAN_VERSION = 1


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of a topic's keys and values."""

    key: Format
    value: Format


@dataclass(frozen=True, slots=True)
class Named:
    """A column computed by an expression."""

    name: ColumnName
    expression: str


@dataclass(frozen=True, slots=True)
class StreamSource:
    """Reads a stream's topic; gives its values, the pseudo columns and the key's columns."""

    context: str
    topic: TopicName
    formats: Formats
    timestamp: Timestamp | None
    record: Schema
    schema: Schema


@dataclass(frozen=True, slots=True)
class TableSource:
    """Reads a table's topic into a store, then as StreamSource."""

    context: str
    topic: TopicName
    formats: Formats
    timestamp: Timestamp | None
    record: Schema
    schema: Schema
    store: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the rows for which ``where`` is true."""

    source: Step
    context: str
    where: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Select:
    """Computes the value columns; the key stays."""

    source: Step
    context: str
    items: tuple[Named, ...]
    schema: Schema


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Groups by the key itself, or by expressions through a repartition topic."""

    source: Step
    context: str
    by_key: bool
    keys: tuple[Named, ...]
    formats: Formats
    schema: Schema


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate over one column of the grouped rows."""

    function: str
    column: ColumnName


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Keeps, per group, the latest of the grouped columns and one state per aggregate."""

    source: GroupBy
    context: str
    calls: tuple[AggregateCall, ...]
    formats: Formats
    schema: Schema


@dataclass(frozen=True, slots=True)
class Sink:
    """Writes to the sink's topic."""

    source: Step
    context: str
    topic: TopicName
    formats: Formats
    schema: Schema


Step = StreamSource | TableSource | Filter | Select | GroupBy | Aggregate | Sink


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query: what it reads, the sink it writes (None for a push query), and its last step."""

    id: QueryId
    sources: tuple[SourceName, ...]
    sink: SourceName | None
    step: Step
    materializes: SourceName | None = None
    """The source table whose rows it keeps, for a query that does nothing else."""


@dataclass(frozen=True, slots=True)
class RegisteredType:
    """A type under a name of its own."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Command:
    """What a record of the command topic does, in this order: drop, terminate, create, start.

    A query whose id is that of a running one takes its place.
    """

    statement: str
    drop: SourceName | None = None
    terminate: tuple[QueryId, ...] = ()
    create: Source | None = None
    query: QueryPlan | None = None
    pause: tuple[QueryId, ...] = ()
    resume: tuple[QueryId, ...] = ()
    register: RegisteredType | None = None
    drop_type: str | None = None


def source_of(step: Step) -> Step | None:
    """The step before, or None for a source."""
    return None if isinstance(step, StreamSource | TableSource) else step.source


def chain(step: Step) -> list[Step]:
    """The steps from the source to this one."""
    steps: list[Step] = []
    current: Step | None = step
    while current is not None:
        steps.append(current)
        current = source_of(current)
    return steps[::-1]
