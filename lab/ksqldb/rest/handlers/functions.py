"""SHOW FUNCTIONS and DESCRIBE FUNCTION."""

from __future__ import annotations

from lab.ksqldb.errors import BadRequest
from lab.ksqldb.functions.parameters import meaning
from lab.ksqldb.functions.registry import Function, Kind
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.sql import ast


def show_functions(session: Session, _statement: ast.Show, text: str) -> Entity:
    """Every function's name, kind and category."""
    rows = [
        {"name": f.name, "type": f.kind.value, "category": f.category}
        for f in session.engine.functions.all()
    ]
    return entity("function_names", text, functions=rows)


def describe_function(session: Session, statement: ast.DescribeFunction, text: str) -> Entity:
    """A function's signatures."""
    function = session.engine.functions.find(statement.name.upper())
    if function is None:
        raise BadRequest(f"Can't find any functions with the name '{statement.name}'")
    return entity(
        "describe_function",
        text,
        name=function.name,
        description=function.description,
        author="kafka-lab",
        version="",
        path="internal",
        functions=_signatures(function),
        type=function.kind.value,
    )


def _signatures(function: Function) -> list[Entity]:
    shown = []
    for signature in function.signatures:
        types = [str(p.pattern) for p in signature.parameters]
        returns = signature.returns_text
        if function.kind is Kind.AGGREGATE:
            returns = {"INT": "INTEGER"}.get(returns, returns)
        shown.append(
            {
                "arguments": [
                    {
                        "name": p.name,
                        "type": str(p.pattern),
                        "description": meaning(p.name),
                        "isVariadic": p.variadic,
                    }
                    for p in signature.parameters
                ],
                "returnType": returns,
                "description": function.description,
                "argumentTypes": types,
            }
        )
    return shown
