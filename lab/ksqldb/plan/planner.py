"""Analyzed queries to execution plans."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis import schemas, tables
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import (
    WINDOW_BOUNDS,
    Column,
    Schema,
    Timestamp,
    WindowInfo,
    processing_schema,
)
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import TopicName
from lab.ksqldb.plan.aggregation import AggregationPlanner
from lab.ksqldb.plan.internal import internal_formats, select_step, source_step
from lab.ksqldb.plan.joins import JoinPlanner, select_key
from lab.ksqldb.plan.steps import Filter, FlatMap, Formats, Select, Sink, Step
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite


@dataclass(frozen=True, slots=True)
class Planned:
    """The steps up to the projection, the schema they give, and the windows in their keys."""

    step: Step
    schema: Schema
    window: WindowInfo | None = None


def plan_push(query: AnalyzedQuery, functions: Registry) -> Planned:
    """A push query: all items are value columns, so that they come in the order written."""
    return _Planner(query, functions, persistent=False).plan()


def key_places(planned: Planned) -> list[int | str | None]:
    """Where in the key each column of a push query comes from.

    A number counts the key's columns; WINDOWSTART and WINDOWEND are the bounds of its window; None
    is a column that the key does not hold.
    """
    select = planned.step
    if not isinstance(select, Select):
        return [None] * len(planned.schema.value)
    places: dict[str, int | str] = {n: n for n in WINDOW_BOUNDS}
    for number, column in enumerate(select.source.schema.key):
        places[text_of(ast.Column(name=column.name))] = number
    return [places.get(item.expression) for item in select.items]


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
    columns = (*processing_schema(query.source), *pull_table_columns(query, functions))
    typing = Typing({c.name: c.type for c in columns}, functions, interpreted=query.source.is_table)
    key: list[Column] = []
    value: list[Column] = []
    for item, node in zip(query.items, pull_expressions(query, functions), strict=True):
        column = Column(item.name, typing.known(node))
        is_key = isinstance(node, ast.Column) and (
            query.source.schema.is_key(node.name) or node.name in WINDOW_BOUNDS
        )
        (key if is_key and query.source.is_table else value).append(column)
    schemas.check_unique(tuple(key) + tuple(value), "value")
    return Schema(tuple(key), tuple(value))


def pull_expressions(query: AnalyzedQuery, functions: Registry) -> list[ast.Expression]:
    """A pull query's items, the columns of table functions in the place of their calls."""
    return tables.split([i.expression for i in query.items], functions)[1]


def pull_table_columns(query: AnalyzedQuery, functions: Registry) -> tuple[Column, ...]:
    """The columns that a pull query's table functions add to its source's."""
    typing = Typing({c.name: c.type for c in processing_schema(query.source)}, functions)
    return tables.table_columns(query.table_calls, typing, functions)


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

    def _select(
        self, step: Step, items: list[Item], key: tuple[Column, ...], context: str
    ) -> Select:
        return select_step(step, items, key, context, self._functions)

    def _flat_map(self, step: Step, items: list[Item]) -> tuple[Step, list[Item]]:
        """The rows that table functions give, and the items over them."""
        calls, nodes = tables.split([i.expression for i in items], self._functions)
        if not calls:
            return step, items
        typing = Typing({c.name: c.type for c in step.schema.value}, self._functions)
        added = tables.table_columns(calls, typing, self._functions)
        schema = Schema(step.schema.key, step.schema.value + added)
        flat = FlatMap(step, "FlatMap", tuple(text_of(c) for c in calls), schema)
        return flat, [Item(i.name, node) for i, node in zip(items, nodes, strict=True)]

    def _projected(self, step: Step) -> Planned:
        query = self._query
        items = list(query.items)
        if query.repartitioned:
            step, items = self._partitioned(step, items)
        step, items = self._flat_map(step, items)
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
        if len(nodes) > 1 or query.joins[-1].shape == "FOREIGN-KEY":
            return _Keys(pairs, "primary key column", [text_of(self._written(n)) for n in nodes])
        usable: list[ast.Expression] = [ast.Column(name=k[0]) for k in query.joins[-1].keys]
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
        planner = AggregationPlanner(self._query, self._functions, self._sink, self._key_format)
        grouped = planner.plan(step)
        items = list(self._query.items)
        key = grouped.step.schema.key
        if self._persistent:
            texts = [text_of(node) for node, _ in grouped.keys]
            key, items = self._take_key(items, _Keys(grouped.keys, "grouping expression", texts))
        results = [Item(i.name, rewrite(i.expression, grouped.replace)) for i in items]
        select = self._select(grouped.step, results, key, "Aggregate-Project")
        window = None if self._query.window is None else self._query.window.info
        return Planned(select, select.schema, window)
