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
        Way(("T expression1", "T expression2"), "T", "Nulls.nullIf"),
    ),
)  # fmt: skip
