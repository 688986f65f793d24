"""Parse trees to AST nodes: queries and statements.

One method per rule; names follow grammar.lark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lark import Token, Tree
from lark.tree import Meta

from lab.ksqldb.errors import StatementError, SyntaxFault
from lab.ksqldb.names import ColumnName, QueryId, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.build_admin import AdminBuilder
from lab.ksqldb.sql.build_expressions import at, unquote
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.spans import TIME_UNITS, Span, Within
from lab.ksqldb.sql.types import SqlType


class _Statements(AdminBuilder):
    """Queries and statements."""

    def select_as(
        self, meta: Meta, expression: ast.Expression, alias: str | None
    ) -> ast.SelectItem:
        return ast.SelectItem(
            expression=expression,
            alias=None if alias is None else ColumnName(alias),
            at=at(meta),
        )

    def alias(self, _meta: Meta, name: str) -> str:
        return name

    def select_star(self, meta: Meta, source: str | None = None) -> ast.SelectStar:
        return ast.SelectStar(source=None if source is None else SourceName(source), at=at(meta))

    def source_plain(self, meta: Meta, name: str) -> ast.From:
        return ast.From(source=SourceName(name), alias=SourceName(name), at=at(meta))

    def source_alias(self, meta: Meta, name: str, alias: str) -> ast.From:
        return ast.From(source=SourceName(name), alias=SourceName(alias), at=at(meta))

    def select_struct(self, meta: Meta, base: ast.Expression) -> ast.SelectStruct:
        return ast.SelectStruct(base=base, at=at(meta))

    def inner_join(self, _meta: Meta) -> str:
        return "INNER"

    def outer_join(self, _meta: Meta, side: Token) -> str:
        return side.upper()

    def span(self, _meta: Meta, amount: Token, unit: Token) -> Span:
        name = unit.upper()
        plural = name if name.endswith("S") else f"{name}S"
        if plural not in TIME_UNITS:
            line, column = unit.line or 1, unit.column or 1
            raise SyntaxFault(
                f"Syntax error at or near '{unit}' at line {line}:{column}: "
                "a unit of time is expected, such as SECONDS",
                line=line,
                column=column,
            )
        return Span(int(amount), plural)

    def within(self, _meta: Meta, before: Span, grace: Span | None) -> Within:
        return Within(before, None, grace)

    def within_both(self, _meta: Meta, before: Span, after: Span, grace: Span | None) -> Within:
        return Within(before, after, grace)

    def join(
        self,
        meta: Meta,
        kind: ast.JoinKind | None,
        right: ast.From,
        within: Within | None,
        criteria: ast.Expression,
    ) -> ast.Join:
        return ast.Join(
            kind=kind or "INNER", right=right, within=within, criteria=criteria, at=at(meta)
        )

    def tumbling(self, meta: Meta, size: Span, *rest: Span | None) -> ast.Window:
        retention, grace = rest
        return ast.Window(kind="TUMBLING", size=size, retention=retention, grace=grace, at=at(meta))

    def hopping(self, meta: Meta, size: Span, advance: Span, *rest: Span | None) -> ast.Window:
        retention, grace = rest
        return ast.Window(
            kind="HOPPING",
            size=size,
            advance=advance,
            retention=retention,
            grace=grace,
            at=at(meta),
        )

    def session(self, meta: Meta, gap: Span, *rest: Span | None) -> ast.Window:
        retention, grace = rest
        return ast.Window(kind="SESSION", size=gap, retention=retention, grace=grace, at=at(meta))

    def window(self, _meta: Meta, kind: ast.Window) -> tuple[str, Any]:
        return "window", kind

    def where(self, _meta: Meta, expression: ast.Expression) -> tuple[str, Any]:
        return "where", expression

    def grouping(self, _meta: Meta, *expressions: ast.Expression) -> tuple[ast.Expression, ...]:
        return expressions

    def group_by(self, _meta: Meta, expressions: tuple[ast.Expression, ...]) -> tuple[str, Any]:
        if not expressions:
            raise StatementError(
                "Failed to prepare statement: GROUP BY requires at least one expression"
            )
        return "group_by", expressions

    def partition_by(self, _meta: Meta, expressions: tuple[ast.Expression, ...]) -> tuple[str, Any]:
        return "partition_by", expressions

    def having(self, _meta: Meta, expression: ast.Expression) -> tuple[str, Any]:
        return "having", expression

    def emit(self, _meta: Meta, which: Token) -> tuple[str, Any]:
        return "emit", which.upper()

    def limit(self, _meta: Meta, *tokens: Any) -> tuple[str, Any]:
        return "limit", int(tokens[-1]) * (-1 if len(tokens) > 1 else 1)

    def query(self, meta: Meta, *parts: Any) -> ast.Query:
        found = [p for p in parts if p is not None]
        return ast.Query(
            select=tuple(p for p in found if isinstance(p, ast.Selected)),
            source=next(p for p in found if isinstance(p, ast.From)),
            joins=tuple(p for p in found if isinstance(p, ast.Join)),
            **dict(p for p in found if isinstance(p, tuple)),
            at=at(meta),
        )

    def query_statement(self, meta: Meta, query: ast.Query) -> ast.Statement:
        return ast.QueryStatement(query=query, at=at(meta))

    def columns(
        self, _meta: Meta, *columns: ast.ColumnDefinition
    ) -> tuple[ast.ColumnDefinition, ...]:
        return columns

    def property_value(self, _meta: Meta, value: Any) -> Any:
        return value

    def property(self, _meta: Meta, name: Token, value: ast.Expression) -> tuple[str, Any]:
        key = (unquote(name) if name.type == "STRING" else str(name)).upper()
        match value:
            case ast.Exact(text=text):
                return key, float(text)
            case ast.Integer(value=v) | ast.Text(value=v) | ast.Boolean(value=v):
                return key, v
        raise AssertionError(value)

    def with_clause(self, _meta: Meta, *properties: tuple[str, Any]) -> ast.Properties:
        names = [name for name, _ in properties]
        for name in names:
            if names.count(name) > 1:
                raise StatementError(
                    f"Failed to prepare statement: Duplicate property in the WITH clause: {name}"
                )
        return properties

    def create_source(  # noqa: PLR0917 - one per part of the rule
        self,
        meta: Meta,
        replace: bool | None,
        read_only: Token | None,
        kind: ast.SourceKind,
        if_not_exists: bool | None,
        name: str,
        columns: tuple[ast.ColumnDefinition, ...] | None,
        properties: ast.Properties | None,
    ) -> ast.Statement:
        seen: set[str] = set()
        for column in columns or ():
            if column.name in seen:
                raise StatementError(
                    f"Failed to prepare statement: Duplicate column names: {quote(column.name)}"
                )
            seen.add(column.name)
        return ast.CreateSource(
            kind=kind,
            name=SourceName(name),
            columns=columns or (),
            properties=properties or (),
            or_replace=bool(replace),
            if_not_exists=bool(if_not_exists),
            read_only=read_only is not None,
            at=at(meta),
        )

    def create_inferred(  # noqa: PLR0917 - one per part of the rule
        self,
        meta: Meta,
        replace: bool | None,
        read_only: Token | None,
        kind: ast.SourceKind,
        if_not_exists: bool | None,
        name: str,
        properties: ast.Properties,
    ) -> ast.Statement:
        return self.create_source(
            meta, replace, read_only, kind, if_not_exists, name, (), properties
        )

    def create_as(  # noqa: PLR0917 - one per part of the rule
        self,
        meta: Meta,
        replace: bool | None,
        kind: ast.SourceKind,
        if_not_exists: bool | None,
        name: str,
        properties: ast.Properties | None,
        query: ast.Query,
    ) -> ast.Statement:
        return ast.CreateAsSelect(
            kind=kind,
            name=SourceName(name),
            properties=properties or (),
            query=query,
            or_replace=bool(replace),
            if_not_exists=bool(if_not_exists),
            at=at(meta),
        )

    def names(self, _meta: Meta, *names: str) -> tuple[ColumnName, ...]:
        return tuple(ColumnName(n) for n in names)

    def insert_values(
        self,
        meta: Meta,
        target: str,
        columns: tuple[ColumnName, ...] | None,
        values: tuple[ast.Expression, ...] | None,
    ) -> ast.Statement:
        if not values:
            raise StatementError(
                "Failed to prepare statement: Expected some values for INSERT INTO statement."
            )
        if columns and len(columns) != len(values):
            raise StatementError(
                "Failed to prepare statement: Expected number columns and values to match: "
                f"{len(columns)}, {len(values)}"
            )
        return ast.InsertValues(
            target=SourceName(target), columns=columns or (), values=values, at=at(meta)
        )

    def insert_select(
        self, meta: Meta, target: str, properties: ast.Properties | None, query: ast.Query
    ) -> ast.Statement:
        return ast.InsertSelect(
            target=SourceName(target), query=query, properties=properties or (), at=at(meta)
        )

    def drop(
        self,
        meta: Meta,
        kind: ast.SourceKind,
        if_exists: bool | None,
        name: str,
        delete_topic: bool | None,
    ) -> ast.Statement:
        return ast.Drop(
            kind=kind,
            name=SourceName(name),
            if_exists=bool(if_exists),
            delete_topic=bool(delete_topic),
            at=at(meta),
        )

    def drop_type(self, meta: Meta, if_exists: bool | None, name: str) -> ast.Statement:
        return ast.DropType(name=name, if_exists=bool(if_exists), at=at(meta))

    def query_ref(self, _meta: Meta, ref: Token | str) -> QueryId | None:
        is_all = isinstance(ref, Token) and ref.type == "ALL"
        return None if is_all else QueryId(ref)

    def terminate(self, meta: Meta, query: QueryId | None) -> ast.Statement:
        return ast.Terminate(query=query, at=at(meta))

    def pause(self, meta: Meta, query: QueryId | None) -> ast.Statement:
        return ast.PauseResume(resume=False, query=query, at=at(meta))

    def resume(self, meta: Meta, query: QueryId | None) -> ast.Statement:
        return ast.PauseResume(resume=True, query=query, at=at(meta))

    def show(
        self, meta: Meta, everything: Token | None, what: Token, extended: Token | None
    ) -> ast.Statement:
        return ast.Show(
            what=what.upper(),
            everything=everything is not None,
            extended=extended is not None,
            at=at(meta),
        )

    def describe(self, meta: Meta, name: str, extended: Token | None) -> ast.Statement:
        return ast.Describe(name=SourceName(name), extended=extended is not None, at=at(meta))

    def describe_extended(self, meta: Meta, _: Token, name: str) -> ast.Statement:
        return ast.Describe(name=SourceName(name), extended=True, at=at(meta))

    def describe_function(self, meta: Meta, name: str) -> ast.Statement:
        return ast.DescribeFunction(name=name, at=at(meta))

    def explain_query(self, meta: Meta, name: str) -> ast.Statement:
        return ast.Explain(query=QueryId(name), statement=None, at=at(meta))

    def explain_statement(self, meta: Meta, statement: ast.Statement) -> ast.Statement:
        return ast.Explain(query=None, statement=statement, at=at(meta))

    def set_property(self, meta: Meta, name: Token, value: Token) -> ast.Statement:
        return ast.SetProperty(name=unquote(name), value=unquote(value), at=at(meta))

    def unset_property(self, meta: Meta, name: Token) -> ast.Statement:
        return ast.UnsetProperty(name=unquote(name), at=at(meta))


def build(tree: Tree[Token], custom_types: Mapping[str, SqlType]) -> ast.Statement:
    """The statement of a parse tree.

    Raises:
        StatementError: the text is grammatical but cannot be prepared.
    """
    built: ast.Statement = _Statements(custom_types).build(tree)
    return built
