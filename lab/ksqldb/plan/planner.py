"""Analyzed queries to execution plans."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from lab.ksqldb.analysis import schemas
from lab.ksqldb.analysis.query import AnalyzedQuery, Item
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column, Format, Schema, Source, processing_schema
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.functions.signature import Match
from lab.ksqldb.names import ColumnName, TopicName
from lab.ksqldb.plan.steps import (
    Aggregate,
    AggregateCall,
    Filter,
    Formats,
    GroupBy,
    Named,
    Select,
    Sink,
    Step,
    StreamSource,
    TableSource,
)
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite, walk


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps up to the projection, and the schema they give."""

    step: Step
    schema: Schema


def plan_push(query: AnalyzedQuery, functions: Registry) -> Planned:
    """A push query: all items are value columns, so that they come in the order written."""
    return _Planner(query, functions, persistent=False).plan()


def plan_persistent(
    query: AnalyzedQuery, functions: Registry, sink: str, key_format: str | None = None
) -> Planned:
    """A persistent query's steps; its schema is the sink's, the key's columns taken out.

    ``key_format`` is the sink's where it is given; internal topics use it too.
    """
    return _Planner(query, functions, persistent=True, sink=sink, key_format=key_format).plan()


def with_sink(planned: Planned, sink: str, topic: TopicName, formats: Formats) -> Sink:
    """The plan's last step."""
    return Sink(planned.step, sink, topic, formats, planned.schema)


def pull_projection(query: AnalyzedQuery, functions: Registry) -> Schema:
    """The columns of a pull query's answer: a table's key columns are marked as such."""
    typing = Typing({c.name: c.type for c in processing_schema(query.source)}, functions)
    key: list[Column] = []
    value: list[Column] = []
    for item in query.items:
        column = Column(item.name, typing.known(item.expression))
        node = item.expression
        is_key = isinstance(node, ast.Column) and query.source.schema.is_key(node.name)
        (key if is_key and query.source.is_table else value).append(column)
    schemas.check_unique(tuple(key) + tuple(value), "value")
    return Schema(tuple(key), tuple(value))


class _Planner:
    def __init__(
        self,
        query: AnalyzedQuery,
        functions: Registry,
        *,
        persistent: bool,
        sink: str = "",
        key_format: str | None = None,
    ) -> None:
        self._query = query
        self._functions = functions
        self._persistent = persistent
        self._sink = sink
        self._key_format = key_format

    def plan(self) -> Planned:
        step: Step = source_step(self._query.source)
        if self._query.where is not None:
            step = Filter(step, "WhereFilter", text_of(self._query.where), step.schema)
        return self._aggregated(step) if self._query.is_aggregate else self._projected(step)

    def _typing(self, step: Step) -> Typing:
        return Typing({c.name: c.type for c in step.schema.value}, self._functions)

    def _columns(self, items: list[Item], step: Step) -> tuple[Column, ...]:
        typing = self._typing(step)
        return tuple(Column(i.name, typing.known(i.expression)) for i in items)

    def _select(
        self, step: Step, items: list[Item], key: tuple[Column, ...], context: str
    ) -> Select:
        value = self._columns(items, step)
        schemas.check_unique(value, "value")
        named = tuple(Named(i.name, text_of(i.expression)) for i in items)
        return Select(step, context, named, Schema(key, value))

    def _projected(self, step: Step) -> Planned:
        source = self._query.source
        items = list(self._query.items)
        key = source.schema.key
        if self._persistent:
            key, items = self._take_key(
                items, [(ast.Column(name=c.name), c) for c in source.schema.key]
            )
        select = self._select(step, items, key, "Project")
        return Planned(select, select.schema)

    def _take_key(
        self, items: list[Item], keys: list[tuple[ast.Expression, Column]]
    ) -> tuple[tuple[Column, ...], list[Item]]:
        """The sink's key columns, each of which must be selected once, and the other items."""
        found = []
        for node, column in keys:
            names = [i.name for i in items if i.expression == node]
            what = "grouping expression" if self._query.is_aggregate else "key column"
            if not names:
                raise StatementError(
                    "Key missing from projection (ie, SELECT). \n"
                    f"The query used to build `{self._sink}` must include the {what} "
                    f"{text_of(node)} in its projection (eg, SELECT {text_of(node)}...)."
                )
            if len(names) > 1:
                raise StatementError(
                    f"The projection contains a key column (`{column.name}`) more than once, "
                    f"aliased as: {' and '.join(names)}.\n"
                    "Each key column must only be in the projection once. If you intended to "
                    "copy the key into the value, then consider using the AS_VALUE function."
                )
            found.append(Column(names[0], column.type))
        nodes = [node for node, _ in keys]
        rest = [i for i in items if i.expression not in nodes]
        if not rest:
            raise StatementError("The projection contains no value columns.")
        schemas.check_unique(tuple(found), "key")
        taken = {c.name for c in found}
        twice = next((i for i in rest if i.name in taken), None)
        if twice is not None:
            raise StatementError(
                f"Duplicate value columns found in schema: `{twice.name}`, which names a key too"
            )
        return tuple(found), rest

    def _aggregated(self, step: Step) -> Planned:
        query = self._query
        if not query.group_by:
            calls = ", ".join(text_of(c) for c in query.aggregates)
            raise StatementError(
                "CREATE TABLE AS SELECT statement does not support aggregate function "
                f"[{calls}] without a GROUP BY clause."
            )
        prepared, arguments = self._prepare(step)
        grouped = self._group(prepared)
        aggregate = self._aggregate(grouped, arguments)
        replace = self._results()
        last: Step = aggregate
        if query.having is not None:
            having = rewrite(query.having, replace)
            last = Filter(last, "Aggregate-HavingFilter", text_of(having), last.schema)
        items = list(query.items)
        key = grouped.schema.key
        if self._persistent:
            pairs = list(zip(query.group_by, grouped.schema.key, strict=True))
            key, items = self._take_key(items, pairs)
        results = [Item(i.name, rewrite(i.expression, replace)) for i in items]
        select = self._select(last, results, key, "Aggregate-Project")
        return Planned(select, select.schema)

    def _prepare(self, step: Step) -> tuple[Select, list[ColumnName]]:
        """The columns the aggregation needs, and which of them each aggregate reads."""
        query = self._query
        needed: list[Item] = []
        arguments: list[ColumnName] = []

        def need(node: ast.Expression) -> None:
            for found in walk(node):
                if isinstance(found, ast.Column) and all(i.name != found.name for i in needed):
                    needed.append(Item(found.name, found))

        internal: list[Item] = []
        for item in query.items:
            need(_plain_part(item.expression, self._functions))
            for call in _calls(item.expression, self._functions):
                for argument in call.arguments:
                    need(argument)
        for node in (*query.group_by, *([] if query.having is None else [query.having])):
            need(node)
        for call in query.aggregates:
            if len(call.arguments) != 1:
                self._match(call, step)
                raise StatementError(f"{call.name} takes one argument.")
            argument = call.arguments[0]
            if isinstance(argument, ast.Column):
                arguments.append(argument.name)
                continue
            name = ColumnName(f"KSQL_INTERNAL_COL_{len(internal)}")
            internal.append(Item(name, argument))
            arguments.append(name)
        key = query.source.schema.key
        return self._select(step, needed + internal, key, "Aggregate-Prepare"), arguments

    def _group(self, prepared: Select) -> GroupBy:
        query = self._query
        typing = self._typing(prepared)
        keys = []
        for index, node in enumerate(query.group_by):
            name = next((i.name for i in query.items if i.expression == node), None)
            if isinstance(node, ast.Column):
                name = node.name
            keys.append(Item(name or ColumnName(f"KSQL_COL_{index}"), node))
        columns = tuple(Column(k.name, typing.known(k.expression)) for k in keys)
        own = [ast.Column(name=c.name) for c in query.source.schema.key]
        schema = Schema(columns, prepared.schema.value)
        formats = _internal_formats(query.source, schema, self._key_format)
        schemas.check_formats(
            Schema(columns), formats.key, Format("JSON"), error=_key_error(self._sink)
        )
        return GroupBy(
            prepared,
            "Aggregate-GroupBy",
            bool(own) and list(query.group_by) == own,
            tuple(Named(k.name, text_of(k.expression)) for k in keys),
            formats,
            schema,
        )

    def _match(self, call: ast.Call, step: Step) -> Match:
        typing = self._typing(step)
        return self._functions.get(call.name).resolve([typing.of(a) for a in call.arguments])

    def _aggregate(self, grouped: GroupBy, arguments: list[ColumnName]) -> Aggregate:
        query = self._query
        columns = list(grouped.schema.value)
        types = {c.name: c.type for c in columns}
        calls = []
        for index, (call, name) in enumerate(zip(query.aggregates, arguments, strict=True)):
            found = self._functions.get(call.name).resolve([types[name]])
            columns.append(Column(variable(index), found.returns))
            calls.append(AggregateCall(call.name, name))
        schema = Schema(grouped.schema.key, tuple(columns))
        return Aggregate(grouped, "Aggregate-Aggregate", tuple(calls), grouped.formats, schema)

    def _results(self) -> Callable[[ast.Expression], ast.Expression | None]:
        variables = {call: variable(i) for i, call in enumerate(self._query.aggregates)}

        def replace(node: ast.Expression) -> ast.Expression | None:
            if isinstance(node, ast.Call) and node in variables:
                return ast.Column(name=variables[node])
            return None

        return replace


def _key_error(sink: str) -> type[BadRequest] | type[StatementError]:
    return BadRequest if sink else StatementError


def variable(index: int) -> ColumnName:
    """The column of an aggregate's result."""
    return ColumnName(f"KSQL_AGG_VARIABLE_{index}")


def _calls(node: ast.Expression, functions: Registry) -> list[ast.Call]:
    return [n for n in walk(node) if isinstance(n, ast.Call) and functions.is_aggregate(n.name)]


def _plain_part(node: ast.Expression, functions: Registry) -> ast.Expression:
    """The expression with aggregate calls blanked out."""

    def blank(found: ast.Expression) -> ast.Expression | None:
        if isinstance(found, ast.Call) and functions.is_aggregate(found.name):
            return ast.Null()
        return None

    return rewrite(node, blank)


def _internal_formats(source: Source, schema: Schema, key_format: str | None) -> Formats:
    """Internal topics use the source's formats where those can hold their rows, else JSON."""
    value = source.value_format
    if value.name != "JSON" or len(schema.value) == 1:
        value = Format("JSON", True)
    key = source.key_format if key_format is None else schemas.key_format(key_format)
    if key.name == "NONE":
        key = schemas.key_format("KAFKA")
    return Formats(key, dataclasses.replace(value, wrap=True))


def source_step(source: Source) -> StreamSource | TableSource:
    """The step that reads a source."""
    formats = Formats(source.key_format, source.value_format)
    schema = Schema(source.schema.key, tuple(processing_schema(source)))
    if source.is_table:
        return TableSource(
            "KsqlTopic",
            source.topic,
            formats,
            source.timestamp,
            source.schema,
            schema,
            "KsqlTopic-Reduce",
        )
    return StreamSource("KsqlTopic", source.topic, formats, source.timestamp, source.schema, schema)
