"""Table functions: several rows from one."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, table_function
from lab.ksqldb.sql.types import Array, SqlType


def _item(types: Sequence[SqlType]) -> SqlType:
    given = types[0]
    assert isinstance(given, Array)  # noqa: S101 - narrows a type
    return given.item


FUNCTIONS = (
    table_function(
        "EXPLODE", "A row for each item of an array.",
        Way(("ARRAY<DECIMAL> input",), _item, "Explode"),
        Way(("ARRAY<T> list",), "T", "Explode"),
        shown="explode",
    ),
    table_function(
        "CUBE_EXPLODE", "A row for each combination of an array's items and NULLs.",
        Way(("ARRAY<T> columns",), "ARRAY<T>", "CubeExplode"),
        shown="cube_explode",
    ),
)  # fmt: skip
