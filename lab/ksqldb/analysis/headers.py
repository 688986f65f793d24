"""Columns that hold a record's headers: HEADERS and HEADER('name')."""

from __future__ import annotations

from lab.ksqldb.catalog import HeaderColumn
from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.types import BYTES, STRING, array, struct

ALL_HEADERS = array(struct(("KEY", STRING), ("VALUE", BYTES)))


def header_columns(statement: ast.CreateSource) -> tuple[HeaderColumn, ...]:
    """The header columns of a CREATE statement.

    Raises:
        StatementError: one has another type than headers have, or stands twice.
    """
    found = [c for c in statement.columns if c.role == "HEADERS"]
    if found and statement.kind == "TABLE":
        raise StatementError(f"Header columns are for streams: {found[0].name}")
    names: set[str | None] = set()
    for column in found:
        shown = "HEADERS" if column.header is None else f"HEADER('{column.header}')"
        wanted = ALL_HEADERS if column.header is None else BYTES
        if column.type != wanted:
            raise StatementError(
                f"Invalid type for {shown} column: expected {wanted}, got {column.type}"
            )
        if column.header in names:
            raise StatementError(f"Schema already contains a {shown} column.")
        names.add(column.header)
    if None in names and len(names) > 1:
        raise StatementError("Schema already contains a HEADERS column.")
    return tuple(HeaderColumn(c.name, c.type, c.header) for c in found)
