"""The one type of the values of a constructor such as ``ARRAY[…]``.

Numbers widen, structs are merged, and literals adapt: numbers to text, text to what it can be read
as. Columns of different types do not mix.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal as Exact

from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import Array, Base, Map, SqlType, Struct, array, map_of, struct, widest

_LITERALS = (ast.Integer, ast.Exact, ast.Inexact, ast.Boolean)

_READERS: dict[Base, Callable[[str], object]] = {
    Base.INTEGER: int,
    Base.BIGINT: int,
    Base.DOUBLE: float,
    Base.DECIMAL: Exact,
    Base.DATE: datetime.date.fromisoformat,
    Base.TIME: datetime.time.fromisoformat,
    Base.TIMESTAMP: datetime.datetime.fromisoformat,
}


def common_type(values: Sequence[tuple[ast.Expression, SqlType | None]], what: str) -> SqlType:
    """The type that all values are cast to; NULLs have none.

    Raises:
        StatementError: there is none, or only NULLs.
    """
    found: SqlType | None = None
    for node, type_ in values:
        if type_ is not None:
            found = type_ if found is None else adapted(found, node, type_)
    if found is None:
        raise StatementError(f"Cannot construct a {what.lower()} with all NULL values")
    return found


def adapted(found: SqlType, node: ast.Expression, type_: SqlType) -> SqlType:
    """The common type of the values so far and one more.

    Raises:
        StatementError: there is none.
    """
    merged = _merged(found, type_)
    if merged is not None:
        return merged
    if found.base is Base.STRING and isinstance(node, _LITERALS):
        return found
    if isinstance(node, ast.Text) and not found.parts():
        _check_reads(node.value, found)
        return found
    raise StatementError(
        f"operator does not exist: {found} = {type_} ({text_of(node)})\n"
        "Hint: You might need to add explicit type casts."
    )


def _merged(left: SqlType, right: SqlType) -> SqlType | None:
    if left == right:
        return left
    if left.is_numeric and right.is_numeric:
        return widest(left, right)
    if isinstance(left, Array) and isinstance(right, Array):
        item = _merged(left.item, right.item)
        return None if item is None else array(item)
    if isinstance(left, Map) and isinstance(right, Map):
        key, value = _merged(left.key, right.key), _merged(left.value, right.value)
        return None if key is None or value is None else map_of(key, value)
    if isinstance(left, Struct) and isinstance(right, Struct):
        return _merged_structs(left, right)
    return None


def _merged_structs(left: Struct, right: Struct) -> SqlType | None:
    """The members of the right one, then those that only the left one has, as recorded."""
    members: list[tuple[str, SqlType]] = []
    for field in right.fields:
        index = left.index(field.name)
        both = field.type if index is None else _merged(left.fields[index].type, field.type)
        if both is None:
            return None
        members.append((field.name, both))
    members += [(f.name, f.type) for f in left.fields if right.index(f.name) is None]
    return struct(*members)


def _check_reads(text: str, type_: SqlType) -> None:
    refusal = StatementError(f'invalid input syntax for type {type_.base.value}: "{text}".')
    if type_.base is Base.BOOLEAN:
        word = text.strip().lower()
        if not word or not any(full.startswith(word) for full in ("true", "yes", "false", "no")):
            raise refusal
        return
    reader = _READERS.get(type_.base)
    if reader is None:
        raise refusal
    try:
        reader(text)
    except (ValueError, ArithmeticError):
        raise refusal from None
