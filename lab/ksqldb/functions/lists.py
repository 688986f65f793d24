"""Functions of arrays."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Way, scalar

FUNCTIONS = (
    scalar(
        "ARRAY_CONCAT", "ARRAY", "Both arrays, one after the other.",
        Way(("ARRAY<T> left", "ARRAY<T> right"), "ARRAY<T>", "Lists.concat"),
    ),
    scalar(
        "ARRAY_CONTAINS", "ARRAY", "Whether the array has such an item.",
        Way(("ARRAY<T> array", "T val"), "BOOLEAN", "Lists.contains"),
    ),
    scalar(
        "ARRAY_DISTINCT", "ARRAY", "The items without repetitions.",
        Way(("ARRAY<T> input",), "ARRAY<T>", "Lists.distinct"),
    ),
    scalar(
        "ARRAY_EXCEPT", "ARRAY",
        "The distinct items of the first array that are not in the second.",
        Way(("ARRAY<T> left", "ARRAY<T> right"), "ARRAY<T>", "Lists.except"),
    ),
    scalar(
        "ARRAY_INTERSECT", "ARRAY", "The distinct items that are in both arrays.",
        Way(("ARRAY<T> left", "ARRAY<T> right"), "ARRAY<T>", "Lists.intersect"),
    ),
    scalar(
        "ARRAY_UNION", "ARRAY", "The distinct items of both arrays.",
        Way(("ARRAY<T> left", "ARRAY<T> right"), "ARRAY<T>", "Lists.union"),
    ),
    scalar(
        "ARRAY_JOIN", "ARRAY",
        "The items as one text, a comma or another delimiter between them.",
        Way(("ARRAY<T> array",), "VARCHAR", "Lists.join"),
        Way(("ARRAY<T> array", "VARCHAR delimiter"), "VARCHAR", "Lists.join"),
    ),
    scalar(
        "ARRAY_LENGTH", "ARRAY", "The number of items.",
        Way(("ARRAY<T> array",), "INT", "Lists.length"),
    ),
    scalar(
        "ARRAY_MAX", "ARRAY", "The largest item; NULLs are left out.",
        Way(("ARRAY<T> input",), "T", "Lists.max"),
    ),
    scalar(
        "ARRAY_MIN", "ARRAY", "The smallest item; NULLs are left out.",
        Way(("ARRAY<T> input",), "T", "Lists.min"),
    ),
    scalar(
        "ARRAY_REMOVE", "ARRAY", "The array without the items that equal a value.",
        Way(("ARRAY<T> array", "T victim"), "ARRAY<T>", "Lists.remove"),
    ),
    scalar(
        "ARRAY_SORT", "ARRAY", "The items in order, ASC (default) or DESC, NULLs last.",
        Way(("ARRAY<T> input",), "ARRAY<T>", "Lists.sort"),
        Way(("ARRAY<T> input", "VARCHAR direction"), "ARRAY<T>", "Lists.sort"),
    ),
    scalar(
        "SLICE", "ARRAY", "The items from one position to another, both included.",
        Way(("ARRAY<T> in", "INT from", "INT to"), "ARRAY<T>", "Lists.slice"),
    ),
    scalar(
        "GENERATE_SERIES", "ARRAY", "The whole numbers from start to end.",
        Way(("INT start", "INT end"), "ARRAY<INT>", "Lists.series"),
        Way(("BIGINT start", "BIGINT end"), "ARRAY<BIGINT>", "Lists.series"),
        Way(("INT start", "INT end", "INT step"), "ARRAY<INT>", "Lists.series"),
        Way(("BIGINT start", "BIGINT end", "INT step"), "ARRAY<BIGINT>", "Lists.series"),
    ),
)  # fmt: skip
