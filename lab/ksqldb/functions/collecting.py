"""Aggregates that keep several of a group's values, or one by its place."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, aggregate
from lab.ksqldb.sql.types import BIGINT, SqlType, array, struct


def _numbered(types: Sequence[SqlType]) -> SqlType:
    return struct(("SEQ", BIGINT), ("VAL", types[0]))


def _several(types: Sequence[SqlType]) -> SqlType:
    return array(_numbered(types))


def _counted(types: Sequence[SqlType]) -> SqlType:
    return array(struct(("VAL", types[0]), ("COUNT", BIGINT)))


def _by_offset(java: str, count: str) -> tuple[Way, ...]:
    value, nulls = "T val1", "BOOLEAN ignoreNulls"
    return (
        Way((value,), "T", java, _numbered),
        Way((value, count), "ARRAY<T>", f"{java}List", _several, constants=1),
        Way((value, count, nulls), "ARRAY<T>", f"{java}List", _several, constants=2),
        Way((value, nulls), "T", java, _numbered, constants=1),
    )


def _top(types: Sequence[SqlType]) -> SqlType:
    """One column alone, or structs of the column that is compared and the others."""
    columns = types[:-1]
    if len(columns) == 1:
        return array(columns[0])
    others = ((f"col{i}", t) for i, t in enumerate(columns[1:]))
    return array(struct(("sort_col", columns[0]), *others))


_TOP = ("DOUBLE", "INT", "BIGINT", "VARCHAR")
_TOP_DISTINCT = (
    "BIGINT", "INT", "DOUBLE", "DECIMAL", "BYTES", "DATE", "TIME", "TIMESTAMP", "VARCHAR",
)  # fmt: skip

FUNCTIONS = (
    aggregate(
        "COLLECT_LIST",
        "All values in the order they arrived, up to ksql.functions.collect_list.limit.",
        Way(("T val1",), "ARRAY<T>", "CollectList"),
        shown="collect_list",
    ),
    aggregate(
        "COLLECT_SET",
        "The different values in the order they arrived, up to ksql.functions.collect_set.limit.",
        Way(("T val1",), "ARRAY<T>", "CollectSet"),
        over_tables=False, shown="collect_set",
    ),
    aggregate(
        "HISTOGRAM", "How often each of up to 1000 different texts occurs.",
        Way(("VARCHAR val1",), "MAP<VARCHAR, BIGINT>", "Histogram"),
        shown="histogram",
    ),
    aggregate(
        "LATEST_BY_OFFSET",
        "The value that arrived last, or the last N; NULLs are left out unless told otherwise.",
        *_by_offset("Latest", "INT latestN"),
        over_tables=False,
    ),
    aggregate(
        "EARLIEST_BY_OFFSET",
        "The value that arrived first, or the first N; NULLs are left out unless told otherwise.",
        *_by_offset("Earliest", "INT earliestN"),
        over_tables=False,
    ),
    aggregate(
        "ATTR", "The value that all rows of the group have, or NULL if they differ.",
        Way(("T val1",), "T", "Attribute", _counted),
    ),
    aggregate(
        "TOPK",
        "The K largest values, or with more columns the rows of the K largest of the first.",
        *(
            Way((f"{t} val1", "ANY... val2", "INT k"), _top, "Top", constants=1, text="ARRAY<S>")
            for t in _TOP
        ),
        over_tables=False,
    ),
    aggregate(
        "TOPKDISTINCT", "The K largest different values.",
        *(
            Way((f"{t} val1", "INT k"), _top, "TopDistinct", constants=1, text=f"ARRAY<{t}>")
            for t in _TOP_DISTINCT
        ),
        over_tables=False,
    ),
)  # fmt: skip
