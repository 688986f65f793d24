"""Aggregates of statistics."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, aggregate
from lab.ksqldb.sql.types import BIGINT, DOUBLE, struct

_NUMBERS = ("DOUBLE", "INT", "BIGINT")
_MOMENTS = struct(("MEAN", DOUBLE), ("COUNT", BIGINT), ("M2", DOUBLE))
_SUMS = struct(
    *((n, DOUBLE) for n in ("SUM1", "SUM2", "SQUARES1", "SQUARES2", "PRODUCTS")), ("COUNT", BIGINT)
)

FUNCTIONS = (
    aggregate(
        "CORRELATION", "Pearson's correlation of two columns; rows with a NULL are left out.",
        *(Way((f"{t} val1", f"{t} val2"), "DOUBLE", "Correlation", _SUMS) for t in _NUMBERS),
        shown="correlation",
    ),
    aggregate(
        "STDDEV_SAMP", "The sample variance (as ksqlDB has it under this name).",
        *(Way((f"{t} val1",), "DOUBLE", "Variance", _MOMENTS) for t in _NUMBERS),
    ),
    aggregate(
        "STDDEV_SAMPLE", "The sample standard deviation.",
        *(Way((f"{t} val1",), "DOUBLE", "Deviation", _MOMENTS) for t in _NUMBERS),
    ),
)  # fmt: skip
