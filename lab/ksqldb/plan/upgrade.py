"""Which running queries CREATE OR REPLACE may change into which.

A query keeps its id, its place in its topics and its state, so that only what reads no state may
change: filters and projections. Everything else must stay what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from lab.ksqldb.errors import StatementError
from lab.ksqldb.plan import steps
from lab.ksqldb.sql.format import type_text

Shape = tuple[tuple[str, str], ...]
"""The steps that must stay: each one's kind, and what it is made of."""

_FREE = ("Filter", "Select")
_FIXED = ("StreamSource", "TableSource", "Sink")


def shape(plan: steps.QueryPlan) -> Shape:
    """What of a plan an upgrade must keep."""
    return tuple(_parts(plan.step))


def _parts(step: object) -> Iterator[tuple[str, str]]:
    name = type(step).__name__
    if name not in _FREE:
        yield name, _details(step) if name in _FIXED else ""
    for field in dataclasses.fields(step):  # type: ignore[arg-type] # a dataclass each
        below = getattr(step, field.name)
        if type(below).__module__ == steps.__name__ and hasattr(below, "schema"):
            yield from _parts(below)


def _details(step: object) -> str:
    # One column or several: whether it is wrapped is then no choice, so that only "not" counts.
    formats = [
        f.name if f.wrap is not False else f"{f.name} unwrapped"
        for f in (step.formats.key, step.formats.value)  # type: ignore[attr-defined] # sources and sinks have them
    ]
    told = [f"topic {getattr(step, 'topic', '')}", f"formats {', '.join(formats)}"]
    record = getattr(step, "record", None)
    if record is not None:
        columns = ", ".join(f"{c.name} {type_text(c.type)}" for c in record.columns)
        told += [f"columns {columns}", f"timestamp {getattr(step, 'timestamp', None)}"]
    return "; ".join(told)


def check(name: str, old: Shape, new: Shape) -> None:
    """Refuse a plan that a running query cannot change into.

    Raises:
        StatementError: with the step in the way.
    """
    for kind, _ in (*old, *new):
        if kind not in _FIXED:
            raise StatementError(
                f"Cannot upgrade data source {name}: Upgrades not yet supported for {kind}"
            )
    if old == new:
        return
    was, is_ = next(((a, b) for a, b in zip(old, new, strict=False) if a != b), (old[-1], new[-1]))
    raise StatementError(
        f"Query is not upgradeable. Plan step of type {was[0]} must stay the same. "
        f"Was: {was[1]}. Would be: {is_[0]} with {is_[1]}"
    )
