"""Rules of pull queries, and the keys that a WHERE clause asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.ksqldb.analysis.insert import Literal
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.catalog import Column, Source, WindowInfo
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


Keys = tuple[Literal, ...]
"""A whole key: one value per key column."""

_MOST_KEYS = 10_000
_LONG_MAX = 2**63 - 1
_RANGES = {"<", "<=", ">", ">="}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def lookups(where: ast.Expression | None, key: tuple[Column, ...]) -> list[Keys] | None:
    """The keys that alone can satisfy ``where``, without doubles; None for a scan.

    The whole condition is still to be applied to what is found.
    """
    found = None if where is None or not key else _partial(where, {c.name: c for c in key})
    if found is None or any(len(values) < len(key) for values in found):
        return None
    return list(dict.fromkeys(tuple(values[c.name] for c in key) for values in found))


_Partial = list[dict[str, Literal]]
"""Alternatives, each a value for some key columns."""


def _partial(node: ast.Expression, key: Mapping[str, Column]) -> _Partial | None:
    """What a condition demands of the key; None for nothing that can be looked up."""
    match node:
        case ast.Logical(operator=operator, left=left, right=right):
            sides = _partial(left, key), _partial(right, key)
            return _both(*sides) if operator == "AND" else _either(*sides)
        case ast.Comparison(operator="=", left=left, right=right):
            for column, value in ((left, right), (right, left)):
                if isinstance(column, ast.Column) and column.name in key:
                    return _values(key[column.name], (value,))
        case ast.In(operand=ast.Column(name=name), items=items, negated=False) if name in key:
            return _values(key[name], items)
    return None


def _values(column: Column, nodes: tuple[ast.Expression, ...]) -> _Partial | None:
    literals = [_literal(node, column.type) for node in nodes]
    return None if None in literals else [{column.name: value} for value in literals]


def _both(left: _Partial | None, right: _Partial | None) -> _Partial | None:
    if left is None or right is None or len(left) * len(right) > _MOST_KEYS:
        return right if left is None else left
    return [
        a | b
        for a in left
        for b in right
        if all(a[name] == b[name] for name in a.keys() & b.keys())
    ]


def _either(left: _Partial | None, right: _Partial | None) -> _Partial | None:
    return None if left is None or right is None else left + right


def _literal(node: ast.Expression, type_: SqlType) -> Literal:
    match node:
        case ast.Text(value=text) if type_.base is Base.STRING:
            return text
        case ast.Integer(value=number) if type_.base in {Base.INTEGER, Base.BIGINT}:
            return number if type_.base is Base.BIGINT or abs(number) < 2**31 else None
    return None


def residual(
    where: ast.Expression | None, key: tuple[Column, ...], window: WindowInfo | None
) -> ast.Expression | None:
    """What is left to check of a condition when rows are looked up by its keys and window starts.

    Conditions that differ in the values of keys only leave the same: it is compiled once.
    """
    if where is None:
        return None
    columns = {str(c.name): c for c in key}
    left = [c for c in _conjuncts(where) if not _done_by_lookup(c, columns, window)]
    lists = [c for c in _conjuncts(where) if isinstance(c, ast.In)]
    if len(lists) > 1 or any(len(c.items) > _MOST_KEYS // 10 for c in lists):
        return where
    if not left:
        return None
    found = left[0]
    for more in left[1:]:
        found = ast.Logical(operator="AND", left=found, right=more)
    return found


def _conjuncts(node: ast.Expression) -> Iterator[ast.Expression]:
    if isinstance(node, ast.Logical) and node.operator == "AND":
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _done_by_lookup(
    node: ast.Expression, key: Mapping[str, Column], window: WindowInfo | None
) -> bool:
    if isinstance(node, ast.Comparison | ast.In) and _partial(node, key) is not None:
        return True
    match node:
        case ast.Comparison(operator=operator, left=ast.Column(name=name), right=ast.Integer()) if (
            operator in _TURNED
        ):
            sized = window is not None and window.size_ms is not None
            return window is not None and (name == "WINDOWSTART" or (name == "WINDOWEND" and sized))
    return False


def check_scan(where: ast.Expression | None, source: Source, settings: Mapping[str, str]) -> None:
    """Refuse a query that is no lookup where scans are switched off, or cannot be.

    Raises:
        StatementError: it would need a scan that ``settings`` (the properties in force) forbid.
    """
    if source.window is not None and source.window.kind == "SESSION":
        raise refusal(
            "Table scan unsupported on session tables: the WHERE clause must say which keys, "
            "with = or IN."
        )
    key = source.schema.key
    if settings.get("ksql.query.pull.table.scan.enabled", "true").lower() == "true":
        return
    ranges = settings.get("ksql.query.pull.range.scan.enabled", "true").lower() == "true"
    if where is not None and ranges and len(key) == 1 and _ranged(where, key[0]):
        return
    reason = "Missing WHERE clause. " if where is None else "WHERE clause missing key column. "
    raise refusal(
        f"{reason}Pull queries require a WHERE clause that:\n"
        " - includes a key equality expression, e.g. `SELECT * FROM X WHERE <key-column>=Y;`.\n"
        " - in the case of a multi-column key, is a conjunction of equality expressions that "
        "cover all key columns.\n"
        " - to support range expressions, e.g. `SELECT * FROM X WHERE <key-column>>Y;`, range "
        "scans need to be enabled by setting ksql.query.pull.range.scan.enabled=true\n"
        "If more flexible queries are needed, table scans can be enabled by setting "
        "ksql.query.pull.table.scan.enabled=true."
    )


def _ranged(node: ast.Expression, key: Column) -> bool:
    match node:
        case ast.Logical(operator=operator, left=left, right=right):
            sides = _ranged(left, key), _ranged(right, key)
            return any(sides) if operator == "AND" else all(sides)
        case ast.Comparison(operator=operator, left=left, right=right):
            named = (left, right)
            return operator in {*_RANGES, "="} and any(
                isinstance(n, ast.Column) and n.name == key.name for n in named
            )
        case ast.Between(operand=ast.Column(name=name), negated=False):
            return name == key.name
    return False


def window_starts(where: ast.Expression | None, window: WindowInfo | None) -> tuple[int, int]:
    """The first and the last start, in ms, of the windows that can satisfy ``where``.

    The whole condition is still to be applied to what is found.
    """
    bounds = [0, _LONG_MAX]
    if where is not None and window is not None:
        _narrow(where, window, bounds)
    return bounds[0], bounds[1]


def _narrow(node: ast.Expression, window: WindowInfo, bounds: list[int]) -> None:
    match node:
        case ast.Logical(operator="AND", left=left, right=right):
            _narrow(left, window, bounds)
            _narrow(right, window, bounds)
        case ast.Comparison(
            operator=operator, left=ast.Column(name=name), right=ast.Integer(value=value)
        ) if operator in _TURNED:
            _bound(name, operator, value, window, bounds)
        case ast.Comparison(
            operator=operator, left=ast.Integer(value=value), right=ast.Column(name=name)
        ) if operator in _TURNED:
            _bound(name, _TURNED[operator], value, window, bounds)
        case ast.Between(
            operand=ast.Column(name=name),
            low=ast.Integer(value=low),
            high=ast.Integer(value=high),
            negated=False,
        ):
            _bound(name, ">=", low, window, bounds)
            _bound(name, "<=", high, window, bounds)


def _bound(name: str, operator: str, value: int, window: WindowInfo, bounds: list[int]) -> None:
    if name == "WINDOWEND" and window.size_ms is not None:
        value -= window.size_ms
    elif name != "WINDOWSTART":
        return
    if operator in {"=", ">", ">="}:
        bounds[0] = max(bounds[0], value + (operator == ">"))
    if operator in {"=", "<", "<="}:
        bounds[1] = min(bounds[1], value - (operator == "<"))
