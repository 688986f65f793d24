"""A plan as the text that EXPLAIN shows."""

from __future__ import annotations

from collections.abc import Iterator

from lab.ksqldb.catalog import Schema
from lab.ksqldb.names import QueryId
from lab.ksqldb.plan import steps
from lab.ksqldb.sql.format import type_text
from lab.ksqldb.sql.identifiers import write

_NAMES = {
    steps.StreamSource: "SOURCE",
    steps.TableSource: "SOURCE",
    steps.Filter: "FILTER",
    steps.Select: "PROJECT",
    steps.SelectKey: "REKEY",
    steps.StreamStreamJoin: "JOIN",
    steps.StreamTableJoin: "JOIN",
    steps.TableTableJoin: "JOIN",
    steps.ForeignKeyJoin: "JOIN",
    steps.FlatMap: "FLAT_MAP",
    steps.GroupBy: "GROUP_BY",
    steps.Aggregate: "AGGREGATE",
    steps.Sink: "SINK",
}


def logger(query: QueryId, step: steps.Step) -> str:
    """The name under which a step reports to the processing log."""
    context = step.context.replace("-", ".") if not isinstance(step, steps.Sink) else step.context
    suffix = "" if steps.inputs(step) else ".Source"
    return f"{query}.{context}{suffix}"


def execution_plan(query: QueryId, last: steps.Step) -> str:
    """The steps from the last to the sources, each indented deeper than the one after it."""
    return "".join(_lines(query, last, 0))


def _lines(query: QueryId, step: steps.Step, depth: int) -> Iterator[str]:
    indent = "\t\t" * depth
    yield (
        f"{indent} > [ {_NAMES[type(step)]} ] | Schema: {_schema(step.schema)} | "
        f"Logger: {logger(query, step)}\n"
    )
    for before in steps.inputs(step):
        yield from _lines(query, before, depth + 1)


def _schema(schema: Schema) -> str:
    return ", ".join(
        [f"{write(c.name)} {type_text(c.type)} KEY" for c in schema.key]
        + [f"{write(c.name)} {type_text(c.type)}" for c in schema.value]
    )
