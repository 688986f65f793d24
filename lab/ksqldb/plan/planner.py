"""Analyzed queries to execution plans."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from lab.ksqldb.analysis import schemas
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import (
    WINDOW_BOUNDS,
    Column,
    Format,
    Schema,
    Timestamp,
    WindowInfo,
    processing_schema,
)
from lab.ksqldb.catalog import columns as columns_of
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.functions.signature import Match
from lab.ksqldb.names import ColumnName, TopicName
from lab.ksqldb.plan.internal import internal_formats, source_step
from lab.ksqldb.plan.joins import JoinPlanner, select_key
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
)
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite, walk


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps up to the projection, the schema they give, and the windows in their keys."""

    step: Step
    schema: Schema
    window: WindowInfo | None = None


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


def with_sink(
    planned: Planned,
    sink: str,
    topic: TopicName,
    formats: Formats,
    timestamp: Timestamp | None = None,
) -> Sink:
    """The plan's last step; ``timestamp`` names the column that gives records their time."""
    return Sink(planned.step, sink, topic, formats, planned.schema, planned.window, timestamp)


def pull_projection(query: AnalyzedQuery, functions: Registry) -> Schema:
    """The columns of a pull query's answer: a table's key columns are marked as such."""
    typing = Typing(
        {c.name: c.type for c in processing_schema(query.source)},
        functions,
        interpreted=query.source.is_table,
    )
    key: list[Column] = []
    value: list[Column] = []
    for item in query.items:
        column = Column(item.name, typing.known(item.expression))
        node = item.expression
        is_key = isinstance(node, ast.Column) and (
            query.source.schema.is_key(node.name) or node.name in WINDOW_BOUNDS
        )
        (key if is_key and query.source.is_table else value).append(column)
    schemas.check_unique(tuple(key) + tuple(value), "value")
    return Schema(tuple(key), tuple(value))


@dataclass(frozen=True, slots=True)
class _Keys:
    """The key that a sink's rows have: expressions to be selected, with their columns.

    ``what`` they are and their ``texts`` are for the refusal when one is missing; ``named`` tells
    that ``what`` has the texts already, ``hint`` is put after.
    """

    columns: list[tuple[ast.Expression, Column]]
    what: str
    texts: list[str]
    named: bool = False
    hint: str = ""


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
        step = self._input()
        if self._query.where is not None:
            step = Filter(step, "WhereFilter", text_of(self._query.where), step.schema)
        return self._aggregated(step) if self._query.is_aggregate else self._projected(step)

    def _input(self) -> Step:
        if self._query.joins:
            return JoinPlanner(self._query, self._functions).plan()
        return source_step(self._query.source)

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
        query = self._query
        items = list(query.items)
        if query.repartitioned:
            step, items = self._partitioned(step, items)
        key = step.schema.key
        if self._persistent:
            key, items = self._take_key(items, self._keys(step, items))
        select = self._select(step, items, key, "Project")
        if self._persistent and query.joins and query.makes_table:
            formats = internal_formats(query.source, select.schema, self._key_format)
            select = dataclasses.replace(select, store="Project-Last", formats=formats)
        return Planned(select, select.schema, query.source.window)

    def _partitioned(self, step: Step, items: list[Item]) -> tuple[Step, list[Item]]:
        """The re-keyed rows, and the items over them: key columns are not computed again."""
        keys = self._query.partition_by
        own = [ast.Column(name=c.name) for c in step.schema.key]
        if own and [k.expression for k in keys] == own:
            return step, items
        names = {k.expression: ast.Column(name=k.name) for k in keys}
        renewed = [Item(i.name, rewrite(i.expression, names.get)) for i in items]
        return select_key(step, keys, "PartitionBy", self._functions), renewed

    def _keys(self, step: Step, items: list[Item]) -> _Keys:
        """The columns of the rows' key, as items would name them, and how to ask for them."""
        query = self._query
        nodes: list[ast.Expression] = [ast.Column(name=c.name) for c in step.schema.key]
        pairs = list(zip(nodes, step.schema.key, strict=True))
        if query.repartitioned:
            texts = [text_of(self._written(k.expression)) for k in query.partition_by]
            return _Keys(pairs, "partitioning expression", texts)
        if not query.joins:
            return _Keys(pairs, "key column", [text_of(n) for n in nodes])
        if query.joins[-1].shape == "FOREIGN-KEY":
            return _Keys(pairs, "primary key column", [text_of(self._written(n)) for n in nodes])
        usable: list[ast.Expression] = [ast.Column(name=n) for n in query.joins[-1].keys]
        texts = [text_of(self._written(n)) for n in usable or nodes]
        if len(usable) > 1 and not any(i.expression in usable for i in items):
            return _Keys(pairs, f"join expressions {' or '.join(texts)}", texts, named=True)
        hint = ""
        if query.scope.synthetic is not None:
            hint = (
                f"\n{texts[0]} is added by the join, because no column of its sources holds the "
                "key of every row. See https://cnfl.io/2LV7ouS."
            )
        return _Keys(pairs, "join expression", texts, hint=hint)

    def _written(self, node: ast.Expression) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            return self._query.scope.written(found) if isinstance(found, ast.Column) else None

        return rewrite(node, column)

    def _take_key(self, items: list[Item], wanted: _Keys) -> tuple[tuple[Column, ...], list[Item]]:
        """The sink's key columns, each of which must be selected once, and the other items."""
        found = []
        keys = wanted.columns
        for (node, column), text in zip(keys, wanted.texts, strict=False):
            names = [i.name for i in items if i.expression == node]
            if not names:
                what = wanted.what if wanted.named else f"{wanted.what} {text}"
                raise StatementError(
                    "Key missing from projection (ie, SELECT). \n"
                    f"The query used to build `{self._sink}` must include the {what} in its "
                    f"projection (eg, SELECT {text}...).{wanted.hint}"
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
            texts = [text_of(g) for g in query.group_by]
            key, items = self._take_key(items, _Keys(pairs, "grouping expression", texts))
        results = [Item(i.name, rewrite(i.expression, replace)) for i in items]
        select = self._select(last, results, key, "Aggregate-Project")
        window = None if query.window is None else query.window.info
        return Planned(select, select.schema, window)

    def _prepare(self, step: Step) -> tuple[Select, list[ColumnName]]:
        """The columns the aggregation needs, and which of them each aggregate reads."""
        query = self._query
        needed: list[Item] = []
        arguments: list[ColumnName] = []

        later = () if query.window is None else WINDOW_BOUNDS

        def need(node: ast.Expression) -> None:
            for found in walk(node):
                if not isinstance(found, ast.Column) or found.name in later:
                    continue
                if all(i.name != found.name for i in needed):
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
        prepared = self._select(step, needed + internal, step.schema.key, "Aggregate-Prepare")
        return prepared, arguments

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
        own = [ast.Column(name=c.name) for c in prepared.schema.key]
        schema = Schema(columns, prepared.schema.value)
        formats = internal_formats(query.source, schema, self._key_format)
        schemas.check_formats(
            Schema(columns), formats.key, Format("JSON"), error=_key_error(self._sink)
        )
        return GroupBy(
            prepared,
            "Aggregate-GroupBy",
            bool(own) and list(query.group_by) == own and query.source.window is None,
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
        if query.window is not None:
            columns += columns_of(WINDOW_BOUNDS.items())
        schema = Schema(grouped.schema.key, tuple(columns))
        return Aggregate(
            grouped, "Aggregate-Aggregate", tuple(calls), grouped.formats, schema, query.window
        )

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
