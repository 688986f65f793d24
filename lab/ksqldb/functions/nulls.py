"""Functions about NULL."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "COALESCE", "CONDITIONAL", "The first argument that is not NULL.",
        Way(("T first", "T... others"), "T", "Nulls.coalesce"),
    ),
    scalar(
        "IFNULL", "CONDITIONAL", "The first argument, or the second if the first is NULL.",
        Way(("T expression", "T altValue"), "T", "Nulls.ifNull"),
    ),
    scalar(
        "NULLIF", "CONDITIONAL", "NULL if both arguments are equal, the first otherwise.",
        Way(("T expr1", "T expr2"), "T", "Nulls.nullIf"),
    ),
    scalar(
        "AS_VALUE", "OTHER", "The argument itself: a copy of a key column for the value.",
        Way(("T keyColumn",), "T", "Nulls.same"),
    ),
)  # fmt: skip
