"""SQL types, and how they are written.

``str(type)`` is the text that ksqlDB's REST answers use (``INTEGER``, ``STRING``,
``DECIMAL(10, 2)``, ``STRUCT<`A` INTEGER>``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.ksqldb.sql.identifiers import quote


class Base(Enum):
    """The kinds of type."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    BYTES = "BYTES"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    ARRAY = "ARRAY"
    MAP = "MAP"
    STRUCT = "STRUCT"


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type; the subclasses hold what the structured ones need."""

    base: Base

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic is defined on it."""
        return self.base in NUMERIC_ORDER

    def __str__(self) -> str:
        return self.base.value

    def parts(self) -> tuple[SqlType, ...]:
        """The types it is made of."""
        return ()


@dataclass(frozen=True, slots=True)
class Decimal(SqlType):
    """An exact number of ``precision`` digits, ``scale`` of them after the point."""

    precision: int
    scale: int

    def __str__(self) -> str:
        return f"DECIMAL({self.precision}, {self.scale})"


@dataclass(frozen=True, slots=True)
class Array(SqlType):
    """A list of ``item``."""

    item: SqlType

    def __str__(self) -> str:
        return f"ARRAY<{self.item}>"

    def parts(self) -> tuple[SqlType, ...]:
        """The item type."""
        return (self.item,)


@dataclass(frozen=True, slots=True)
class Map(SqlType):
    """A map from ``key`` to ``value``."""

    key: SqlType
    value: SqlType

    def __str__(self) -> str:
        return f"MAP<{self.key}, {self.value}>"

    def parts(self) -> tuple[SqlType, ...]:
        """Key type and value type."""
        return (self.key, self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct."""

    name: str
    type: SqlType


@dataclass(frozen=True, slots=True)
class Struct(SqlType):
    """Named members in order."""

    fields: tuple[Field, ...]

    def __str__(self) -> str:
        inner = ", ".join(f"{quote(f.name)} {f.type}" for f in self.fields)
        return f"STRUCT<{inner or ' '}>"

    def parts(self) -> tuple[SqlType, ...]:
        """The members' types."""
        return tuple(f.type for f in self.fields)

    def index(self, name: str) -> int | None:
        """Where the member is, or None."""
        return next((i for i, f in enumerate(self.fields) if f.name == name), None)


BOOLEAN = SqlType(Base.BOOLEAN)
INTEGER = SqlType(Base.INTEGER)
BIGINT = SqlType(Base.BIGINT)
DOUBLE = SqlType(Base.DOUBLE)
STRING = SqlType(Base.STRING)
BYTES = SqlType(Base.BYTES)
DATE = SqlType(Base.DATE)
TIME = SqlType(Base.TIME)
TIMESTAMP = SqlType(Base.TIMESTAMP)

NUMERIC_ORDER = (Base.INTEGER, Base.BIGINT, Base.DECIMAL, Base.DOUBLE)
"""Implicit casts among numbers go from left to right."""

MAX_PRECISION = 38

PRIMITIVES = {
    "BOOLEAN": BOOLEAN,
    "INT": INTEGER,
    "INTEGER": INTEGER,
    "BIGINT": BIGINT,
    "DOUBLE": DOUBLE,
    "STRING": STRING,
    "VARCHAR": STRING,
    "BYTES": BYTES,
    "DATE": DATE,
    "TIME": TIME,
    "TIMESTAMP": TIMESTAMP,
}


def decimal(precision: int, scale: int) -> Decimal:
    """A DECIMAL type.

    Raises:
        ValueError: precision below 1, scale below 0 or above the precision.
    """
    if precision < 1:
        raise ValueError(f"DECIMAL precision must be >= 1: DECIMAL({precision},{scale})")
    if scale < 0:
        raise ValueError(f"DECIMAL scale must be >= 0: DECIMAL({precision},{scale})")
    if scale > precision:
        raise ValueError(f"DECIMAL precision must be >= scale: DECIMAL({precision},{scale})")
    return Decimal(Base.DECIMAL, precision, scale)


def array(item: SqlType) -> Array:
    """An ARRAY type."""
    return Array(Base.ARRAY, item)


def map_of(key: SqlType, value: SqlType) -> Map:
    """A MAP type."""
    return Map(Base.MAP, key, value)


def struct(*fields: tuple[str, SqlType]) -> Struct:
    """A STRUCT type of (name, type) pairs."""
    return Struct(Base.STRUCT, tuple(Field(name, type_) for name, type_ in fields))


def as_decimal(type_: SqlType) -> Decimal:
    """The DECIMAL that holds every value of an exact number type."""
    if isinstance(type_, Decimal):
        return type_
    if type_.base is Base.INTEGER:
        return decimal(10, 0)
    if type_.base is Base.BIGINT:
        return decimal(19, 0)
    raise ValueError(f"no exact number: {type_}")


def widest(left: SqlType, right: SqlType) -> SqlType:
    """The number type that holds the values of both."""
    for base in (Base.DOUBLE, Base.DECIMAL, Base.BIGINT):
        if base not in {left.base, right.base}:
            continue
        if base is Base.DECIMAL:
            a, b = as_decimal(left), as_decimal(right)
            scale = max(a.scale, b.scale)
            return decimal(max(a.precision - a.scale, b.precision - b.scale) + scale, scale)
        return DOUBLE if base is Base.DOUBLE else BIGINT
    return INTEGER


def contains_map(type_: SqlType) -> bool:
    """Whether the type is a map or has one inside."""
    return isinstance(type_, Map) or any(contains_map(part) for part in type_.parts())


def can_cast_implicitly(source: SqlType, target: SqlType) -> bool:
    """Whether a value of one type is taken where the other is expected."""
    if source == target:
        return True
    if source.base in NUMERIC_ORDER and target.base in NUMERIC_ORDER:
        return NUMERIC_ORDER.index(source.base) <= NUMERIC_ORDER.index(target.base)
    return False
