"""Grammar reductions to AST nodes. One method per rule; names follow grammar.lark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lark import Token, Tree
from lark.tree import Meta

from lab.ksqldb.errors import NotSupported, StatementError, SyntaxFault
from lab.ksqldb.names import ColumnName, QueryId, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.identifiers import RESERVED
from lab.ksqldb.sql.types import PRIMITIVES, SqlType, array, decimal, map_of, struct

_OPERATORS = {"!=": "<>"}


def at(meta: Meta) -> ast.Position:
    """Where a rule's text begins."""
    return ast.NOWHERE if meta.empty else ast.Position(meta.line, meta.column)


def unquote(text: str) -> str:
    """A string literal's value."""
    return text[1:-1].replace("''", "'")


class Idents:
    """Identifiers, types and the small flags."""

    def __init__(self, custom_types: Mapping[str, SqlType]) -> None:
        self.custom_types = custom_types

    def build(self, node: Any) -> Any:
        """What a parse tree stands for; tokens and missing parts stay as they are."""
        if not isinstance(node, Tree):
            return node
        method = getattr(self, node.data)
        return method(node.meta, *[self.build(child) for child in node.children])

    def ident(self, meta: Meta, token: Token) -> str:
        if token.type == "QUOTED":
            return str(token)[1:-1].replace("``", "`")
        name = token.upper()
        if name in RESERVED:
            raise SyntaxFault(
                f'"{token}" is a reserved keyword and it can\'t be used as an identifier. '
                f"You can use it as an identifier by escaping it as '{token}' ",
                line=token.line or 1,
                column=token.column or 1,
            )
        return name

    def kind(self, meta: Meta, token: Token) -> str:
        return token.upper()

    def or_replace(self, meta: Meta) -> bool:
        return True

    def if_not_exists(self, meta: Meta) -> bool:
        return True

    def if_exists(self, meta: Meta) -> bool:
        return True

    def delete_topic(self, meta: Meta) -> bool:
        return True

    def named_type(self, meta: Meta, token: Token) -> SqlType:
        name = str(token)[1:-1] if token.type == "QUOTED" else token.upper()
        found = PRIMITIVES.get(name) or self.custom_types.get(name)
        if found is None:
            raise StatementError(
                f"Failed to prepare statement: Cannot resolve unknown type: {name}"
            )
        return found

    def decimal_type(self, meta: Meta, precision: Token, scale: Token) -> SqlType:
        try:
            return decimal(int(precision), int(scale))
        except ValueError as bad:
            raise StatementError(f"Failed to prepare statement: {bad}") from None

    def array_type(self, meta: Meta, item: SqlType) -> SqlType:
        return array(item)

    def map_type(self, meta: Meta, key: SqlType, value: SqlType) -> SqlType:
        return map_of(key, value)

    def struct_type(self, meta: Meta, *members: tuple[str, SqlType] | None) -> SqlType:
        return struct(*(m for m in members if m is not None))

    def member(self, meta: Meta, name: str, type_: SqlType) -> tuple[str, SqlType]:
        return name, type_

    def key_role(self, meta: Meta) -> str:
        return "KEY"

    def primary_key_role(self, meta: Meta) -> str:
        return "PRIMARY KEY"

    def headers_role(self, meta: Meta, *_: Token) -> str:
        return "HEADERS"

    def sign(self, meta: Meta) -> int:
        return -1


def _binary(operator: str) -> Callable[..., Any]:
    def method(_: object, meta: Meta, left: ast.Expression, right: ast.Expression) -> Any:
        return ast.Comparison(operator=operator, left=left, right=right, at=at(meta))

    return method


class Expressions(Idents):
    """Expressions."""

    def or_(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Expression:
        return ast.Logical(operator="OR", left=left, right=right, at=at(meta))

    def and_(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Expression:
        return ast.Logical(operator="AND", left=left, right=right, at=at(meta))

    def not_(self, meta: Meta, operand: ast.Expression) -> ast.Expression:
        return ast.Not(operand=operand, at=at(meta))

    equals = _binary("=")
    less = _binary("<")
    greater = _binary(">")

    def compare(
        self, meta: Meta, left: ast.Expression, op: Token, right: ast.Expression
    ) -> ast.Expression:
        return ast.Comparison(
            operator=_OPERATORS.get(op, str(op)), left=left, right=right, at=at(meta)
        )

    def is_null(self, meta: Meta, operand: ast.Expression, no: Token | None) -> ast.Expression:
        return ast.IsNull(operand=operand, negated=no is not None, at=at(meta))

    def distinct(
        self, meta: Meta, left: ast.Expression, no: Token | None, right: ast.Expression
    ) -> ast.Expression:
        operator = "IS NOT DISTINCT FROM" if no is not None else "IS DISTINCT FROM"
        return ast.Comparison(operator=operator, left=left, right=right, at=at(meta))

    def between(
        self,
        meta: Meta,
        operand: ast.Expression,
        no: Token | None,
        low: ast.Expression,
        high: ast.Expression,
    ) -> ast.Expression:
        return ast.Between(operand=operand, low=low, high=high, negated=no is not None, at=at(meta))

    def in_(
        self,
        meta: Meta,
        operand: ast.Expression,
        no: Token | None,
        items: tuple[ast.Expression, ...],
    ) -> ast.Expression:
        return ast.In(operand=operand, items=items, negated=no is not None, at=at(meta))

    def like(
        self,
        meta: Meta,
        operand: ast.Expression,
        no: Token | None,
        pattern: ast.Expression,
        escape: Token | None,
    ) -> ast.Expression:
        return ast.Like(
            operand=operand,
            pattern=pattern,
            escape=None if escape is None else unquote(escape),
            negated=no is not None,
            at=at(meta),
        )

    def arithmetic(
        self, meta: Meta, left: ast.Expression, op: Token, right: ast.Expression
    ) -> ast.Expression:
        return ast.Arithmetic(operator=str(op), left=left, right=right, at=at(meta))

    def multiply(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Expression:
        return ast.Arithmetic(operator="*", left=left, right=right, at=at(meta))

    def concat(self, meta: Meta, left: ast.Expression, right: ast.Expression) -> ast.Expression:
        raise StatementError("The || operator is refused, as ksqlDB does: use + or CONCAT.")

    def signed(self, meta: Meta, op: Token, operand: ast.Expression) -> ast.Expression:
        if op == "+":
            return operand
        match operand:
            case ast.Integer(value=value):
                return ast.Integer(value=-value, at=at(meta))
            case ast.Exact(text=text):
                return ast.Exact(text="-" + text, at=at(meta))
            case ast.Inexact(text=text):
                return ast.Inexact(text="-" + text, at=at(meta))
        return ast.Negate(operand=operand, at=at(meta))

    def subscript(self, meta: Meta, base: ast.Expression, index: ast.Expression) -> ast.Expression:
        return ast.Subscript(base=base, index=index, at=at(meta))

    def dereference(self, meta: Meta, base: ast.Expression, member: str) -> ast.Expression:
        return ast.Dereference(base=base, member=member, at=at(meta))

    def group(self, meta: Meta, inner: ast.Expression) -> ast.Expression:
        return inner

    def integer(self, meta: Meta, *tokens: Any) -> Any:
        value = int(tokens[-1]) * (-1 if len(tokens) > 1 else 1)
        if not -(2**63) <= value < 2**63 + 1:
            raise StatementError(f"Failed to prepare statement: Invalid numeric literal: {value}")
        return ast.Integer(value=value, at=at(meta))

    def exact(self, meta: Meta, *tokens: Any) -> Any:
        text = ("-" if len(tokens) > 1 else "") + str(tokens[-1])
        return ast.Exact(text=text, at=at(meta))

    def inexact(self, meta: Meta, token: Token) -> ast.Expression:
        return ast.Inexact(text=str(token), at=at(meta))

    def text(self, meta: Meta, token: Token) -> ast.Expression:
        return ast.Text(value=unquote(token), at=at(meta))

    def true(self, meta: Meta, _: Token) -> ast.Expression:
        return ast.Boolean(value=True, at=at(meta))

    def false(self, meta: Meta, _: Token) -> ast.Expression:
        return ast.Boolean(value=False, at=at(meta))

    def null(self, meta: Meta) -> ast.Expression:
        return ast.Null(at=at(meta))

    def case_searched(self, meta: Meta, *parts: Any) -> ast.Expression:
        return ast.Case(operand=None, branches=parts[:-1], default=parts[-1], at=at(meta))

    def case_simple(self, meta: Meta, operand: ast.Expression, *parts: Any) -> ast.Expression:
        return ast.Case(operand=operand, branches=parts[:-1], default=parts[-1], at=at(meta))

    def case_when(self, meta: Meta, condition: ast.Expression, result: ast.Expression) -> ast.When:
        return ast.When(condition=condition, result=result, at=at(meta))

    def case_else(self, meta: Meta, result: ast.Expression) -> ast.Expression:
        return result

    def cast(self, meta: Meta, operand: ast.Expression, type_: SqlType) -> ast.Expression:
        return ast.Cast(operand=operand, type=type_, at=at(meta))

    def call(
        self, meta: Meta, name: str, items: tuple[ast.Expression, ...] | None
    ) -> ast.Expression:
        return ast.Call(name=name, arguments=items or (), at=at(meta))

    def call_star(self, meta: Meta, name: str) -> ast.Expression:
        return ast.Call(name=name, arguments=(), star=True, at=at(meta))

    def array_of(self, meta: Meta, items: tuple[ast.Expression, ...] | None) -> ast.Expression:
        return ast.ArrayOf(items=items or (), at=at(meta))

    def entry(
        self, meta: Meta, key: ast.Expression, value: ast.Expression
    ) -> tuple[ast.Expression, ast.Expression]:
        return key, value

    def assigned(self, meta: Meta, name: str, value: ast.Expression) -> tuple[str, ast.Expression]:
        return name, value

    def map_of(self, meta: Meta, *entries: Any) -> ast.Expression:
        return ast.MapOf(entries=tuple(e for e in entries if e is not None), at=at(meta))

    def struct_of(self, meta: Meta, *members: Any) -> ast.Expression:
        return ast.StructOf(members=tuple(m for m in members if m is not None), at=at(meta))

    def column(self, meta: Meta, name: str, *rest: Any) -> Any:
        if rest:  # a column definition: the rule has the same name
            return ast.ColumnDefinition(
                name=ColumnName(name), type=rest[0], role=rest[1] or "VALUE", at=at(meta)
            )
        return ast.Column(name=ColumnName(name), at=at(meta))

    def qualified(self, meta: Meta, source: str, name: str) -> ast.Expression:
        return ast.Column(name=ColumnName(name), source=SourceName(source), at=at(meta))

    def items(self, meta: Meta, *items: ast.Expression) -> tuple[ast.Expression, ...]:
        return items


class Statements(Expressions):
    """Queries and statements."""

    def select_as(
        self, meta: Meta, expression: ast.Expression, alias: str | None
    ) -> ast.SelectItem:
        return ast.SelectItem(
            expression=expression,
            alias=None if alias is None else ColumnName(alias),
            at=at(meta),
        )

    def alias(self, meta: Meta, name: str) -> str:
        return name

    def select_star(self, meta: Meta, source: str | None = None) -> ast.SelectStar:
        return ast.SelectStar(source=None if source is None else SourceName(source), at=at(meta))

    def source_plain(self, meta: Meta, name: str) -> ast.From:
        return ast.From(source=SourceName(name), alias=SourceName(name), at=at(meta))

    def source_alias(self, meta: Meta, name: str, alias: str) -> ast.From:
        return ast.From(source=SourceName(name), alias=SourceName(alias), at=at(meta))

    def inner_join(self, meta: Meta) -> str:
        return "INNER"

    def outer_join(self, meta: Meta, side: Token) -> str:
        return f"{side.upper()} OUTER"

    def span(self, meta: Meta, amount: Token, unit: Token) -> str:
        return f"{amount} {unit.upper()}"

    def within(self, meta: Meta, *spans: str | None) -> str:
        return " ".join(s for s in spans if s is not None)

    def join(
        self,
        meta: Meta,
        kind: str | None,
        right: ast.From,
        within: str | None,
        criteria: ast.Expression,
    ) -> ast.Join:
        return ast.Join(
            kind=kind or "INNER", right=right, within=within, criteria=criteria, at=at(meta)
        )

    def window_option(self, meta: Meta, span: str) -> str:
        return span

    def window_kind(self, meta: Meta, kind: Token, *spans: str) -> ast.Window:
        return ast.Window(kind=kind.upper(), text=", ".join(spans), at=at(meta))

    def window(self, meta: Meta, kind: ast.Window) -> tuple[str, Any]:
        return "window", kind

    def where(self, meta: Meta, expression: ast.Expression) -> tuple[str, Any]:
        return "where", expression

    def grouping(self, meta: Meta, *expressions: ast.Expression) -> tuple[ast.Expression, ...]:
        return expressions

    def group_by(self, meta: Meta, expressions: tuple[ast.Expression, ...]) -> tuple[str, Any]:
        if not expressions:
            raise StatementError(
                "Failed to prepare statement: GROUP BY requires at least one expression"
            )
        return "group_by", expressions

    def partition_by(self, meta: Meta, expressions: tuple[ast.Expression, ...]) -> tuple[str, Any]:
        return "partition_by", expressions

    def having(self, meta: Meta, expression: ast.Expression) -> tuple[str, Any]:
        return "having", expression

    def emit(self, meta: Meta, which: Token) -> tuple[str, Any]:
        return "emit", which.upper()

    def limit(self, meta: Meta, *tokens: Any) -> tuple[str, Any]:
        return "limit", int(tokens[-1]) * (-1 if len(tokens) > 1 else 1)

    def query(self, meta: Meta, *parts: Any) -> ast.Query:
        found = [p for p in parts if p is not None]
        return ast.Query(
            select=tuple(p for p in found if isinstance(p, (ast.SelectItem, ast.SelectStar))),
            source=next(p for p in found if isinstance(p, ast.From)),
            joins=tuple(p for p in found if isinstance(p, ast.Join)),
            **dict(p for p in found if isinstance(p, tuple)),
            at=at(meta),
        )

    def query_statement(self, meta: Meta, query: ast.Query) -> ast.Statement:
        return ast.QueryStatement(query=query, at=at(meta))

    def columns(
        self, meta: Meta, *columns: ast.ColumnDefinition
    ) -> tuple[ast.ColumnDefinition, ...]:
        return columns

    def property_value(self, meta: Meta, value: Any) -> Any:
        return value

    def property(self, meta: Meta, name: Token, value: ast.Expression) -> tuple[str, Any]:
        key = (unquote(name) if name.type == "STRING" else str(name)).upper()
        match value:
            case ast.Exact(text=text):
                return key, float(text)
            case ast.Integer(value=v) | ast.Text(value=v) | ast.Boolean(value=v):
                return key, v
        raise AssertionError(value)

    def with_clause(self, meta: Meta, *properties: tuple[str, Any]) -> ast.Properties:
        names = [name for name, _ in properties]
        for name in names:
            if names.count(name) > 1:
                raise StatementError(
                    f"Failed to prepare statement: Duplicate property in the WITH clause: {name}"
                )
        return properties

    def create_source(
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
                    f"Failed to prepare statement: Duplicate column names: `{column.name}`"
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

    def create_inferred(
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

    def create_as(
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

    def names(self, meta: Meta, *names: str) -> tuple[ColumnName, ...]:
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

    def insert_select(self, meta: Meta, target: str, query: ast.Query) -> ast.Statement:
        return ast.InsertSelect(target=SourceName(target), query=query, at=at(meta))

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

    def query_ref(self, meta: Meta, ref: Token | str) -> QueryId | None:
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

    def print_rest(self, meta: Meta, *_: Token) -> None:
        return None

    def print(self, meta: Meta, topic: str | Token, *_: None) -> ast.Statement:
        return ast.Print(topic=str(topic), at=at(meta))


UNSUPPORTED = {
    "ALTER": "ALTER",
    "ASSERT": "ASSERT",
    "DEFINE": "DEFINE",
    "UNDEFINE": "UNDEFINE",
    "RUN": "RUN SCRIPT",
    "CREATE TYPE": "CREATE TYPE",
    "CREATE SOURCE CONNECTOR": "CREATE CONNECTOR",
    "CREATE SINK CONNECTOR": "CREATE CONNECTOR",
    "DROP CONNECTOR": "DROP CONNECTOR",
    "DESCRIBE CONNECTOR": "DESCRIBE CONNECTOR",
}
"""Statements that are recognized by their first words and refused by name."""


def refuse_unsupported(words: list[str]) -> None:
    """Refuse a statement of ksqlDB that this server does not have.

    Raises:
        NotSupported: the words begin such a statement.
    """
    for count in (3, 2, 1):
        feature = UNSUPPORTED.get(" ".join(words[:count]))
        if feature is not None:
            raise NotSupported(feature)
