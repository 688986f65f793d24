"""Aggregate calls and GROUP BY: what may stand where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.ksqldb.catalog import WINDOW_BOUNDS
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import children, walk


def aggregate_calls(roots: Iterable[ast.Expression], functions: Registry) -> tuple[ast.Call, ...]:
    """The distinct aggregate calls in expressions, in order of appearance.

    Raises:
        StatementError: one stands inside another.
    """
    found: list[ast.Call] = []
    for root in roots:
        for node in walk(root):
            if not isinstance(node, ast.Call) or not functions.is_aggregate(node.name):
                continue
            if any(_is_aggregate(n, functions) for a in node.arguments for n in walk(a)):
                raise StatementError(f"Aggregate functions can not be nested: {text_of(node)}")
            if node not in found:
                found.append(node)
    return tuple(found)


def _is_aggregate(node: ast.Node, functions: Registry) -> bool:
    return isinstance(node, ast.Call) and functions.is_aggregate(node.name)


@dataclass(frozen=True, slots=True)
class Grouping:
    """What has to fit together in a grouped query.

    ``over_table`` says what it reads; a ``windowed`` one can select the bounds of its windows.
    """

    items: tuple[ast.Expression, ...]
    group_by: tuple[ast.Expression, ...]
    having: ast.Expression | None
    aggregates: tuple[ast.Call, ...]
    over_table: bool
    windowed: bool

    def check(self, functions: Registry) -> None:
        """Refuse what is not grouped, and aggregates that cannot be taken back.

        Raises:
            StatementError: it is refused.
        """
        if not self.aggregates:
            raise StatementError(
                "GROUP BY requires aggregate functions in either the SELECT or HAVING clause."
            )
        for node in self.group_by:
            for found in walk(node):
                if isinstance(found, ast.Call) and functions.is_aggregate(found.name):
                    raise StatementError(
                        f"GROUP BY does not support aggregate functions: {found.name} is one."
                    )
        known = self.group_by
        if self.windowed:
            known += tuple(ast.Column(name=ColumnName(bound)) for bound in WINDOW_BOUNDS)
        for item in self.items:
            for found in walk(item):
                if isinstance(found, ast.Call):
                    functions.get(found.name.upper())
        loose = [text_of(i) for i in self.items if not _grouped(i, known, functions)]
        if loose:
            raise StatementError(
                f"Non-aggregate SELECT expression(s) not part of GROUP BY: {', '.join(loose)}\n"
                "Either add the column(s) to the GROUP BY or remove them from the SELECT."
            )
        if self.having is not None and not _grouped(self.having, self.group_by, functions):
            names = [text_of(n) for n in walk(self.having) if isinstance(n, ast.Column)]
            raise StatementError(
                f"Non-aggregate HAVING expression not part of GROUP BY: {', '.join(names)}\n"
                "Consider switching the HAVING clause to a WHERE clause before the GROUP BY."
            )
        for call in self.aggregates:
            function = functions.get(call.name)
            if self.over_table and not function.over_tables:
                raise StatementError(
                    f"The aggregation function {function.shown} cannot be applied to a table "
                    "source, only to a stream source."
                )


def _grouped(
    node: ast.Expression, group_by: tuple[ast.Expression, ...], functions: Registry
) -> bool:
    if node in group_by or _is_aggregate(node, functions):
        return True
    if isinstance(node, ast.Column):
        return False
    return all(_grouped(n, group_by, functions) for n in _expressions(node))


def _expressions(node: ast.Node) -> Iterable[ast.Expression]:
    """The expressions directly below, those of CASE branches too."""
    for child in children(node):
        if isinstance(child, ast.Expression):
            yield child
        else:
            yield from _expressions(child)
