"""Java objects for rows: serdes, compiled row functions, answer writers, lookup keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import (
    PSEUDO_COLUMNS,
    Column,
    Format,
    HeaderColumn,
    Schema,
    Source,
    Timestamp,
    WindowInfo,
)
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm.body import too_large
from lab.ksqldb.jvm.codegen import row_function
from lab.ksqldb.jvm.errors import JavaFault, translated
from lab.ksqldb.jvm.values import object_array
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.types import SqlType, contains_map, struct

_TOO_LARGE = ("grows beyond 64 KB", "nested too deeply")
"""Parts of what the compiler says of code that is larger than class files can hold."""

ParseExpression = Callable[[str], ast.Expression]


def struct_text(columns: Sequence[Column]) -> str:
    """The STRUCT type of some columns, as the Java side parses it."""
    return str(struct(*((c.name, c.type) for c in columns)))


def codec(format_: Format, columns: Sequence[Column]) -> Any:
    """A Java codec for columns in a format."""
    wrapped = format_.wrap is not False
    of = jpype.JClass("lab.ksqldb.serde.Codec").of
    if not format_.properties and not format_.is_key:
        return of(format_.name, struct_text(columns), wrapped)
    properties = jpype.JClass("java.util.HashMap")()
    for name, value in format_.properties:
        properties.put(name, value)
    return of(format_.name, struct_text(columns), wrapped, format_.is_key, properties)


def serde(format_: Format, columns: Sequence[Column], extra: int = 0) -> Any:
    """A Java serde; rows read have ``extra`` empty places at their end."""
    return jpype.JClass("lab.ksqldb.serde.RowSerde")(codec(format_, columns), extra)


def state_serde(format_: Format, columns: Sequence[Column]) -> Any:
    """A Java serde of an aggregation's store; it remembers the rows it wrote last.

    Not those with maps: they are read in another order than they were written.
    """
    plain = serde(format_, columns)
    if any(contains_map(c.type) for c in columns):
        return plain
    return jpype.JClass("lab.ksqldb.serde.StateSerde")(plain)


def key_serde(format_: Format, columns: Sequence[Column], window: WindowInfo | None) -> Any:
    """A Java serde of keys, with their windows if they have them."""
    plain = serde(format_, columns)
    if window is None:
        return plain
    windowed = jpype.JClass("lab.ksqldb.serde.WindowedKeys")
    if window.size_ms is None:
        return windowed.session(plain)
    return windowed.time(plain, window.size_ms)


def compiled(
    columns: Sequence[Column],
    functions: Registry,
    *,
    select: Sequence[ast.Expression] | None = None,
    where: ast.Expression | None = None,
    names: Sequence[str] | None = None,
    interpreted: bool = False,
) -> Any:
    """A compiled function over rows of the given columns; equal ones are shared.

    Raises:
        StatementError: an expression is larger than the JVM's methods may be.
    """
    layout: dict[str, tuple[int, SqlType]] = {}
    for index, column in enumerate(columns):
        layout.setdefault(column.name, (index, column.type))
    source = row_function(
        "Row_",
        layout,
        functions,
        select=select,
        where=where,
        names=names,
        interpreted=interpreted,
    )
    name = "Row_" + hashlib.sha256(source.encode()).hexdigest()[:16]
    try:
        with translated():
            return jpype.JClass("lab.ksqldb.query.RowCompiler").compile(
                name, source.replace("class Row_ ", f"class {name} ")
            )
    except JavaFault as fault:
        if any(part in fault.message for part in _TOO_LARGE):
            raise too_large(fault.message) from None
        raise


def raising(function: Any, values: list[Any]) -> Any:
    """What a compiled function gives for a row of Java values.

    Raises:
        JavaFault: an expression fails.
    """
    with translated():
        return function.apply(object_array(values), jpype.JClass("lab.ksqldb.step.Problems").RAISED)


def flat_map(
    columns: Sequence[Column], functions: Registry, calls: Sequence[ast.Expression]
) -> Any:
    """A Java object that makes rows of a row by table functions."""
    of = jpype.JClass("lab.ksqldb.table.TableFunction")
    typing = Typing({c.name: c.type for c in columns}, functions)
    made = []
    arguments: list[ast.Expression] = []
    for call in calls:
        assert isinstance(call, ast.Call)  # noqa: S101 - narrows a type
        found = functions.get(call.name).resolve([typing.of(a) for a in call.arguments])
        made.append(of.of(found.signature.java))
        arguments += call.arguments
    return jpype.JClass("lab.ksqldb.step.FlatMapStep")(
        compiled(columns, functions, select=arguments), jpype.JArray(of)(made)
    )


def answer(columns: Sequence[Column], before: str, after: str) -> Any:
    """A writer of rows for REST answers."""
    return jpype.JClass("lab.ksqldb.query.Answer")(struct_text(columns), before, after)


def row(values: list[Any]) -> Any:
    """A Java Row of Java values."""
    return jpype.JClass("lab.ksqldb.row.Row")(object_array(values))


def header_columns(record: Schema, headers: Sequence[HeaderColumn]) -> Any:
    """The Java object that puts a record's headers into its row."""
    first = len(record.value) + len(PSEUDO_COLUMNS) + len(record.key)
    names = jpype.JArray(jpype.JString)([c.header for c in headers])
    return jpype.JClass("lab.ksqldb.step.HeaderColumns")(first, names)


def timestamp_extractor(
    timestamp: Timestamp | None, record: Schema, problems: Any = None, *, fails: bool = False
) -> Any:
    """The Java object that takes a record's time from a column, or None.

    A record without a time is told to ``problems``, if there are any; ``fails`` has it raise.
    """
    if timestamp is None:
        return None
    in_key, index = timestamp_place(timestamp, record)
    if problems is None:
        problems = jpype.JClass("lab.ksqldb.step.Problems").IGNORED
    made = jpype.JClass("lab.ksqldb.step.ColumnTimestamp")
    return made(in_key, index, timestamp.format, problems, fails)


def timestamp_place(timestamp: Timestamp, record: Schema) -> tuple[bool, int]:
    """Whether the column is in the key, and where."""
    in_key = record.is_key(timestamp.column)
    side = record.key if in_key else record.value
    return in_key, next(i for i, c in enumerate(side) if c.name == timestamp.column)


def encode(source: Source, key: list[Any], value: list[Any]) -> tuple[Any, Any]:
    """A record's key and value as Java byte arrays (None for no bytes).

    Raises:
        JavaFault: a value does not fit its format, or the schema registry refuses its schema.
    """
    topic = source.topic
    with translated():
        key_codec = codec(source.key_format, source.schema.key)
        value_codec = codec(source.value_format, source.schema.value)
        return (
            key_codec.named(topic).write(topic, object_array(key)),
            value_codec.named(topic).write(topic, object_array(value)),
        )
