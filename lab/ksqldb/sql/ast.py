"""The AST: immutable nodes, each with the position of its first character."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Choice

from lab.ksqldb.names import ColumnName, QueryId, SourceName
from lab.ksqldb.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column of a character, both counting from one."""

    line: int
    column: int


NOWHERE = Position(0, 0)

SourceKind = Choice["STREAM", "TABLE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Any node. Positions do not take part in comparisons."""

    at: Position = field(default=NOWHERE, compare=False, repr=False)


# Expressions


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """Something with a value."""


@dataclass(frozen=True, slots=True)
class Column(Expression):
    """A reference to a column, perhaps qualified by a source's name or alias."""

    name: ColumnName
    source: SourceName | None = None


@dataclass(frozen=True, slots=True)
class Integer(Expression):
    """A whole number literal: INTEGER when it fits, BIGINT otherwise."""

    value: int


@dataclass(frozen=True, slots=True)
class Exact(Expression):
    """A DECIMAL literal, its digits as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Inexact(Expression):
    """A DOUBLE literal, written with an exponent."""

    text: str


@dataclass(frozen=True, slots=True)
class Text(Expression):
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True)
class Boolean(Expression):
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Expression):
    """NULL."""


@dataclass(frozen=True, slots=True)
class Negate(Expression):
    """Unary minus."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """``+ - * / %``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Comparison(Expression):
    """``= <> < <= > >=`` and IS [NOT] DISTINCT FROM."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """AND, OR."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """NOT."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """``value [NOT] BETWEEN low AND high``."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class In(Expression):
    """``value [NOT] IN (items)``."""

    operand: Expression
    items: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like(Expression):
    """``value [NOT] LIKE pattern [ESCAPE c]``."""

    operand: Expression
    pattern: Expression
    escape: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull(Expression):
    """``value IS [NOT] NULL``."""

    operand: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class When(Node):
    """One branch of a CASE."""

    condition: Expression
    result: Expression


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """CASE; with ``operand`` it is the simple form."""

    operand: Expression | None
    branches: tuple[When, ...]
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """``CAST(value AS type)``."""

    operand: Expression
    type: SqlType


@dataclass(frozen=True, slots=True)
class Subscript(Expression):
    """``base[index]``: an array's item, from one, or a map's value."""

    base: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Dereference(Expression):
    """``base->field``."""

    base: Expression
    member: str


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function call; COUNT(*) has ``star``."""

    name: str
    arguments: tuple[Expression, ...]
    star: bool = False


@dataclass(frozen=True, slots=True)
class Lambda(Expression):
    """``x => body`` or ``(x, y) => body``, an argument of a call."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Variable(Expression):
    """A lambda's parameter, where its body names it."""

    name: str


@dataclass(frozen=True, slots=True)
class Unit(Expression):
    """A unit of time (``DAYS``), an argument of functions such as DATEADD."""

    name: str


@dataclass(frozen=True, slots=True)
class ArrayOf(Expression):
    """``ARRAY[items]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Expression):
    """``MAP(key := value, …)``."""

    entries: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class StructOf(Expression):
    """``STRUCT(name := value, …)``."""

    members: tuple[tuple[str, Expression], ...]


# Queries


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


TIME_UNITS = {
    "MILLISECONDS": 1,
    "SECONDS": 1000,
    "MINUTES": 60_000,
    "HOURS": 3_600_000,
    "DAYS": 86_400_000,
}
"""Units of spans in milliseconds; SQL has the singular forms too."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as written: ``10 SECONDS``."""

    amount: int
    unit: str

    @property
    def ms(self) -> int:
        """In milliseconds."""
        return self.amount * TIME_UNITS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


JoinKind = Choice["INNER", "LEFT", "RIGHT", "FULL"]


@dataclass(frozen=True, slots=True)
class Within:
    """A WITHIN clause; without ``after`` it reaches as far after as before."""

    before: Span
    after: Span | None = None
    grace: Span | None = None


@dataclass(frozen=True, slots=True)
class Join(Node):
    """A join with one more source."""

    kind: JoinKind
    right: From
    within: Within | None
    criteria: Expression


@dataclass(frozen=True, slots=True)
class Window(Node):
    """A WINDOW clause as written."""

    kind: str
    text: str


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
