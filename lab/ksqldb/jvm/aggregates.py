"""Java objects for aggregations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm.kafka import java_map
from lab.ksqldb.jvm.rows import ParseExpression
from lab.ksqldb.jvm.values import object_array, to_java
from lab.ksqldb.plan import steps
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.types import BOOLEAN, INTEGER


@dataclass(frozen=True, slots=True)
class Groups:
    """The Java object that changes rows of groups, and the columns of their states."""

    java: Any
    states: tuple[Column, ...]


def groups(
    step: steps.Aggregate,
    functions: Registry,
    parse: ParseExpression,
    settings: Mapping[str, str],
    *,
    undone: bool,
) -> Groups:
    """What keeps a step's groups; ``undone`` says whether rows are taken back too."""
    columns = step.source.schema.value
    names = [c.name for c in columns]
    aggregate = jpype.JClass("lab.ksqldb.agg.Aggregate")
    setup = jpype.JClass("lab.ksqldb.agg.Setup")
    type_ = jpype.JClass("lab.ksqldb.row.Type")
    no_columns = Typing({}, functions)
    own = java_map({k: v for k, v in settings.items() if k.startswith("ksql.functions.")})
    made = []
    states = []
    arguments = []
    for index, call in enumerate(step.calls):
        places = [names.index(c) for c in call.columns]
        read = [columns[place].type for place in places]
        constants = [parse(text) for text in call.constants]
        found = functions.get(call.function).resolve(
            [*read, *(no_columns.known(c) for c in constants)]
        )
        types = jpype.JArray(type_)([type_.parse(str(t)) for t in read])
        values = object_array([_constant(c) for c in constants])
        made.append(aggregate.of(found.signature.java, setup(types, values, undone, own)))
        assert found.signature.state is not None  # noqa: S101 - narrows a type
        name = step.schema.value[len(columns) + index].name
        states.append(Column(name, found.signature.state(found.arguments)))
        arguments.append(jpype.JArray(jpype.JInt)(places))
    java = jpype.JClass("lab.ksqldb.step.Groups")(
        len(columns), jpype.JArray(aggregate)(made), jpype.JArray(jpype.JInt, 2)(arguments)
    )
    return Groups(java, tuple(states))


def _constant(node: ast.Expression) -> Any:
    if isinstance(node, ast.Integer):
        return to_java(node.value, INTEGER)
    assert isinstance(node, ast.Boolean)  # noqa: S101 - narrows a type
    return to_java(node.value, BOOLEAN)
