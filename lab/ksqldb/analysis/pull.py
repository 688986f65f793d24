"""Rules of pull queries, and the keys that a WHERE clause asks for."""

from __future__ import annotations

from lab.ksqldb.analysis.insert import Literal
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.catalog import Column
from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.types import Base, SqlType
from lab.ksqldb.sql.walk import walk

_MORE = " See https://cnfl.io/queries for more info.\n"
_PUSH_HINT = "Add EMIT CHANGES if you intended to issue a push query."


def refusal(reason: str) -> StatementError:
    """A refusal that points to push queries."""
    return StatementError(f"{reason}{_MORE}{_PUSH_HINT}")


def check_shape(query: ast.Query) -> None:
    """Refuse clauses that pull queries do not have.

    Raises:
        StatementError: such a clause is there.
    """
    for present, name in (
        (query.group_by, "GROUP BY"),
        (query.joins, "JOIN"),
        (query.window, "WINDOW"),
        (query.partition_by, "PARTITION BY"),
        (query.having, "HAVING"),
    ):
        if present:
            raise refusal(f"Pull queries don't support {name} clauses.")
    if query.limit is not None and query.limit < 0:
        raise refusal("Pull queries don't support negative integers in the LIMIT clause.")


def check_analyzed(query: AnalyzedQuery) -> None:
    """Refuse what only shows after analysis.

    Raises:
        StatementError: aggregates, or columns that have no meaning here.
    """
    if query.is_aggregate:
        raise refusal("Pull queries don't support GROUP BY clauses.")
    if query.source.is_table and query.where is not None:
        _check_conditions(query.where)
    hidden = ("ROWPARTITION", "ROWOFFSET")
    found = [
        f"`{node.name}`"
        for item in query.items
        for node in walk(item.expression)
        if isinstance(node, ast.Column) and node.name in hidden
    ]
    if found:
        raise refusal(
            "Pull queries don't support the following columns in SELECT clauses: "
            f"{', '.join(found)}\n"
        )


def _check_conditions(node: ast.Expression) -> None:
    """A plain column is no condition of a pull query on a table."""
    if isinstance(node, ast.Column):
        raise refusal(f"Unsupported expression in WHERE clause: {node.name}. ")
    if isinstance(node, ast.Logical):
        _check_conditions(node.left)
        _check_conditions(node.right)


def lookups(where: ast.Expression | None, key: tuple[Column, ...]) -> list[Literal] | None:
    """The values of a single key column that alone can satisfy ``where``; None for a scan.

    The whole condition is still to be applied to what is found.
    """
    if where is None or len(key) != 1:
        return None
    return _values(where, key[0])


def _values(node: ast.Expression, key: Column) -> list[Literal] | None:
    match node:
        case ast.Logical(operator="AND", left=left, right=right):
            return _values(left, key) or _values(right, key)
        case ast.Comparison(operator="=", left=left, right=right):
            for column, value in ((left, right), (right, left)):
                if isinstance(column, ast.Column) and column.name == key.name:
                    literal = _literal(value, key.type)
                    return None if literal is None else [literal]
            return None
        case ast.In(operand=ast.Column(name=name), items=items, negated=False) if name == key.name:
            literals = [_literal(item, key.type) for item in items]
            return None if None in literals else list(dict.fromkeys(literals))
    return None


def _literal(node: ast.Expression, type_: SqlType) -> Literal:
    match node:
        case ast.Text(value=text) if type_.base is Base.STRING:
            return text
        case ast.Integer(value=number) if type_.base in {Base.INTEGER, Base.BIGINT}:
            return number if type_.base is Base.BIGINT or abs(number) < 2**31 else None
    return None
