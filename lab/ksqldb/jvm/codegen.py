"""Projections and filters to Java classes, one method per expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm.body import Body, java_string
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import SqlType

_HEADER = """package lab.ksqldb.gen;
import lab.ksqldb.fn.*;
"""


def row_function(
    name: str,
    columns: Mapping[str, tuple[int, SqlType]],
    functions: Registry,
    *,
    select: Sequence[ast.Expression] | None = None,
    where: ast.Expression | None = None,
    names: Sequence[str] | None = None,
    interpreted: bool = False,
) -> str:
    """The source of a class that maps a row to another, or to null when ``where`` is not true.

    Without ``select`` the row itself is passed on. ``names`` are those of the columns that
    ``select`` computes, for reports of failures.
    """
    methods = []
    lines = []
    if where is not None:
        body = Body(columns, functions, interpreted=interpreted)
        report = f"Error evaluating predicate {text_of(where)}"
        methods.append(_method("where", where, body, report))
        lines.append("if (!Boolean.TRUE.equals(where(r, p))) return null;")
    if select is None:
        lines.append("return r;")
    else:
        lines.append(f"Object[] o = new Object[{len(select)}];")
        for index, node in enumerate(select):
            if isinstance(node, ast.Column):
                lines.append(f"o[{index}] = r[{columns[node.name][0]}];")
                continue
            body = Body(columns, functions, interpreted=interpreted)
            report = f"Error computing expression {text_of(node)}"
            if names is not None:
                report += f" for column {names[index]} with index {index}"
            methods.append(_method(f"c{index}", node, body, report))
            lines.append(f"o[{index}] = c{index}(r, p);")
        lines.append("return o;")
    statements = "\n".join(lines)
    return (
        f"{_HEADER}public final class {name} implements lab.ksqldb.step.RowFunction {{\n"
        f"public Object[] apply(Object[] r, lab.ksqldb.step.Problems p) {{\n{statements}\n}}\n"
        + "\n".join(methods)
        + "\n}\n"
    )


def _method(name: str, node: ast.Expression, body: Body, report: str) -> str:
    """A method whose failures are reported and give NULL."""
    body.returns(node)
    return (
        f"private static Object {name}(final Object[] r, final lab.ksqldb.step.Problems p) {{\n"
        f"try {{\n{body.source}\n}} catch (RuntimeException e) {{\n"
        f"p.failed({java_string(report)}, e, r);\nreturn null;\n"
        f"}} catch (StackOverflowError e) {{\n"
        f"p.failed({java_string(report)}, new RuntimeException(e.toString()), r);\n"
        "return null;\n}\n}"
    )
