"""Plans as JSON and back.

A dataclass becomes an object with its class's name under ``@type``; types are written as SQL. The
whole carries a version: a reader refuses one it does not know.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from lab.ksqldb.analysis.windows import Windowing
from lab.ksqldb.catalog import Column, Format, HeaderColumn, Schema, Source, Timestamp, WindowInfo
from lab.ksqldb.errors import KsqlError
from lab.ksqldb.plan import steps
from lab.ksqldb.sql.format import type_text
from lab.ksqldb.sql.types import SqlType

_CLASSES: dict[str, type] = {
    c.__name__: c
    for c in (
        Column,
        Format,
        HeaderColumn,
        Schema,
        Source,
        Timestamp,
        WindowInfo,
        Windowing,
        steps.Formats,
        steps.Named,
        steps.StreamSource,
        steps.TableSource,
        steps.Filter,
        steps.Select,
        steps.SelectKey,
        steps.StreamStreamJoin,
        steps.StreamTableJoin,
        steps.TableTableJoin,
        steps.ForeignKeyJoin,
        steps.FlatMap,
        steps.GroupBy,
        steps.AggregateCall,
        steps.Aggregate,
        steps.Sink,
        steps.QueryPlan,
        steps.RegisteredType,
        steps.Command,
    )
}

ParseType = Callable[[str], SqlType]


class UnreadablePlan(KsqlError):
    """A plan of another version, or none at all."""


def encode(plan: object) -> dict[str, Any]:
    """A plan as JSON data."""
    return {"version": steps.PLAN_VERSION, "plan": _encode(plan)}


def _encode(value: object) -> Any:
    if isinstance(value, SqlType):
        return {"type": type_text(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: _encode(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if getattr(value, f.name) != f.default
        }
        return {"@type": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


def decode(data: Any, parse_type: ParseType) -> Any:
    """The plan of JSON data.

    Raises:
        UnreadablePlan: it is not a plan of this version.
    """
    try:
        if data["version"] != steps.PLAN_VERSION:
            raise UnreadablePlan(f"plan version {data['version']} is not {steps.PLAN_VERSION}")
        return _decode(data["plan"], parse_type)
    except (KeyError, TypeError) as error:
        raise UnreadablePlan(f"not a plan: {error!r}") from error


def _decode(value: Any, parse_type: ParseType) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, parse_type) for item in value)
    if not isinstance(value, dict):
        return value
    if "@type" not in value:
        return parse_type(value["type"])
    fields = {k: _decode(v, parse_type) for k, v in value.items() if k != "@type"}
    return _CLASSES[value["@type"]](**fields)
