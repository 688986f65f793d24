"""Parse trees to AST nodes: statements about types, topics, connectors, variables and the like.

One method per rule; names follow grammar.lark.
"""

# ruff: noqa: D102 - each method is the grammar rule of its name

from __future__ import annotations

from typing import Any

from lark import Token
from lark.tree import Meta

from lab.ksqldb.errors import StatementError
from lab.ksqldb.names import SourceName
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.build_expressions import ExpressionBuilder, at, unquote
from lab.ksqldb.sql.types import SqlType

_UNITS_MS = {
    "MILLISECOND": 1,
    "SECOND": 1000,
    "MINUTE": 60_000,
    "HOUR": 3_600_000,
    "DAY": 86_400_000,
}


class AdminBuilder(ExpressionBuilder):
    """Statements that are neither queries nor about one source alone."""

    def create_type(
        self, meta: Meta, if_not_exists: bool | None, name: str, type_: SqlType
    ) -> ast.Statement:
        return ast_admin.CreateType(
            name=name, type=type_, if_not_exists=bool(if_not_exists), at=at(meta)
        )

    def added(self, meta: Meta, name: str, type_: SqlType) -> ast.ColumnDefinition:
        return ast.ColumnDefinition(name=name, type=type_, at=at(meta))  # type: ignore[arg-type] # a column's name

    def alter(
        self, meta: Meta, kind: ast.SourceKind, name: str, *columns: ast.ColumnDefinition
    ) -> ast.Statement:
        return ast_admin.Alter(kind=kind, name=SourceName(name), columns=columns, at=at(meta))

    def alter_system(self, meta: Meta, name: Token, value: Token) -> ast.Statement:
        return ast_admin.AlterSystem(name=unquote(name), value=unquote(value), at=at(meta))

    def resource(self, _meta: Meta, token: Token) -> str:
        # Topics and subjects keep the case they are written in.
        return str(token) if token.type == "IDENT" else str(token)[1:-1]

    def timeout(self, _meta: Meta, amount: Token, unit: Token) -> int:
        name = unit.upper().removesuffix("S")
        if name not in _UNITS_MS:
            raise StatementError(f"Failed to prepare statement: Unknown time unit: {unit}")
        return int(amount) * _UNITS_MS[name]

    def not_exists(self, _meta: Meta) -> bool:
        return True

    def assert_topic(
        self,
        meta: Meta,
        absent: bool | None,
        topic: str,
        properties: ast.Properties | None,
        timeout_ms: int | None,
    ) -> ast.Statement:
        return ast_admin.AssertTopic(
            topic=topic,
            properties=properties or (),
            timeout_ms=timeout_ms,
            exists=not absent,
            at=at(meta),
        )

    def assert_schema(
        self,
        meta: Meta,
        absent: bool | None,
        subject: str | None,
        schema_id: Token | None,
        timeout_ms: int | None,
    ) -> ast.Statement:
        return ast_admin.AssertSchema(
            subject=subject,
            schema_id=None if schema_id is None else int(schema_id),
            timeout_ms=timeout_ms,
            exists=not absent,
            at=at(meta),
        )

    def define(self, meta: Meta, name: Token, value: Token) -> ast.Statement:
        return ast_admin.Define(name=str(name), value=unquote(value), at=at(meta))

    def undefine(self, meta: Meta, name: Token) -> ast.Statement:
        return ast_admin.Undefine(name=str(name), at=at(meta))

    def describe_all(self, meta: Meta, what: Token, extended: Token | None) -> ast.Statement:
        return ast_admin.DescribeAll(what=what.upper(), extended=extended is not None, at=at(meta))

    def create_connector(
        self,
        meta: Meta,
        kind: Token,
        if_not_exists: bool | None,
        name: str,
        properties: ast.Properties,
    ) -> ast.Statement:
        return ast_admin.CreateConnector(
            kind="SOURCE" if kind.upper() == "SOURCE" else "SINK",
            name=name,
            properties=tuple((key, _text(value)) for key, value in properties),
            if_not_exists=bool(if_not_exists),
            at=at(meta),
        )

    def connector_properties(self, _meta: Meta, *items: tuple[str, Any]) -> ast.Properties:
        return items

    def connector_property(self, _meta: Meta, name: Token, value: Any) -> tuple[str, Any]:
        key = str(name) if name.type == "IDENT" else str(name)[1:-1]
        match value:
            case ast.Exact(text=text):
                return key, text
            case ast.Integer(value=v) | ast.Text(value=v) | ast.Boolean(value=v):
                return key, v
        raise AssertionError(value)

    def drop_connector(self, meta: Meta, if_exists: bool | None, name: str) -> ast.Statement:
        return ast_admin.DropConnector(name=name, if_exists=bool(if_exists), at=at(meta))

    def describe_connector(self, meta: Meta, name: str) -> ast.Statement:
        return ast_admin.DescribeConnector(name=name, at=at(meta))

    def show_connectors(self, meta: Meta, kind: Token | None, _: Token) -> ast.Statement:
        found: ast_admin.ConnectorKind | None = None
        if kind is not None:
            found = "SOURCE" if kind.upper() == "SOURCE" else "SINK"
        return ast_admin.ShowConnectors(kind=found, at=at(meta))

    def show_plugins(self, meta: Meta) -> ast.Statement:
        return ast_admin.ShowConnectorPlugins(at=at(meta))

    def run_script(self, meta: Meta, path: Token) -> ast.Statement:
        return ast_admin.RunScript(path=unquote(path), at=at(meta))

    def from_beginning(self, _meta: Meta) -> tuple[str, Any]:
        return "from_beginning", True

    def print_interval(self, _meta: Meta, amount: Token) -> tuple[str, Any]:
        return "interval", int(amount)

    def print_limit(self, _meta: Meta, amount: Token) -> tuple[str, Any]:
        return "limit", int(amount)

    def print(self, meta: Meta, topic: str, *options: tuple[str, Any] | None) -> ast.Statement:
        given = dict(o for o in options if o is not None)
        interval = given.get("interval", 1)
        if interval < 1:
            raise StatementError(
                "Failed to prepare statement: INTERVAL must be a positive number of records"
            )
        return ast_admin.Print(
            topic=topic,
            from_beginning=given.get("from_beginning", False),
            interval=interval,
            limit=given.get("limit"),
            at=at(meta),
        )


def _text(value: ast.PropertyValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
