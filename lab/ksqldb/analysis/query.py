"""A SELECT, resolved and checked against a catalog.

After analysis, column references carry no qualifier: they name columns of the scope.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis.grouping import Grouping, aggregate_calls
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.joins import (
    JoinedSource,
    analyze_joins,
    never_null,
    qualify_criteria,
    synthetic_key,
)
from lab.ksqldb.analysis.naming import ColumnNames
from lab.ksqldb.analysis.partitioning import check_partition_by, partition_key
from lab.ksqldb.analysis.sources import Scope, bind
from lab.ksqldb.analysis.tables import table_calls
from lab.ksqldb.analysis.timestamps import rewrite_times
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.analysis.windows import Windowing, refuse_bounds, windowing
from lab.ksqldb.catalog import RESERVED_COLUMNS, Catalog, Source
from lab.ksqldb.errors import NotSupported, StatementError
from lab.ksqldb.functions.registry import Kind, Registry
from lab.ksqldb.names import SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import Base, Struct
from lab.ksqldb.sql.walk import rewrite


@dataclass(frozen=True, slots=True)
class AnalyzedQuery:
    """A query, its stars expanded and its columns named.

    Expressions name the columns of ``scope``.
    """

    scope: Scope
    joins: tuple[JoinedSource, ...]
    items: tuple[Item, ...]
    widths: tuple[int, ...]
    """How many items each part of the SELECT as written stands for."""
    where: ast.Expression | None
    group_by: tuple[ast.Expression, ...]
    partition_by: tuple[Item, ...]
    """The new key's columns; ``repartitioned`` tells no PARTITION BY from PARTITION BY NULL."""
    repartitioned: bool
    having: ast.Expression | None
    emit: ast.Emit | None
    limit: int | None
    aggregates: tuple[ast.Call, ...]
    """The distinct aggregate calls, in order of appearance; COUNT(*) reads ROWTIME."""
    table_calls: tuple[ast.Call, ...]
    """The calls of table functions in the items, in order of appearance."""
    window: Windowing | None = None

    @property
    def source(self) -> Source:
        """The first source, the only one of a query without joins."""
        return self.scope.bounds[0].source

    @property
    def sources(self) -> tuple[SourceName, ...]:
        """The names of all sources."""
        return tuple(b.source.name for b in self.scope.bounds)

    @property
    def is_aggregate(self) -> bool:
        """Whether rows are grouped."""
        return bool(self.aggregates or self.group_by)

    @property
    def from_table(self) -> bool:
        """Whether what is filtered, grouped and projected is a table."""
        return self.joins[-1].gives_table if self.joins else self.source.is_table

    @property
    def makes_table(self) -> bool:
        """Whether the result is a table."""
        return self.is_aggregate or self.from_table


def analyze(
    query: ast.Query,
    catalog: Catalog,
    functions: Registry,
    *,
    pull: bool = False,
    persistent: bool = False,
) -> AnalyzedQuery:
    """Resolve and check a query; ``pull`` has the rules for expressions of pull queries.

    A ``persistent`` one is the query of a CREATE … AS SELECT or INSERT INTO.

    Raises:
        StatementError: it is refused.
    """
    scope = bind(query, catalog)
    joins = analyze_joins(query, scope, functions)
    window = _window(query, scope, joins, persistent=persistent)
    scope = dataclasses.replace(
        scope,
        synthetic=synthetic_key(joins, scope),
        counted=never_null(joins, scope),
        grouped_in_windows=window is not None,
        transient=not persistent,
    )
    resolver = _Resolver(scope, functions)
    interpreted = pull and all(b.source.is_table for b in scope.bounds)
    typing = Typing(scope.columns(), functions, interpreted=interpreted)
    names = ColumnNames(scope)
    keys = tuple(resolver.resolve(p, "PARTITION BY") for p in query.partition_by)
    partition_by = partition_key(keys, ColumnNames(scope))
    items, widths = _Projection(query, scope, resolver, typing, names, partition_by).items()
    where = resolver.clause(query.where, "WHERE")
    where = None if where is None else rewrite_times(where, scope.times())
    group_by = tuple(resolver.resolve(g, "GROUP BY") for g in query.group_by)
    having = resolver.clause(query.having, "HAVING")
    if where is not None:
        _check_where(where, typing)
    expressions = tuple(i.expression for i in items)
    calls = aggregate_calls((*expressions, *([] if having is None else [having])), functions)
    from_table = joins[-1].gives_table if joins else scope.bounds[0].source.is_table
    analyzed = AnalyzedQuery(
        scope=scope,
        joins=joins,
        items=items,
        widths=widths,
        where=where,
        group_by=group_by,
        partition_by=partition_by,
        repartitioned=bool(query.partition_by),
        having=having,
        emit=query.emit,
        limit=query.limit,
        aggregates=calls,
        table_calls=table_calls(
            expressions,
            functions,
            over_table=from_table,
            aggregates=bool(calls or group_by),
            limited=query.limit is not None,
        ),
        window=window,
    )
    if window is not None:
        _check_bounds(analyzed)
    if analyzed.repartitioned:
        check_partition_by(
            keys, analyzed.from_table, analyzed.is_aggregate, scope, typing, functions
        )
    if analyzed.is_aggregate:
        Grouping(
            expressions, group_by, having, calls, over_table=from_table, windowed=window is not None
        ).check(functions)
    elif having is not None:
        raise StatementError("HAVING requires a GROUP BY clause.")
    elif not analyzed.table_calls:
        for item in items:
            typing.known(item.expression)
    if persistent:
        _check_reserved(items)
    return analyzed


def _window(
    query: ast.Query, scope: Scope, joins: tuple[JoinedSource, ...], *, persistent: bool
) -> Windowing | None:
    source = scope.bounds[0].source
    from_table = joins[-1].gives_table if joins else source.is_table
    if source.window is not None and from_table:
        if persistent:
            raise StatementError("KSQL does not support persistent queries on windowed tables.")
        if query.group_by:
            raise StatementError("GROUP BY is not supported on windowed tables.")
    if query.window is None:
        if query.emit == "FINAL":
            raise StatementError("EMIT FINAL is only supported for windowed aggregations.")
        return None
    if not query.group_by:
        raise StatementError("WINDOW clause requires a GROUP BY clause.")
    if from_table:
        raise StatementError("Windowing not supported for table aggregations.")
    return windowing(query.window, final=query.emit == "FINAL")


def _check_bounds(query: AnalyzedQuery) -> None:
    """The bounds of the windows are known once rows are grouped: the projection alone has them."""
    for node in (*query.group_by, *query.aggregates, query.having):
        if node is not None:
            refuse_bounds(node)


def _check_reserved(items: tuple[Item, ...]) -> None:
    for item in items:
        if item.name in RESERVED_COLUMNS:
            raise StatementError(
                f"Reserved column name in select: {quote(item.name)}. "
                "Please remove or alias the column."
            )


class _Resolver:
    """Turns written column references into those of the scope."""

    def __init__(self, scope: Scope, functions: Registry) -> None:
        self._scope = scope
        self._functions = functions

    def _takes_rowtime(self, call: ast.Call) -> bool:
        """Aggregates and table functions without arguments read ROWTIME, as with a star."""
        function = self._functions.find(call.name)
        many = function is not None and function.kind is not Kind.SCALAR
        return call.star or (many and not call.arguments)

    def clause(self, node: ast.Expression | None, name: str) -> ast.Expression | None:
        return None if node is None else self.resolve(node, name)

    def resolve(self, node: ast.Expression, clause: str) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            if isinstance(found, ast.Call) and self._takes_rowtime(found):
                rowtime = ast.Column(name=self._scope.rowtime(), at=found.at)
                return dataclasses.replace(found, arguments=(rowtime,), star=False)
            return self._scope.resolve(found, clause) if isinstance(found, ast.Column) else None

        return rewrite(node, column)


class _Projection:
    """Expands stars and names columns."""

    def __init__(  # noqa: PLR0917 - made in one place only
        self,
        query: ast.Query,
        scope: Scope,
        resolver: _Resolver,
        typing: Typing,
        names: ColumnNames,
        partition_by: tuple[Item, ...],
    ) -> None:
        self._query = query
        self._scope = scope
        self._resolver = resolver
        self._typing = typing
        self._names = names
        self._partition_by = partition_by

    def items(self) -> tuple[tuple[Item, ...], tuple[int, ...]]:
        """The columns of the result, and how many each part of the SELECT gives."""
        found: list[Item] = []
        widths = []
        for selected in self._query.select:
            before = len(found)
            match selected:
                case ast.SelectStar():
                    found += self._star(selected)
                case ast.SelectStruct():
                    found += self._fields(selected)
                case ast.SelectItem():
                    found.append(self._item(selected))
            widths.append(len(found) - before)
        return tuple(found), tuple(widths)

    def _item(self, selected: ast.SelectItem) -> Item:
        if selected.alias in RESERVED_COLUMNS:
            raise StatementError(
                f"{quote(str(selected.alias))} is a reserved column name. "
                "You cannot use it as an alias for a column."
            )
        node = self._resolver.resolve(selected.expression, "SELECT")
        return Item(selected.alias or self._names.of(node), node)

    def _star(self, selected: ast.SelectStar) -> list[Item]:
        columns = list(self._scope.star(selected.source))
        if not self._query.partition_by:
            return [Item(name, ast.Column(name=name)) for name in columns]
        keys = self._partition_by
        of_keys = {k.name for k in keys}
        # The old key stands behind the values of its source, as it does in the rows.
        rest = [
            self._scope.name(bound, name)
            for bound in self._scope.bounds
            if selected.source in {None, bound.alias}
            for name in (
                *(c.name for c in bound.source.schema.value),
                *(c.name for c in bound.source.schema.key),
                *(c.name for c in bound.source.headers),
            )
        ]
        if self._scope.synthetic is not None and selected.source is None:
            rest.append(self._scope.synthetic.name)
        first = [k for k in keys if not isinstance(k.expression, ast.Column) or k.name in columns]
        return first + [Item(n, ast.Column(name=n)) for n in rest if n not in of_keys]

    def _fields(self, selected: ast.SelectStruct) -> list[Item]:
        base = self._resolver.resolve(selected.base, "SELECT")
        type_ = self._typing.known(base)
        if not isinstance(type_, Struct):
            raise StatementError(f"'->*' is for structs: {text_of(selected.base)} is {type_}")
        fields = [ast.Dereference(base=base, member=f.name) for f in type_.fields]
        return [Item(self._names.of(f), f) for f in fields]


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


def qualified(query: ast.Query, analyzed: AnalyzedQuery) -> ast.Query:
    """The query with every column qualified and every item named, as ksqlDB shows it."""
    scope = analyzed.scope

    def qualify(node: ast.Expression) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            if isinstance(found, ast.Column):
                return scope.written(scope.resolve(found, "SELECT"))
            return None

        return rewrite(node, column)

    select: list[ast.Selected] = []
    position = 0
    for selected, width in zip(query.select, analyzed.widths, strict=True):
        name = analyzed.items[position].name if width else None
        position += width
        match selected:
            case ast.SelectStar():
                select.append(selected)
            case ast.SelectStruct(base=base):
                select.append(dataclasses.replace(selected, base=qualify(base)))
            case ast.SelectItem(expression=expression):
                select.append(
                    dataclasses.replace(selected, expression=qualify(expression), alias=name)
                )
    return dataclasses.replace(
        query,
        select=tuple(select),
        joins=tuple(qualify_criteria(join, scope) for join in query.joins),
        where=None if query.where is None else qualify(query.where),
        group_by=tuple(qualify(g) for g in query.group_by),
        partition_by=tuple(qualify(p) for p in query.partition_by),
        having=None if query.having is None else qualify(query.having),
        emit=query.emit or "CHANGES",
    )
