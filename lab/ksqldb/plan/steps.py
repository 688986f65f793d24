"""Execution plans: immutable steps, each with the schema of the rows it gives.

Expressions are kept as SQL text over the columns of the step before. ``context`` names the step
in topologies, store and topic names and log records, as ksqlDB names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.ksqldb.analysis.windows import Windowing
from lab.ksqldb.catalog import Format, HeaderColumn, Schema, Source, Timestamp, WindowInfo
from lab.ksqldb.names import ColumnName, QueryId, SourceName, TopicName
from lab.ksqldb.sql.ast import JoinKind
from lab.ksqldb.sql.types import SqlType

PLAN_VERSION = 2


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
    window: WindowInfo | None = None
    headers: tuple[HeaderColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class TableSource:
    """Reads a table's topic into a store, with the partition and offset, then as StreamSource.

    Unless it is ``cached`` every change goes on by itself, at once.
    """

    context: str
    topic: TopicName
    formats: Formats
    timestamp: Timestamp | None
    record: Schema
    schema: Schema
    store: str
    store_formats: Formats
    window: WindowInfo | None = None
    cached: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps the rows for which ``where`` is true."""

    source: Step
    context: str
    where: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Select:
    """Computes the value columns; the key stays, though its columns may get other names.

    A table's rows are kept in ``store`` if that is given, so that they can be queried;
    ``formats`` is for the store, or for a step that will write the rows.
    """

    source: Step
    context: str
    items: tuple[Named, ...]
    schema: Schema
    store: str | None = None
    formats: Formats | None = None


@dataclass(frozen=True, slots=True)
class SelectKey:
    """Gives a stream's rows another key; key columns that are no columns yet are appended.

    Without ``keys`` the rows have no key. A table keeps its key: it goes through a topic of the
    given ``formats``, so that its keys get another format.
    """

    source: Step
    context: str
    keys: tuple[Named, ...]
    schema: Schema
    formats: Formats | None = None


@dataclass(frozen=True, slots=True)
class StreamStreamJoin:
    """Joins rows of equal keys whose times are near; the formats are those of stores and topics.

    Times are in ms. Without ``grace_ms`` rows of outer joins are given at once, and once more when
    a match comes. One more column than both sides have is the key. Keys have their windows if both
    sides' have.
    """

    left: Step
    right: Step
    context: str
    kind: JoinKind
    before_ms: int
    after_ms: int
    grace_ms: int | None
    left_formats: Formats
    right_formats: Formats
    schema: Schema
    window: WindowInfo | None = None


@dataclass(frozen=True, slots=True)
class StreamTableJoin:
    """Looks each row of a stream up in a table."""

    left: Step
    right: Step
    context: str
    kind: JoinKind
    formats: Formats
    schema: Schema
    window: WindowInfo | None = None


@dataclass(frozen=True, slots=True)
class TableTableJoin:
    """Joins tables on their keys; one more column than both sides have is the key."""

    left: Step
    right: Step
    context: str
    kind: JoinKind
    schema: Schema


@dataclass(frozen=True, slots=True)
class ForeignKeyJoin:
    """Joins a table with the one whose key an expression over its rows gives."""

    left: Step
    right: Step
    context: str
    kind: JoinKind
    foreign_key: str
    formats: Formats
    schema: Schema


@dataclass(frozen=True, slots=True)
class FlatMap:
    """Calls table functions (each with one argument): a row becomes as many as they give.

    Their results are the last columns, one per call.
    """

    source: Step
    context: str
    calls: tuple[str, ...]
    schema: Schema


@dataclass(frozen=True, slots=True)
class GroupBy:
    """Groups a stream by its key itself, or a stream or a table by expressions through a
    repartition topic."""

    source: Step
    context: str
    by_key: bool
    keys: tuple[Named, ...]
    formats: Formats
    schema: Schema


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate over columns of the grouped rows; ``constants`` are literals as SQL text."""

    function: str
    columns: tuple[ColumnName, ...]
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Keeps, per group, the latest of the grouped columns and one state per aggregate.

    With a window it does so per group and window, and the window's bounds are its last columns.
    """

    source: GroupBy
    context: str
    calls: tuple[AggregateCall, ...]
    formats: Formats
    schema: Schema
    window: Windowing | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """Writes to the sink's topic, with the time of a column where one is named."""

    source: Step
    context: str
    topic: TopicName
    formats: Formats
    schema: Schema
    window: WindowInfo | None = None
    timestamp: Timestamp | None = None


Join = StreamStreamJoin | StreamTableJoin | TableTableJoin | ForeignKeyJoin

Rekeying = SelectKey | GroupBy

Step = StreamSource | TableSource | Filter | Select | FlatMap | Rekeying | Join | Aggregate | Sink


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
    terminate_cluster: tuple[str, ...] | None = None
    """The cluster ends; sinks' topics whose names match one of these patterns are deleted."""


def inputs(step: Step) -> tuple[Step, ...]:
    """The steps whose rows a step takes: none for a source, left and right for a join."""
    match step:
        case StreamSource() | TableSource():
            return ()
        case StreamStreamJoin() | StreamTableJoin() | TableTableJoin() | ForeignKeyJoin():
            return (step.left, step.right)
    return (step.source,)


def walk(step: Step) -> Iterator[Step]:
    """The step and all before it, each after those that take its rows."""
    yield step
    for before in inputs(step):
        yield from walk(before)


def topics(step: Step) -> tuple[TopicName, ...]:
    """The topics that the sources before a step read, from left to right."""
    return tuple(s.topic for s in walk(step) if isinstance(s, StreamSource | TableSource))
