"""The formats that a plan uses, wherever they stand in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from lab.ksqldb.analysis.formats import uses_registry
from lab.ksqldb.catalog import Format
from lab.ksqldb.plan.steps import QueryPlan


def formats_in(value: object) -> Iterator[Format]:
    """The formats in a plan, a step or anything inside one."""
    if isinstance(value, Format):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from formats_in(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from formats_in(getattr(value, field.name))


def needs_registry(plan: QueryPlan) -> bool:
    """Whether a query reads or writes schemas of the registry."""
    return any(uses_registry(f.name) for f in formats_in(plan.step))
