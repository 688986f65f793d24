"""PARTITION BY: the new key's columns, and what cannot be a key."""

from __future__ import annotations

from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.naming import ColumnNames
from lab.ksqldb.analysis.sources import Scope
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import walk

IMPLICIT_REPARTITION = (
    "Implicit repartitioning of windowed sources is not supported. "
    "See https://github.com/confluentinc/ksql/issues/4385."
)


def partition_key(keys: tuple[ast.Expression, ...], names: ColumnNames) -> tuple[Item, ...]:
    """The columns of the new key; none for PARTITION BY NULL."""
    return tuple(
        Item(node.name if isinstance(node, ast.Column) else names.of(node), node)
        for node in keys
        if not isinstance(node, ast.Null)
    )


def check_partition_by(  # noqa: PLR0917 - called in one place only
    keys: tuple[ast.Expression, ...],
    from_table: bool,
    is_aggregate: bool,
    scope: Scope,
    typing: Typing,
    functions: Registry,
) -> None:
    """Refuse what cannot be partitioned, or not by these expressions.

    Raises:
        StatementError: it cannot.
    """
    if from_table:
        own = ", ".join(c.name for c in scope.bounds[0].source.schema.key)
        wanted = ", ".join(text_of(k) for k in keys)
        raise StatementError(
            "Cannot repartition a TABLE source. If this is a join, make sure that the criteria "
            f"uses the TABLE's key column {own} instead of [{wanted}]"
        )
    if scope.bounds[0].source.window is not None:
        raise StatementError(IMPLICIT_REPARTITION)
    if len(keys) > 1 and any(isinstance(k, ast.Null) for k in keys):
        raise StatementError("PARTITION BY NULL stands alone: it takes no other expression.")
    for key in keys:
        for node in walk(key):
            if isinstance(node, ast.Call) and functions.is_aggregate(node.name):
                raise StatementError(
                    f"Invalid SelectKey: Can't find any functions with the name '{node.name}'. "
                    f"expression: {text_of(key)}"
                )
        if not isinstance(key, ast.Null):
            typing.known(key)
    if is_aggregate:
        raise StatementError(
            "PARTITION BY cannot be combined with GROUP BY or aggregates: the groups are the key."
        )
