"""The AST of expressions: immutable nodes, each with the position of its first character."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column of a character, both counting from one."""

    line: int
    column: int


NOWHERE = Position(0, 0)


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
