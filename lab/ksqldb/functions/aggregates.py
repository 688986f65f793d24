"""Aggregate functions; each declares the type of what it stores per group."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, aggregate
from lab.ksqldb.sql.types import BIGINT, DOUBLE, SqlType, array, struct

_NUMBERS = ("DECIMAL", "DOUBLE", "INT", "BIGINT")
_ORDERED = (*_NUMBERS, "VARCHAR", "BYTES", "DATE", "TIME", "TIMESTAMP")


def _latest(types: Sequence[SqlType]) -> SqlType:
    return struct(("SEQ", BIGINT), ("VAL", types[0]))


def _list(types: Sequence[SqlType]) -> SqlType:
    return array(types[0])


_AVERAGE = struct(("SUM", DOUBLE), ("COUNT", BIGINT))

FUNCTIONS = (
    aggregate(
        "COUNT", "The number of rows, or of values that are not NULL.",
        Way(("T val1",), "BIGINT", "Count"),
    ),
    aggregate(
        "SUM", "The sum of the values; NULLs count as zero.",
        *(Way((f"{t} val1",), t, "Sum") for t in _NUMBERS),
    ),
    aggregate(
        "AVG", "The mean of the values that are not NULL.",
        *(Way((f"{t} val1",), "DOUBLE", "Average", _AVERAGE) for t in ("DOUBLE", "INT", "BIGINT")),
    ),
    aggregate(
        "MIN", "The smallest value.",
        *(Way((f"{t} val1",), t, "Minimum") for t in _ORDERED),
        over_tables=False,
    ),
    aggregate(
        "MAX", "The largest value.",
        *(Way((f"{t} val1",), t, "Maximum") for t in _ORDERED),
        over_tables=False,
    ),
    aggregate(
        "COLLECT_LIST", "All values in the order they arrived, up to 1000.",
        Way(("T val1",), "ARRAY<T>", "CollectList", _list),
    ),
    aggregate(
        "LATEST_BY_OFFSET", "The value that arrived last; NULLs are left out.",
        Way(("T val1",), "T", "Latest", _latest),
        over_tables=False,
    ),
    aggregate(
        "EARLIEST_BY_OFFSET", "The value that arrived first; NULLs are left out.",
        Way(("T val1",), "T", "Earliest", _latest),
        over_tables=False,
    ),
)  # fmt: skip
