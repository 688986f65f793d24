"""AST to text, as ksqlDB writes it in its answers and as plans store expressions.

What is written parses to an equal AST again.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.identifiers import text_literal, write
from lab.ksqldb.sql.spans import Within
from lab.ksqldb.sql.types import Array, Map, SqlType, Struct


def type_text(type_: SqlType) -> str:
    """A type as statements write it: member names quoted only when they must be."""
    match type_:
        case Array(item=item):
            return f"ARRAY<{type_text(item)}>"
        case Map(key=key, value=value):
            return f"MAP<{type_text(key)}, {type_text(value)}>"
        case Struct(fields=fields):
            return f"STRUCT<{', '.join(f'{write(f.name)} {type_text(f.type)}' for f in fields)}>"
    return str(type_)


def expression(node: ast.Expression) -> str:
    """An expression as text."""
    return _WRITERS[type(node)](node)


def _items(nodes: tuple[ast.Expression, ...]) -> str:
    return ", ".join(expression(n) for n in nodes)


def _column(node: ast.Column) -> str:
    prefix = "" if node.source is None else write(node.source) + "."
    return prefix + write(node.name)


def _case(node: ast.Case) -> str:
    operand = "" if node.operand is None else " " + expression(node.operand)
    branches = "".join(
        f" WHEN {expression(b.condition)} THEN {expression(b.result)}" for b in node.branches
    )
    default = "" if node.default is None else f" ELSE {expression(node.default)}"
    return f"(CASE{operand}{branches}{default} END)"


def _negate(node: ast.Negate) -> str:
    operand = expression(node.operand)
    # Two signs in a row would begin a comment.
    return f"-({operand})" if operand.startswith("-") else f"-{operand}"


def _like(node: ast.Like) -> str:
    escape = "" if node.escape is None else f" ESCAPE {text_literal(node.escape)}"
    word = "NOT LIKE" if node.negated else "LIKE"
    return f"({expression(node.operand)} {word} {expression(node.pattern)}{escape})"


def _binary(node: ast.Arithmetic | ast.Comparison | ast.Logical) -> str:
    return f"({expression(node.left)} {node.operator} {expression(node.right)})"


def _lambda(node: ast.Lambda) -> str:
    names = ", ".join(write(p) for p in node.parameters)
    return f"{names if len(node.parameters) == 1 else f'({names})'} => {expression(node.body)}"


_WRITERS: dict[type, Callable[..., str]] = {
    ast.Column: _column,
    ast.Integer: lambda n: str(n.value),
    ast.Exact: lambda n: n.text,
    ast.Inexact: lambda n: n.text,
    ast.Text: lambda n: text_literal(n.value),
    ast.Boolean: lambda n: "true" if n.value else "false",
    ast.Null: lambda _: "null",
    ast.Negate: _negate,
    ast.Arithmetic: _binary,
    ast.Comparison: _binary,
    ast.Logical: _binary,
    ast.Not: lambda n: f"(NOT {expression(n.operand)})",
    ast.Between: lambda n: (
        f"({expression(n.operand)} {'NOT ' if n.negated else ''}BETWEEN "
        f"{expression(n.low)} AND {expression(n.high)})"
    ),
    ast.In: lambda n: (
        f"({expression(n.operand)} {'NOT ' if n.negated else ''}IN ({_items(n.items)}))"
    ),
    ast.Like: _like,
    ast.IsNull: lambda n: f"({expression(n.operand)} IS {'NOT ' if n.negated else ''}NULL)",
    ast.Case: _case,
    ast.Cast: lambda n: f"CAST({expression(n.operand)} AS {type_text(n.type)})",
    ast.Subscript: lambda n: f"{expression(n.base)}[{expression(n.index)}]",
    ast.Dereference: lambda n: f"{expression(n.base)}->{write(n.member)}",
    ast.Call: lambda n: f"{write(n.name)}({'*' if n.star else _items(n.arguments)})",
    ast.Lambda: _lambda,
    ast.Variable: lambda n: write(n.name),
    ast.Unit: lambda n: n.name,
    ast.ArrayOf: lambda n: f"ARRAY[{_items(n.items)}]",
    ast.MapOf: lambda n: (
        "MAP(" + ", ".join(f"{expression(k)}:={expression(v)}" for k, v in n.entries) + ")"
    ),
    ast.StructOf: lambda n: (
        "STRUCT(" + ", ".join(f"{write(k)}:={expression(v)}" for k, v in n.members) + ")"
    ),
}


def properties(items: ast.Properties) -> str:
    """A WITH clause's content, sorted by name as ksqlDB does."""
    return ", ".join(f"{name}={_property(value)}" for name, value in sorted(items))


def _property(value: ast.PropertyValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_literal(value) if isinstance(value, str) else str(value)


def column_definition(column: ast.ColumnDefinition) -> str:
    """A column of a CREATE statement."""
    role = "" if column.role == "VALUE" else f" {column.role}"
    if column.header is not None:
        role = f" HEADER({text_literal(column.header)})"
    return f"{write(column.name)} {type_text(column.type)}{role}"


def create_source(statement: ast.CreateSource) -> str:
    """A CREATE STREAM or CREATE TABLE statement."""
    columns = ", ".join(column_definition(c) for c in statement.columns)
    return (
        f"{_create(statement)}"
        + (f" ({columns})" if columns else "")
        + f" WITH ({properties(statement.properties)});"
    )


def alter(statement: ast_admin.Alter) -> str:
    """An ALTER STREAM or ALTER TABLE statement."""
    columns = ", ".join(f"ADD COLUMN {column_definition(c)}" for c in statement.columns)
    return f"ALTER {statement.kind} {write(statement.name)} {columns};"


def _create(statement: ast.CreateSource | ast.CreateAsSelect) -> str:
    words = ["CREATE"]
    if statement.or_replace:
        words.append("OR REPLACE")
    if isinstance(statement, ast.CreateSource) and statement.read_only:
        words.append("SOURCE")
    words.append(statement.kind)
    if statement.if_not_exists:
        words.append("IF NOT EXISTS")
    return " ".join([*words, write(statement.name)])


def create_as_select(statement: ast.CreateAsSelect) -> str:
    """A CREATE … AS SELECT statement, its query over several lines."""
    return (
        f"{_create(statement)} WITH ({properties(statement.properties)}) AS "
        f"{query(statement.query)};"
    )


def insert_select(statement: ast.InsertSelect) -> str:
    """An INSERT INTO … SELECT statement, its query over several lines."""
    clause = f"WITH ({properties(statement.properties)}) " if statement.properties else ""
    return f"INSERT INTO {write(statement.target)} {clause}{query(statement.query)};"


def query(node: ast.Query) -> str:
    """A query over several lines, without a semicolon."""
    if len(node.select) == 1 and isinstance(node.select[0], ast.SelectStar):
        lines = [f"SELECT {_select(node.select[0])}"]
    else:
        lines = ["SELECT", ",\n".join("  " + _select(item) for item in node.select)]
    lines.append(f"FROM {write(node.source.source)} {write(node.source.alias)}")
    lines += [_join(join) for join in node.joins]
    if node.window is not None:
        lines.append(f"WINDOW {window(node.window)}")
    if node.where is not None:
        lines.append(f"WHERE {expression(node.where)}")
    if node.group_by:
        lines.append(f"GROUP BY {_items(node.group_by)}")
    if node.partition_by:
        lines.append(f"PARTITION BY {_items(node.partition_by)}")
    if node.having is not None:
        lines.append(f"HAVING {expression(node.having)}")
    if node.emit is not None:
        lines.append(f"EMIT {node.emit}")
    if node.limit is not None:
        lines.append(f"LIMIT {node.limit}")
    return "\n".join(lines)


def _join(node: ast.Join) -> str:
    kind = "INNER" if node.kind == "INNER" else f"{node.kind} OUTER"
    within = "" if node.within is None else f" WITHIN {_within(node.within)}"
    right = f"{write(node.right.source)} {write(node.right.alias)}"
    return f"{kind} JOIN {right}{within} ON ({expression(node.criteria)})"


def _within(node: Within) -> str:
    reach = str(node.before) if node.after is None else f"({node.before}, {node.after})"
    return reach if node.grace is None else f"{reach} GRACE PERIOD {node.grace}"


def window(node: ast.Window) -> str:
    """A WINDOW clause, with ksqlDB's blanks."""
    size = str(node.size) if node.kind == "SESSION" else f"SIZE {node.size}"
    parts = [size]
    for name, span in (
        ("ADVANCE BY", node.advance),
        ("RETENTION", node.retention),
        ("GRACE PERIOD", node.grace),
    ):
        if span is not None:
            parts.append(f"{name} {span}")
    return f"{node.kind} ( {' , '.join(parts)} ) "


def _select(item: ast.Selected) -> str:
    if isinstance(item, ast.SelectStruct):
        return f"{expression(item.base)}->*"
    if isinstance(item, ast.SelectStar):
        return "*" if item.source is None else f"{write(item.source)}.*"
    text = expression(item.expression)
    return text if item.alias is None else f"{text} {write(item.alias)}"
