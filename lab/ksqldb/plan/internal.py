"""What planners share: formats of internal topics and stores, sources, projections."""

from __future__ import annotations

from lab.ksqldb.analysis import schemas
from lab.ksqldb.analysis.formats import can_be_internal, without_schema_id
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import (
    PSEUDO_COLUMNS,
    Column,
    Format,
    Schema,
    Source,
    columns,
    processing_schema,
)
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.plan.steps import Formats, Named, Select, Step, StreamSource, TableSource
from lab.ksqldb.sql.format import expression as text_of


def internal_formats(source: Source, schema: Schema, key_format: str | None) -> Formats:
    """Internal topics use the source's formats where those can hold any rows, else JSON."""
    name = source.value_format.name
    value = Format(name if can_be_internal(name, schema.value) else "JSON", True)
    key = without_schema_id(source.key_format)
    if key_format is not None:
        key = schemas.key_format(key_format)
    if key.name == "NONE":
        key = schemas.key_format("KAFKA")
    return Formats(key, value)


def stored_columns(record: Schema) -> tuple[Column, ...]:
    """What a table's store keeps of a record: its values, partition and offset."""
    kept = ("ROWPARTITION", "ROWOFFSET")
    return record.value + columns((name, PSEUDO_COLUMNS[name]) for name in kept)


def source_step(source: Source, context: str = "KsqlTopic") -> StreamSource | TableSource:
    """The step that reads a source."""
    formats = Formats(source.key_format, source.value_format)
    schema = Schema(source.schema.key, tuple(processing_schema(source)))
    if source.is_table:
        return TableSource(
            context,
            source.topic,
            formats,
            source.timestamp,
            source.schema,
            schema,
            f"{context}-Reduce",
            internal_formats(
                source, Schema(source.schema.key, stored_columns(source.schema)), None
            ),
            source.window,
        )
    return StreamSource(
        context,
        source.topic,
        formats,
        source.timestamp,
        source.schema,
        schema,
        source.window,
        source.headers,
    )


def select_step(
    step: Step,
    items: list[Item],
    key: tuple[Column, ...],
    context: str,
    functions: Registry,
) -> Select:
    """A projection of the rows of a step.

    Raises:
        StatementError: an item is ill-typed, or two have one name.
    """
    typing = Typing({c.name: c.type for c in step.schema.value}, functions)
    value = tuple(Column(i.name, typing.known(i.expression)) for i in items)
    schemas.check_unique(value, "value")
    named = tuple(Named(i.name, text_of(i.expression)) for i in items)
    return Select(step, context, named, Schema(key, value))
