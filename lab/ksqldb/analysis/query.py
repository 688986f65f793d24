"""A SELECT, resolved and checked against a catalog.

After analysis, column references carry no qualifier: they name columns of the one source.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis.timestamps import rewrite_times
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import PSEUDO_COLUMNS, RESERVED_COLUMNS, Catalog, Source
from lab.ksqldb.errors import NotSupported, StatementError, UnknownColumn
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import Base, SqlType
from lab.ksqldb.sql.walk import rewrite, walk


@dataclass(frozen=True, slots=True)
class Item:
    """A column of the result."""

    name: ColumnName
    expression: ast.Expression


@dataclass(frozen=True, slots=True)
class AnalyzedQuery:
    """A query over one source, its stars expanded and its columns named."""

    source: Source
    alias: SourceName
    items: tuple[Item, ...]
    where: ast.Expression | None
    group_by: tuple[ast.Expression, ...]
    having: ast.Expression | None
    emit: ast.Emit | None
    limit: int | None
    aggregates: tuple[ast.Call, ...]
    """The distinct aggregate calls, in order of appearance; COUNT(*) reads ROWTIME."""

    @property
    def is_aggregate(self) -> bool:
        """Whether rows are grouped."""
        return bool(self.aggregates or self.group_by)

    @property
    def makes_table(self) -> bool:
        """Whether the result is a table."""
        return self.is_aggregate or self.source.is_table


def source_columns(source: Source) -> dict[str, SqlType]:
    """Every column that a query over the source can name, pseudo columns included."""
    found = {str(c.name): c.type for c in source.schema.columns}
    return found | PSEUDO_COLUMNS


def analyze(query: ast.Query, catalog: Catalog, functions: Registry) -> AnalyzedQuery:
    """Resolve and check a query.

    Raises:
        StatementError: it is refused.
    """
    source = _source(query.source, catalog)
    for join in query.joins:
        _source(join.right, catalog)
    _refuse_missing(query)
    resolver = _Resolver(source, query.source.alias)
    items = _items(query, source, resolver)
    where = resolver.clause(query.where, "WHERE")
    where = None if where is None else rewrite_times(where)
    group_by = tuple(resolver.resolve(g, "GROUP BY") for g in query.group_by)
    having = resolver.clause(query.having, "HAVING")
    typing = Typing(source_columns(source), functions)
    if where is not None:
        _check_where(where, typing)
    calls = _aggregates(items, having, functions)
    analyzed = AnalyzedQuery(
        source=source,
        alias=query.source.alias,
        items=items,
        where=where,
        group_by=group_by,
        having=having,
        emit=query.emit,
        limit=query.limit,
        aggregates=calls,
    )
    if analyzed.is_aggregate:
        _check_grouping(analyzed, functions)
    elif having is not None:
        raise StatementError("HAVING requires a GROUP BY clause.")
    else:
        for item in items:
            typing.known(item.expression)
    if query.emit == "FINAL":
        raise StatementError("EMIT FINAL is only supported for windowed aggregations.")
    return analyzed


def _source(wanted: ast.From, catalog: Catalog) -> Source:
    source = catalog.source(wanted.source)
    if source is None:
        near = [s.name for s in catalog.sources() if s.name.upper() == wanted.source.upper()]
        hint = (
            f"\nDid you mean {near[0]}? Hint: try removing double quotes from the source name."
            if near
            else ""
        )
        raise StatementError(
            f"Exception while preparing statement: {wanted.source} does not exist.{hint}"
        )
    return source


def _refuse_missing(query: ast.Query) -> None:
    if query.joins:
        raise NotSupported("JOIN")
    if query.window is not None:
        raise NotSupported(f"WINDOW {query.window.kind}")
    if query.partition_by:
        raise NotSupported("PARTITION BY")


class _Resolver:
    """Turns written column references into plain ones."""

    def __init__(self, source: Source, alias: SourceName) -> None:
        self._alias = alias
        self._columns = source_columns(source)

    def clause(self, node: ast.Expression | None, name: str) -> ast.Expression | None:
        return None if node is None else self.resolve(node, name)

    def resolve(self, node: ast.Expression, clause: str) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            if isinstance(found, ast.Call) and found.star:
                rowtime = ast.Column(name=ColumnName("ROWTIME"), at=found.at)
                return dataclasses.replace(found, arguments=(rowtime,), star=False)
            if not isinstance(found, ast.Column):
                return None
            if found.source not in {None, self._alias} or found.name not in self._columns:
                raise UnknownColumn(
                    f"Line: {found.at.line}, Col: {found.at.column}: {clause} column "
                    f"'{text_of(found).replace('`', '')}' cannot be resolved."
                )
            return ast.Column(name=found.name, at=found.at)

        return rewrite(node, column)


def _items(query: ast.Query, source: Source, resolver: _Resolver) -> tuple[Item, ...]:
    expanded: list[tuple[ast.Expression, ColumnName | None]] = []
    for selected in query.select:
        if isinstance(selected, ast.SelectStar):
            if selected.source not in {None, query.source.alias}:
                raise StatementError(
                    f"Failed to prepare statement: '{selected.source}' is not a valid "
                    "stream/table name or alias."
                )
            expanded += [(ast.Column(name=c.name), c.name) for c in source.schema.columns]
        else:
            if selected.alias in RESERVED_COLUMNS:
                raise StatementError(
                    f"{quote(str(selected.alias))} is a reserved column name. "
                    "You cannot use it as an alias for a column."
                )
            expanded.append((resolver.resolve(selected.expression, "SELECT"), selected.alias))
    items = []
    count = 0
    for node, alias in expanded:
        name = alias or _own_name(node)
        if name is None:
            name = ColumnName(f"KSQL_COL_{count}")
            count += 1
        items.append(Item(name, node))
    return tuple(items)


def _own_name(node: ast.Expression) -> ColumnName | None:
    match node:
        case ast.Column(name=name):
            return name
        case ast.Dereference(member=member):
            return ColumnName(member)
    return None


def _check_where(where: ast.Expression, typing: Typing) -> None:
    try:
        found = typing.of(where)
    except NotSupported:
        raise
    except StatementError as error:
        raise StatementError(f"Error in WHERE expression: {error.message}") from None
    if found is None or found.base is not Base.BOOLEAN:
        raise StatementError(
            "Type error in WHERE expression: Should evaluate to boolean but is "
            f"{text_of(where)} ({found}) instead.\nStatement: {text_of(where)}"
        )


def _aggregates(
    items: tuple[Item, ...], having: ast.Expression | None, functions: Registry
) -> tuple[ast.Call, ...]:
    found: list[ast.Call] = []
    roots = [i.expression for i in items] + ([] if having is None else [having])
    for root in roots:
        for node in walk(root):
            if not isinstance(node, ast.Call) or not functions.is_aggregate(node.name):
                continue
            inner = [n for a in node.arguments for n in walk(a)]
            if any(isinstance(n, ast.Call) and functions.is_aggregate(n.name) for n in inner):
                raise StatementError(f"Aggregate functions can not be nested: {text_of(node)}")
            if node not in found:
                found.append(node)
    return tuple(found)


def _check_grouping(query: AnalyzedQuery, functions: Registry) -> None:
    if not query.aggregates:
        raise StatementError(
            "GROUP BY requires aggregate functions in either the SELECT or HAVING clause."
        )
    loose = [
        text_of(i.expression)
        for i in query.items
        if not _grouped(i.expression, query.group_by, functions)
    ]
    if loose:
        raise StatementError(
            f"Non-aggregate SELECT expression(s) not part of GROUP BY: {', '.join(loose)}\n"
            "Either add the column(s) to the GROUP BY or remove them from the SELECT."
        )
    if query.having is not None and not _grouped(query.having, query.group_by, functions):
        names = [text_of(n) for n in walk(query.having) if isinstance(n, ast.Column)]
        raise StatementError(
            f"Non-aggregate HAVING expression not part of GROUP BY: {', '.join(names)}\n"
            "Consider switching the HAVING clause to a WHERE clause before the GROUP BY."
        )
    for call in query.aggregates:
        function = functions.get(call.name)
        if query.source.is_table and not function.over_tables:
            raise StatementError(
                f"The aggregation function {function.name} cannot be applied to a table source, "
                "only to a stream source."
            )
    if query.source.is_table:
        raise NotSupported("Aggregation of a table")


def _grouped(
    node: ast.Expression, group_by: tuple[ast.Expression, ...], functions: Registry
) -> bool:
    if node in group_by:
        return True
    if isinstance(node, ast.Call) and functions.is_aggregate(node.name):
        return True
    if isinstance(node, ast.Column):
        return False
    below = [n for n in _children(node) if isinstance(n, ast.Expression)]
    return all(_grouped(n, group_by, functions) for n in below)


def _children(node: ast.Node) -> list[ast.Node]:
    found: list[ast.Node] = []
    for field in dataclasses.fields(node):
        _collect(getattr(node, field.name), found)
    return found


def _collect(value: object, found: list[ast.Node]) -> None:
    if isinstance(value, ast.When):
        found += [value.condition, value.result]
    elif isinstance(value, ast.Node):
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)


def qualified(query: ast.Query, analyzed: AnalyzedQuery) -> ast.Query:
    """The query with every column qualified and every item named, as ksqlDB shows it."""
    alias = analyzed.alias

    def qualify(node: ast.Expression) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            if isinstance(found, ast.Column):
                return dataclasses.replace(found, source=alias)
            return None

        return rewrite(node, column)

    select: list[ast.SelectItem | ast.SelectStar] = []
    position = 0
    for selected in query.select:
        if isinstance(selected, ast.SelectStar):
            select.append(selected)
            position += len(analyzed.source.schema.columns)
            continue
        name = analyzed.items[position].name
        position += 1
        select.append(
            dataclasses.replace(selected, expression=qualify(selected.expression), alias=name)
        )
    return dataclasses.replace(
        query,
        select=tuple(select),
        where=None if query.where is None else qualify(query.where),
        group_by=tuple(qualify(g) for g in query.group_by),
        having=None if query.having is None else qualify(query.having),
        emit=query.emit or "CHANGES",
    )
