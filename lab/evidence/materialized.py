"""The changelog's view of a table: what a store holds, read from its topic without the server.

The states of ksqlDB's aggregations lie in changelogs as JSON objects, where the aggregates are
called KSQL_AGG_VARIABLE_0, …_1 in the order of the SELECT.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from lab.clients.records import StoredRecord

Key = TypeVar("Key")

_VARIABLE = "KSQL_AGG_VARIABLE_"


def latest(records: Iterable[StoredRecord]) -> dict[bytes, bytes]:
    """The last value of every key; a tombstone removes one. Records are in each partition's order.

    A key stands in one partition only, as a partitioner puts it there.
    """
    found: dict[bytes, bytes] = {}
    for record in records:
        if record.key is None:
            continue
        found.pop(record.key, None)
        if record.value is not None:
            found[record.key] = record.value
    return found


def aggregates(value: bytes, names: Sequence[str]) -> dict[str, object] | None:
    """The aggregates in a state, under their columns' names; None for a state of another form."""
    try:
        state = json.loads(value)
    except ValueError:
        return None
    if not isinstance(state, Mapping):
        return None
    found = {name: state.get(f"{_VARIABLE}{n}") for n, name in enumerate(names)}
    return found if all(f"{_VARIABLE}{n}" in state for n in range(len(names))) else None


def fields(value: bytes, names: Sequence[str]) -> dict[str, object] | None:
    """The columns of a sink's JSON value; None for a value of another form."""
    try:
        row = json.loads(value)
    except ValueError:
        return None
    if not isinstance(row, Mapping) or not all(name in row for name in names):
        return None
    return {name: row[name] for name in names}
