"""Table functions: where they may stand, and the columns that take their place."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite, walk


def _calls(node: ast.Node, functions: Registry) -> list[ast.Call]:
    return [
        n for n in walk(node) if isinstance(n, ast.Call) and functions.is_table_function(n.name)
    ]


def table_calls(
    items: Sequence[ast.Expression],
    functions: Registry,
    *,
    over_table: bool,
    aggregates: bool,
    limited: bool,
) -> tuple[ast.Call, ...]:
    """The calls of table functions in a SELECT's items, in order of appearance.

    Raises:
        StatementError: they stand where they cannot.
    """
    found = tuple(call for item in items for call in _calls(item, functions))
    if not found:
        return ()
    if aggregates:
        raise StatementError("Table functions cannot be used with aggregations.")
    for item in items:
        _check(item, functions)
    if over_table:
        raise StatementError("Table source is not supported with table functions")
    if limited:
        # As ksqlDB, which looks for a scalar function of that name in a query with a limit.
        first = found[0]
        raise StatementError(
            f"Invalid Select: Can't find any functions with the name '{first.name}'. "
            f"expression: {text_of(first)}: a query with LIMIT has no table functions."
        )
    return found


def _check(item: ast.Expression, functions: Registry) -> None:
    for node in walk(item):
        if isinstance(node, ast.Case) and _calls(node, functions):
            raise StatementError(f"Table functions cannot be used in CASE: {text_of(node)}")
        if isinstance(node, ast.Call) and functions.is_table_function(node.name):
            inner = any(_calls(a, functions) for a in node.arguments)
            if inner:
                raise StatementError(f"Table functions cannot be nested: {text_of(node)}")


def split(
    items: Sequence[ast.Expression], functions: Registry
) -> tuple[tuple[ast.Call, ...], list[ast.Expression]]:
    """The calls of table functions in items, and the items with columns in their places."""
    calls: list[ast.Call] = []

    def replace(node: ast.Expression) -> ast.Expression | None:
        if not isinstance(node, ast.Call) or not functions.is_table_function(node.name):
            return None
        calls.append(node)
        return ast.Column(name=_synthetic(len(calls) - 1))

    nodes = [rewrite(item, replace) for item in items]
    return tuple(calls), nodes


def table_columns(
    calls: Sequence[ast.Call], typing: Typing, functions: Registry
) -> tuple[Column, ...]:
    """The columns that hold what calls of table functions give.

    Raises:
        StatementError: a function does not take its arguments.
    """
    found = []
    for index, call in enumerate(calls):
        match = functions.get(call.name).resolve([typing.of(a) for a in call.arguments])
        found.append(Column(_synthetic(index), match.returns))
    return tuple(found)


def _synthetic(index: int) -> ColumnName:
    return ColumnName(f"KSQL_SYNTH_{index}")
