"""Aggregates that count, sum and compare; each declares the type of what it stores per group."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, aggregate
from lab.ksqldb.sql.types import (
    BIGINT,
    DOUBLE,
    INTEGER,
    Decimal,
    SqlType,
    array,
    decimal,
    struct,
)

_NUMBERS = ("DECIMAL", "DOUBLE", "INT", "BIGINT")
_ORDERED = (*_NUMBERS, "VARCHAR", "TIMESTAMP", "TIME", "DATE", "BYTES")

_AVERAGE = struct(("SUM", DOUBLE), ("COUNT", BIGINT))
_ROOM = 19
"""Digits that as many values as a BIGINT counts add to those of one."""


def _wide(types: Sequence[SqlType]) -> SqlType:
    """A DECIMAL that holds any sum, so that a too large one does not spoil the group."""
    given = types[0]
    assert isinstance(given, Decimal)  # noqa: S101 - narrows a type
    return decimal(given.precision + _ROOM, given.scale)


FUNCTIONS = (
    aggregate(
        "COUNT", "The number of rows, or of values that are not NULL.",
        Way(("T val1",), "BIGINT", "Count"),
    ),
    aggregate(
        "COUNT_DISTINCT", "About how many different values there are that are not NULL.",
        Way(("T val1",), "BIGINT", "CountDistinct", array(INTEGER)),
        over_tables=False,
    ),
    aggregate(
        "SUM", "The sum of the values; NULLs count as zero. NULL if it does not fit its DECIMAL.",
        *(Way((f"{t} val1",), t, "Sum", _wide if t == "DECIMAL" else None) for t in _NUMBERS),
    ),
    aggregate(
        "SUM_LIST", "The sum of all items of the arrays; NULLs count as zero.",
        *(Way((f"ARRAY<{t}> val1",), t, "SumList") for t in ("DOUBLE", "INT", "BIGINT")),
        shown="sum_list",
    ),
    aggregate(
        "AVG", "The mean of the values that are not NULL; 0 if there are none.",
        *(Way((f"{t} val1",), "DOUBLE", "Average", _AVERAGE) for t in ("DOUBLE", "INT", "BIGINT")),
        shown="avg",
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
)  # fmt: skip
