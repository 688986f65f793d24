"""Parse trees to AST nodes: identifiers, types and expressions.

One method per rule; names follow grammar.lark.
"""

# ruff: noqa: D102 - each method is the grammar rule of its name

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lark import Token, Tree
from lark.tree import Meta

from lab.ksqldb.errors import StatementError, SyntaxFault
from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.identifiers import RESERVED
from lab.ksqldb.sql.types import PRIMITIVES, SqlType, array, decimal, map_of, struct
from lab.ksqldb.sql.walk import rewrite

_OPERATORS = {"!=": "<>"}
CONCAT_OPERATOR = "concat"
"""The function that ``||`` stands for; its name cannot be written without quotes."""

_UNITS = {"DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS"}
_TAKE_UNITS = {"DATEADD", "DATESUB", "TIMEADD", "TIMESUB", "TIMESTAMPADD", "TIMESTAMPSUB"}


def at(meta: Meta) -> ast.Position:
    """Where a rule's text begins."""
    return ast.NOWHERE if meta.empty else ast.Position(meta.line, meta.column)


def unquote(text: str) -> str:
    """What stands between quotes; a doubled quote stands for itself."""
    return text[1:-1].replace(text[0] * 2, text[0])


class _Idents:
    """Identifiers, types and the small flags."""

    def __init__(self, custom_types: Mapping[str, SqlType]) -> None:
        self.custom_types = custom_types

    def build(self, node: Any) -> Any:
        """What a parse tree stands for; tokens and missing parts stay as they are."""
        if not isinstance(node, Tree):
            return node
        method = getattr(self, node.data)
        return method(node.meta, *[self.build(child) for child in node.children])

    def ident(self, _meta: Meta, token: Token) -> str:
        if token.type == "QUOTED":
            return unquote(token)
        name = token.upper()
        if name in RESERVED:
            raise SyntaxFault(
                f'"{token}" is a reserved keyword and it can\'t be used as an identifier. '
                f"You can use it as an identifier by escaping it as '{token}' ",
                line=token.line or 1,
                column=token.column or 1,
            )
        return name

    def kind(self, _meta: Meta, token: Token) -> str:
        return token.upper()

    def or_replace(self, _meta: Meta) -> bool:
        return True

    def if_not_exists(self, _meta: Meta) -> bool:
        return True

    def if_exists(self, _meta: Meta) -> bool:
        return True

    def delete_topic(self, _meta: Meta) -> bool:
        return True

    def named_type(self, _meta: Meta, token: Token) -> SqlType:
        name = unquote(token) if token.type == "QUOTED" else token.upper()
        found = PRIMITIVES.get(name) or self.custom_types.get(name)
        if found is None:
            raise StatementError(
                f"Failed to prepare statement: Cannot resolve unknown type: {name}"
            )
        return found

    def decimal_type(self, _meta: Meta, precision: Token, scale: Token) -> SqlType:
        try:
            return decimal(int(precision), int(scale))
        except ValueError as bad:
            raise StatementError(f"Failed to prepare statement: {bad}") from None

    def array_type(self, _meta: Meta, item: SqlType) -> SqlType:
        return array(item)

    def map_type(self, _meta: Meta, key: SqlType, value: SqlType) -> SqlType:
        return map_of(key, value)

    def struct_type(self, _meta: Meta, *members: tuple[str, SqlType] | None) -> SqlType:
        return struct(*(m for m in members if m is not None))

    def member(self, _meta: Meta, name: str, type_: SqlType) -> tuple[str, SqlType]:
        return name, type_

    def key_role(self, _meta: Meta) -> str:
        return "KEY"

    def primary_key_role(self, _meta: Meta) -> str:
        return "PRIMARY KEY"

    def headers_role(self, _meta: Meta) -> str:
        return "HEADERS"

    def header_role(self, _meta: Meta, name: Token) -> tuple[str, str]:
        return "HEADERS", unquote(name)

    def sign(self, _meta: Meta) -> int:
        return -1


def _binary(operator: str) -> Callable[..., Any]:
    def method(_: object, meta: Meta, left: ast.Expression, right: ast.Expression) -> Any:
        return ast.Comparison(operator=operator, left=left, right=right, at=at(meta))

    return method


class ExpressionBuilder(_Idents):
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
        return ast.Call(name=CONCAT_OPERATOR, arguments=(left, right), at=at(meta))

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

    def group(self, _meta: Meta, inner: ast.Expression) -> ast.Expression:
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

    def case_else(self, _meta: Meta, result: ast.Expression) -> ast.Expression:
        return result

    def cast(self, meta: Meta, operand: ast.Expression, type_: SqlType) -> ast.Expression:
        return ast.Cast(operand=operand, type=type_, at=at(meta))

    def call(
        self, meta: Meta, name: str, items: tuple[ast.Expression, ...] | None
    ) -> ast.Expression:
        arguments = items or ()
        if name in _TAKE_UNITS and arguments and isinstance(arguments[0], ast.Column):
            unit = arguments[0]
            if unit.source is None and unit.name in _UNITS:
                arguments = (ast.Unit(name=unit.name, at=unit.at), *arguments[1:])
        return ast.Call(name=name, arguments=arguments, at=at(meta))

    def lambda_of_one(
        self, meta: Meta, parameter: ast.Expression, body: ast.Expression
    ) -> ast.Expression:
        return self._lambda(meta, (parameter,), body)

    def lambda_of_many(
        self,
        meta: Meta,
        first: ast.Expression,
        others: tuple[ast.Expression, ...],
        body: ast.Expression,
    ) -> ast.Expression:
        return self._lambda(meta, (first, *others), body)

    @staticmethod
    def _lambda(
        meta: Meta, parameters: tuple[ast.Expression, ...], body: ast.Expression
    ) -> ast.Expression:
        names = []
        for parameter in parameters:
            if not isinstance(parameter, ast.Column) or parameter.source is not None:
                raise SyntaxFault(
                    "The parameters of a lambda are names.",
                    line=parameter.at.line,
                    column=parameter.at.column,
                )
            names.append(str(parameter.name))

        def bound(node: ast.Expression) -> ast.Expression | None:
            if isinstance(node, ast.Column) and node.source is None and node.name in names:
                return ast.Variable(name=str(node.name), at=node.at)
            return None

        return ast.Lambda(parameters=tuple(names), body=rewrite(body, bound), at=at(meta))

    def call_star(self, meta: Meta, name: str) -> ast.Expression:
        return ast.Call(name=name, arguments=(), star=True, at=at(meta))

    def array_of(self, meta: Meta, items: tuple[ast.Expression, ...] | None) -> ast.Expression:
        return ast.ArrayOf(items=items or (), at=at(meta))

    def entry(
        self, _meta: Meta, key: ast.Expression, value: ast.Expression
    ) -> tuple[ast.Expression, ast.Expression]:
        return key, value

    def assigned(self, _meta: Meta, name: str, value: ast.Expression) -> tuple[str, ast.Expression]:
        return name, value

    def map_of(self, meta: Meta, *entries: Any) -> ast.Expression:
        return ast.MapOf(entries=tuple(e for e in entries if e is not None), at=at(meta))

    def struct_of(self, meta: Meta, *members: Any) -> ast.Expression:
        return ast.StructOf(members=tuple(m for m in members if m is not None), at=at(meta))

    def column(self, meta: Meta, name: str, *rest: Any) -> Any:
        if rest:  # a column definition: the rule has the same name
            role, header = rest[1] if isinstance(rest[1], tuple) else (rest[1] or "VALUE", None)
            return ast.ColumnDefinition(
                name=ColumnName(name), type=rest[0], role=role, header=header, at=at(meta)
            )
        return ast.Column(name=ColumnName(name), at=at(meta))

    def qualified(self, meta: Meta, source: str, name: str) -> ast.Expression:
        return ast.Column(name=ColumnName(name), source=SourceName(source), at=at(meta))

    def arguments(self, _meta: Meta, *items: ast.Expression) -> tuple[ast.Expression, ...]:
        return items

    def items(self, _meta: Meta, *items: ast.Expression) -> tuple[ast.Expression, ...]:
        return items
