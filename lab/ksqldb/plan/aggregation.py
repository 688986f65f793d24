"""Grouped queries: the columns that groups need, the grouping, the aggregation, its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.ksqldb.analysis import schemas
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import WINDOW_BOUNDS, Column, Format, Schema
from lab.ksqldb.catalog import columns as columns_of
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.functions.signature import Match
from lab.ksqldb.names import ColumnName
from lab.ksqldb.plan.internal import internal_formats, select_step
from lab.ksqldb.plan.steps import (
    Aggregate,
    AggregateCall,
    Filter,
    GroupBy,
    Named,
    Select,
    Step,
)
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite, walk


@dataclass(frozen=True, slots=True)
class Grouped:
    """The aggregated rows; ``keys`` are the grouping expressions with their columns.

    ``replace`` puts the columns of results in the place of aggregate calls.
    """

    step: Step
    keys: list[tuple[ast.Expression, Column]]
    replace: Callable[[ast.Expression], ast.Expression | None]


class AggregationPlanner:
    """Plans the aggregation of one query."""

    def __init__(
        self, query: AnalyzedQuery, functions: Registry, sink: str, key_format: str | None
    ) -> None:
        """``sink`` is empty for a push query."""
        self._query = query
        self._functions = functions
        self._sink = sink
        self._key_format = key_format

    def plan(self, step: Step) -> Grouped:
        """The steps after ``step`` up to HAVING.

        Raises:
            StatementError: arguments do not fit, or a persistent query has no GROUP BY.
        """
        query = self._query
        if not query.group_by and self._sink:
            named = ", ".join(text_of(c) for c in query.aggregates)
            raise StatementError(
                "CREATE TABLE AS SELECT statement does not support aggregate function "
                f"[{named}] without a GROUP BY clause."
            )
        # A push query without GROUP BY has one group.
        group_by = query.group_by or (ast.Text(value=""),)
        prepared, calls = self._prepare(step)
        grouped = self._group(prepared, group_by)
        last: Step = self._aggregate(grouped, calls)
        replace = self._results()
        if query.having is not None:
            having = rewrite(query.having, replace)
            last = Filter(last, "Aggregate-HavingFilter", text_of(having), last.schema)
        return Grouped(last, list(zip(group_by, grouped.schema.key, strict=True)), replace)

    def _typing(self, step: Step) -> Typing:
        return Typing({c.name: c.type for c in step.schema.value}, self._functions)

    def _prepare(self, step: Step) -> tuple[Select, list[AggregateCall]]:
        """The columns the aggregation needs, and which of them each aggregate reads."""
        query = self._query
        needed: list[Item] = []

        later = () if query.window is None else WINDOW_BOUNDS

        def need(node: ast.Expression) -> None:
            for found in walk(node):
                if not isinstance(found, ast.Column) or found.name in later:
                    continue
                if all(i.name != found.name for i in needed):
                    needed.append(Item(found.name, found))

        for item in query.items:
            need(_plain_part(item.expression, self._functions))
            for call in _calls(item.expression, self._functions):
                for argument in call.arguments:
                    need(argument)
        for node in (*query.group_by, *([] if query.having is None else [query.having])):
            need(node)
        internal: list[Item] = []
        calls = []
        for call in query.aggregates:
            split = len(call.arguments) - self._match(call, step).signature.constants
            columns = []
            for argument in call.arguments[:split]:
                if isinstance(argument, ast.Column):
                    columns.append(argument.name)
                    continue
                name = ColumnName(f"KSQL_INTERNAL_COL_{len(internal)}")
                internal.append(Item(name, argument))
                columns.append(name)
            calls.append(AggregateCall(call.name, tuple(columns), _constants(call, split)))
        items = needed + internal
        key = step.schema.key
        return select_step(step, items, key, "Aggregate-Prepare", self._functions), calls

    def _group(self, prepared: Select, group_by: tuple[ast.Expression, ...]) -> GroupBy:
        query = self._query
        typing = self._typing(prepared)
        keys = []
        for index, node in enumerate(group_by):
            name = next((i.name for i in query.items if i.expression == node), None)
            if isinstance(node, ast.Column):
                name = node.name
            keys.append(Item(name or ColumnName(f"KSQL_COL_{index}"), node))
        columns = tuple(Column(k.name, typing.known(k.expression)) for k in keys)
        own = [ast.Column(name=c.name) for c in prepared.schema.key]
        schema = Schema(columns, prepared.schema.value)
        formats = internal_formats(query.source, schema, self._key_format)
        error = BadRequest if self._sink else StatementError
        by_key = bool(own) and list(group_by) == own and query.source.window is None
        schemas.check_formats(Schema(columns), formats.key, Format("JSON"), error=error)
        return GroupBy(
            prepared,
            "Aggregate-GroupBy",
            by_key and not query.from_table,
            tuple(Named(k.name, text_of(k.expression)) for k in keys),
            formats,
            schema,
        )

    def _match(self, call: ast.Call, step: Step) -> Match:
        typing = self._typing(step)
        return self._functions.get(call.name).resolve([typing.of(a) for a in call.arguments])

    def _aggregate(self, grouped: GroupBy, calls: list[AggregateCall]) -> Aggregate:
        columns = list(grouped.schema.value)
        typing = self._typing(grouped)
        for index, (call, given) in enumerate(zip(self._query.aggregates, calls, strict=True)):
            read = [typing.of(ast.Column(name=name)) for name in given.columns]
            constants = [typing.of(c) for c in call.arguments[len(read) :]]
            found = self._functions.get(call.name).resolve(read + constants)
            columns.append(Column(variable(index), found.returns))
        if self._query.window is not None:
            columns += columns_of(WINDOW_BOUNDS.items())
        return Aggregate(
            grouped,
            "Aggregate-Aggregate",
            tuple(calls),
            grouped.formats,
            Schema(grouped.schema.key, tuple(columns)),
            self._query.window,
        )

    def _results(self) -> Callable[[ast.Expression], ast.Expression | None]:
        variables = {call: variable(i) for i, call in enumerate(self._query.aggregates)}

        def replace(node: ast.Expression) -> ast.Expression | None:
            if isinstance(node, ast.Call) and node in variables:
                return ast.Column(name=variables[node])
            return None

        return replace


def variable(index: int) -> ColumnName:
    """The column of an aggregate's result."""
    return ColumnName(f"KSQL_AGG_VARIABLE_{index}")


def _constants(call: ast.Call, split: int) -> tuple[str, ...]:
    """The literals after the first ``split`` arguments, as text."""
    for position, node in enumerate(call.arguments[split:], start=split + 1):
        number = node.operand if isinstance(node, ast.Negate) else node
        if not isinstance(number, ast.Integer | ast.Boolean):
            raise StatementError(
                f"Parameter {position} passed to function {call.name} must be a literal constant, "
                f"but was expression: '{text_of(node)}'"
            )
        if isinstance(number, ast.Integer) and (number is not node or number.value < 1):
            raise StatementError(
                f"Failed to invoke UDAF factory method: {call.name} takes a positive number, "
                f"not {text_of(node)}."
            )
    return tuple(text_of(node) for node in call.arguments[split:])


def _calls(node: ast.Expression, functions: Registry) -> list[ast.Call]:
    return [n for n in walk(node) if isinstance(n, ast.Call) and functions.is_aggregate(n.name)]


def _plain_part(node: ast.Expression, functions: Registry) -> ast.Expression:
    """The expression with aggregate calls blanked out."""

    def blank(found: ast.Expression) -> ast.Expression | None:
        if isinstance(found, ast.Call) and functions.is_aggregate(found.name):
            return ast.Null()
        return None

    return rewrite(node, blank)
