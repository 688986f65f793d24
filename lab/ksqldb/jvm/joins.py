"""The joins of a plan as Kafka Streams joins."""

from __future__ import annotations

from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.rows import ParseExpression
from lab.ksqldb.plan import steps


class JoinBuilder:
    """Builds joins on what was built for their sides."""

    def __init__(self, functions: Registry, parse: ParseExpression) -> None:
        self._functions = functions
        self._parse = parse

    def build(self, step: steps.Join, left: Any, right: Any, problems: Any) -> Any:
        """The Java object of a join; ``problems`` takes the failures of its expressions."""
        java = jpype.JClass("lab.ksqldb.step.JoinStep")
        columns = len(step.left.schema.value), len(step.right.schema.value)
        with_key = len(step.schema.value) > sum(columns)
        layout = java.Layout(*columns, with_key)
        match step:
            case steps.StreamStreamJoin():
                return java.streams(
                    left,
                    right,
                    step.kind,
                    step.before_ms,
                    step.after_ms,
                    -1 if step.grace_ms is None else step.grace_ms,
                    rows.key_serde(step.left_formats.key, step.schema.key, step.window),
                    rows.serde(step.left_formats.value, step.left.schema.value),
                    rows.serde(step.right_formats.value, step.right.schema.value),
                    layout,
                    step.context,
                )
            case steps.StreamTableJoin():
                return java.lookup(
                    left,
                    right,
                    step.kind,
                    rows.key_serde(step.formats.key, step.schema.key, step.window),
                    rows.serde(step.formats.value, step.left.schema.value),
                    layout,
                    step.context,
                )
            case steps.TableTableJoin():
                return java.tables(
                    left, right, step.kind, _key_place(step.left), _key_place(step.right), layout
                )
            case steps.ForeignKeyJoin():
                foreign = rows.compiled(
                    step.left.schema.value,
                    self._functions,
                    select=[self._parse(step.foreign_key)],
                )
                return java.foreign(
                    left,
                    right,
                    foreign,
                    problems,
                    step.kind,
                    rows.serde(step.formats.key, step.schema.key),
                    rows.serde(step.formats.value, step.schema.value),
                    _key_place(step.left),
                    layout,
                )


def _key_place(step: steps.Step) -> int:
    """Which value column repeats a table's key; -1 for none."""
    names = [c.name for c in step.schema.value]
    key = step.schema.key[0].name
    return names.index(key) if key in names else -1
