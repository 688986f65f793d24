"""INSERT INTO … VALUES, checked against its target."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as Exact

from lab.ksqldb.analysis.typing import Typing, castable, literal_type
from lab.ksqldb.catalog import Catalog, Column, Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import (
    BIGINT,
    Array,
    Base,
    Decimal,
    Map,
    SqlType,
    Struct,
    can_cast_implicitly,
)
from lab.ksqldb.sql.walk import walk

_FROM_TEXT = frozenset({Base.STRING, Base.BYTES, Base.DATE, Base.TIME, Base.TIMESTAMP})
"""The types that a text may stand for."""

Literal = None | bool | int | float | str
"""A literal's value; DECIMALs and times are text."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that must be computed: an expression without columns, of the column's type."""

    expression: ast.Expression


Value = Literal | Computed


@dataclass(frozen=True, slots=True)
class Insertion:
    """One record: values by column in the schema's order, and its time if given."""

    source: Source
    key: tuple[Value, ...]
    value: tuple[Value, ...]
    timestamp: Value


def masked(statement: ast.InsertValues) -> str:
    """The statement without its values, as refusals show it."""
    columns = ", ".join(quote(c) for c in statement.columns)
    values = ", ".join("'[value]'" for _ in statement.values)
    return (
        f"INSERT INTO {quote(statement.target)} "
        + (f"({columns}) " if columns else "")
        + f"VALUES ({values});"
    )


def analyze_insert(statement: ast.InsertValues, catalog: Catalog, functions: Registry) -> Insertion:
    """Check an INSERT INTO … VALUES.

    Raises:
        RequestError: it is refused.
    """
    source = catalog.source(statement.target)
    if source is None:
        raise BadRequest(
            f"Cannot insert values into an unknown stream/table: {quote(statement.target)}"
        )
    if source.read_only:
        raise BadRequest(
            f"Cannot insert values into read-only {source.kind.lower()}: {source.name}"
        )
    if source.window is not None:
        raise BadRequest("Cannot insert values into windowed stream/table!")
    try:
        return _analyze(statement, source, functions)
    except StatementError as error:
        raise StatementError(
            f"Failed to insert values into '{source.name}'. {error.message}",
            statement=masked(statement),
        ) from None


def _analyze(statement: ast.InsertValues, source: Source, functions: Registry) -> Insertion:
    names = statement.columns or tuple(c.name for c in source.schema.columns)
    if len(names) != len(statement.values):
        raise StatementError(
            f"Expected a value for each column. Expected Columns: {list(names)}. "
            f"Got {len(statement.values)}"
        )
    given: dict[ColumnName, Value] = {}
    for name, node in zip(names, statement.values, strict=True):
        column = Column(name, BIGINT) if name == "ROWTIME" else source.schema.find(name)
        if any(c.name == name for c in source.headers):
            raise StatementError(f"Cannot insert into HEADER columns: {name}")
        if column is None:
            raise StatementError(f"Column name {quote(name)} does not exist.")
        if name in given:
            raise StatementError(f"Column {quote(name)} is given more than once.")
        given[name] = _value(node, column, functions)
    missing = [c.name for c in source.schema.key if given.get(c.name) is None]
    if source.is_table and missing:
        unset = [name for name in missing if name not in given]
        if unset:
            raise StatementError(
                f"Value for primary key column(s) {', '.join(unset)} is required for tables"
            )
    return Insertion(
        source,
        tuple(given.get(c.name) for c in source.schema.key),
        tuple(given.get(c.name) for c in source.schema.value),
        given.get(ColumnName("ROWTIME")),
    )


def _value(node: ast.Expression, column: Column, functions: Registry) -> Value:  # noqa: PLR0911 - one return per kind
    for found in walk(node):
        if isinstance(found, ast.Column):
            raise StatementError(f"Unsupported column reference in insert value: {text_of(found)}")
        if isinstance(found, ast.Call) and functions.find(found.name) is None:
            raise StatementError(
                f"Invalid insert value: Can't find any functions with the name '{found.name}'."
            )
    match node:
        case ast.Null():
            return None
        case ast.Boolean(value=flag):
            return _fitting(flag, column.type.base is Base.BOOLEAN, column, f"BOOLEAN({flag})")
        case ast.Integer(value=number):
            type_ = literal_type(number)
            fits = can_cast_implicitly(type_, column.type) and _digits_fit(str(number), column.type)
            return _fitting(number, fits, column, f"{type_}({number})")
        case ast.Exact(text=text):
            fits = column.type.base is Base.DOUBLE or (
                isinstance(column.type, Decimal) and _digits_fit(text, column.type)
            )
            exact = float(text) if column.type.base is Base.DOUBLE else text
            return _fitting(exact, fits, column, f"DECIMAL({text})")
        case ast.Inexact(text=text):
            fits = column.type.base is Base.DOUBLE
            return _fitting(float(text), fits, column, f"DOUBLE({float(text)})")
        case ast.Text(value=text):
            return _fitting(text, column.type.base in _FROM_TEXT, column, f"STRING({text})")
    return _computed(node, column, functions)


def _fitting(value: Literal, fits: bool, column: Column, shown: str) -> Literal:
    if not fits:
        raise mismatch(column, shown)
    return value


def mismatch(column: Column, shown: str) -> StatementError:
    """The refusal of a value of another type."""
    return StatementError(
        f"Expected type {column.type} for field {quote(column.name)} but got {shown}"
    )


def _digits_fit(text: str, target: SqlType) -> bool:
    if not isinstance(target, Decimal):
        return True
    number = Exact(text).as_tuple()
    assert isinstance(number.exponent, int)  # noqa: S101 - narrows a type
    scale = max(-number.exponent, 0)
    whole = max(len(number.digits) + number.exponent, 0)
    return scale <= target.scale and whole <= target.precision - target.scale


def _members_fit(given: SqlType, wanted: SqlType) -> bool:
    """Whether the members of a structured value may stand where others are wanted."""
    match given, wanted:
        case (Array(item=have), Array(item=want)):
            pairs = [(have, want)]
        case (Map(key=key, value=have), Map(key=wanted_key, value=want)):
            pairs = [(key, wanted_key), (have, want)]
        case (Struct(fields=fields), Struct()):
            indexes = [(f.type, wanted.index(f.name)) for f in fields]
            pairs = [(have, wanted.fields[i].type) for have, i in indexes if i is not None]
        case _:
            return False
    return all(_member_fits(*pair) for pair in pairs)


def _member_fits(given: SqlType, wanted: SqlType) -> bool:
    if given == wanted or (given.is_numeric and wanted.is_numeric):
        return True
    if given.base is Base.STRING:
        return wanted.base in _FROM_TEXT
    return _members_fit(given, wanted)


def _computed(node: ast.Expression, column: Column, functions: Registry) -> Computed:
    type_ = Typing({}, functions).of(node)
    if type_ is None or type_ == column.type:
        return Computed(node)
    both_numbers = type_.is_numeric and column.type.is_numeric
    if both_numbers and not can_cast_implicitly(type_, column.type):
        raise mismatch(column, f"{type_}")
    if (both_numbers or _members_fit(type_, column.type)) and castable(type_, column.type):
        return Computed(ast.Cast(operand=node, type=column.type))
    raise mismatch(column, f"{type_}")
