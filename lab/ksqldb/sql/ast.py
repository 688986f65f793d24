"""The AST: immutable nodes, each with the position of its first character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice

from lab.ksqldb.names import ColumnName, QueryId, SourceName
from lab.ksqldb.sql.ast_expressions import (
    NOWHERE,
    Arithmetic,
    ArrayOf,
    Between,
    Boolean,
    Call,
    Case,
    Cast,
    Column,
    Comparison,
    Dereference,
    Exact,
    Expression,
    In,
    Inexact,
    Integer,
    IsNull,
    Lambda,
    Like,
    Logical,
    MapOf,
    Negate,
    Node,
    Not,
    Null,
    Position,
    StructOf,
    Subscript,
    Text,
    Unit,
    Variable,
    When,
)
from lab.ksqldb.sql.spans import Span, Within
from lab.ksqldb.sql.types import SqlType

__all__ = [
    "NOWHERE",
    "Arithmetic",
    "ArrayOf",
    "Between",
    "Boolean",
    "Call",
    "Case",
    "Cast",
    "Column",
    "Comparison",
    "Dereference",
    "Exact",
    "Expression",
    "In",
    "Inexact",
    "Integer",
    "IsNull",
    "Lambda",
    "Like",
    "Logical",
    "MapOf",
    "Negate",
    "Node",
    "Not",
    "Null",
    "Position",
    "StructOf",
    "Subscript",
    "Text",
    "Unit",
    "Variable",
    "When",
]

SourceKind = Choice["STREAM", "TABLE"]


@dataclass(frozen=True, slots=True)
class SelectItem(Node):
    """One column of the projection."""

    expression: Expression
    alias: ColumnName | None = None


@dataclass(frozen=True, slots=True)
class SelectStar(Node):
    """``*`` or ``source.*``."""

    source: SourceName | None = None


@dataclass(frozen=True, slots=True)
class SelectStruct(Node):
    """``struct->*``: every field of a struct."""

    base: Expression


@dataclass(frozen=True, slots=True)
class From(Node):
    """A source that is read, under an alias (its own name by default)."""

    source: SourceName
    alias: SourceName


JoinKind = Choice["INNER", "LEFT", "RIGHT", "FULL"]


@dataclass(frozen=True, slots=True)
class Join(Node):
    """A join with one more source."""

    kind: JoinKind
    right: From
    within: Within | None
    criteria: Expression


WindowKind = Choice["TUMBLING", "HOPPING", "SESSION"]


@dataclass(frozen=True, slots=True)
class Window(Node):
    """A WINDOW clause; of a session ``size`` is the gap that ends it."""

    kind: WindowKind
    size: Span
    advance: Span | None = None
    retention: Span | None = None
    grace: Span | None = None


Emit = Choice["CHANGES", "FINAL"]

Selected = SelectItem | SelectStar | SelectStruct


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A SELECT. Without ``emit`` it is a pull query (or, inside CREATE … AS, EMIT CHANGES)."""

    select: tuple[Selected, ...]
    source: From
    joins: tuple[Join, ...] = ()
    window: Window | None = None
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    partition_by: tuple[Expression, ...] = ()
    having: Expression | None = None
    emit: Emit | None = None
    limit: int | None = None


# Statements


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """A whole statement."""


@dataclass(frozen=True, slots=True)
class QueryStatement(Statement):
    """A SELECT sent as a statement."""

    query: Query


ColumnRole = Choice["VALUE", "KEY", "PRIMARY KEY", "HEADERS"]


@dataclass(frozen=True, slots=True)
class ColumnDefinition(Node):
    """A column of a CREATE STREAM or CREATE TABLE."""

    name: ColumnName
    type: SqlType
    role: ColumnRole = "VALUE"
    header: str | None = None
    """The name of the one header that a HEADERS column holds."""


PropertyValue = str | int | bool | float
Properties = tuple[tuple[str, PropertyValue], ...]
"""The WITH clause: names in upper case, in the order written."""


@dataclass(frozen=True, slots=True)
class CreateSource(Statement):
    """CREATE STREAM or CREATE TABLE over a topic."""

    kind: SourceKind
    name: SourceName
    columns: tuple[ColumnDefinition, ...]
    properties: Properties
    or_replace: bool = False
    if_not_exists: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class CreateAsSelect(Statement):
    """CREATE STREAM … AS SELECT or CREATE TABLE … AS SELECT."""

    kind: SourceKind
    name: SourceName
    properties: Properties
    query: Query
    or_replace: bool = False
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class InsertValues(Statement):
    """INSERT INTO … VALUES."""

    target: SourceName
    columns: tuple[ColumnName, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class InsertSelect(Statement):
    """INSERT INTO … SELECT."""

    target: SourceName
    query: Query
    properties: Properties = ()


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """DROP STREAM or DROP TABLE."""

    kind: SourceKind
    name: SourceName
    if_exists: bool = False
    delete_topic: bool = False


@dataclass(frozen=True, slots=True)
class Terminate(Statement):
    """TERMINATE; ``query`` is None for ALL."""

    query: QueryId | None


@dataclass(frozen=True, slots=True)
class PauseResume(Statement):
    """PAUSE or RESUME; ``query`` is None for ALL."""

    resume: bool
    query: QueryId | None


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """SHOW or LIST of ``what`` (STREAMS, TABLES, TOPICS, …)."""

    what: str
    everything: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    """DESCRIBE a source."""

    name: SourceName
    extended: bool = False


@dataclass(frozen=True, slots=True)
class DescribeFunction(Statement):
    """DESCRIBE FUNCTION."""

    name: str


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    """EXPLAIN a running query or a statement."""

    query: QueryId | None
    statement: Statement | None


@dataclass(frozen=True, slots=True)
class SetProperty(Statement):
    """SET for the statements that follow in the request."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class UnsetProperty(Statement):
    """UNSET."""

    name: str


@dataclass(frozen=True, slots=True)
class DropType(Statement):
    """DROP TYPE."""

    name: str
    if_exists: bool = False
