"""Aggregates that count, sum and compare; each declares the type of what it stores per group."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, aggregate
from lab.ksqldb.sql.types import BIGINT, DOUBLE, INTEGER, array, struct

_NUMBERS = ("DECIMAL", "DOUBLE", "INT", "BIGINT")
_ORDERED = (*_NUMBERS, "VARCHAR", "TIMESTAMP", "TIME", "DATE", "BYTES")

_AVERAGE = struct(("SUM", DOUBLE), ("COUNT", BIGINT))

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
        "SUM", "The sum of the values; NULLs count as zero.",
        *(Way((f"{t} val1",), t, "Sum") for t in _NUMBERS),
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
