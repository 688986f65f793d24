"""Rules for the schemas of sources: what each format can hold, names, keys, timestamps."""

from __future__ import annotations

from lab.ksqldb.analysis import formats
from lab.ksqldb.catalog import RESERVED_COLUMNS, Column, Format, Schema, Timestamp
from lab.ksqldb.errors import RequestError, StatementError
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import Base, contains_map

key_format = formats.key_format
value_format = formats.value_format


def check_formats(
    schema: Schema, key: Format, value: Format, *, error: type[RequestError] = StatementError
) -> None:
    """Refuse a schema that its formats cannot hold.

    Raises:
        RequestError: of the class ``error``.
    """
    for column in schema.key:
        if contains_map(column.type):
            raise error(
                "Map keys, including types that contain maps, are not supported as they may lead "
                "to unexpected behavior due to inconsistent serialization. "
                f"Key column name: {quote(column.name)}. Column type: {column.type}. "
                "See https://github.com/confluentinc/ksql/issues/6621 for more."
            )
    _check_side("Key", schema.key, key, error)
    _check_side("Value", schema.value, value, error)


def _check_side(
    side: str, columns: tuple[Column, ...], format_: Format, error: type[RequestError]
) -> None:
    suffix = " KEY" if side == "Key" else ""
    shown = ", ".join(f"{quote(c.name)} {c.type}{suffix}" for c in columns)
    reason = formats.refusal(format_.name, columns, shown)
    if reason is not None:
        raise error(
            f"{side} format does not support schema.\nformat: {format_.name}\n"
            f"schema: Persistence{{columns=[{shown}], features=[{_feature(format_, columns)}]}}\n"
            f"reason: {reason}"
        )


def _feature(format_: Format, columns: tuple[Column, ...]) -> str:
    if format_.wrap is None or len(columns) != 1:
        return ""
    return "WRAP_SINGLES" if format_.wrap else "UNWRAP_SINGLES"


def check_names(columns: tuple[Column, ...]) -> None:
    """Refuse columns with reserved names."""
    for column in columns:
        if column.name in RESERVED_COLUMNS:
            raise StatementError(
                f"'{column.name}' is a reserved column name. "
                "You cannot use it as a name for a column."
            )


def check_unique(columns: tuple[Column, ...], side: str) -> None:
    """Refuse two columns of one name."""
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            suffix = " KEY" if side == "key" else ""
            raise StatementError(
                f"Duplicate {side} columns found in schema: "
                f"{quote(column.name)} {column.type}{suffix}"
            )
        seen.add(column.name)


def timestamp_column(schema: Schema, name: str | None, format_: str | None) -> Timestamp | None:
    """The column of the TIMESTAMP property, which must be a fitting one of the schema."""
    if name is None:
        if format_ is not None:
            raise StatementError("'TIMESTAMP_FORMAT' is given without a 'TIMESTAMP' column.")
        return None
    column = schema.find(name) or schema.find(name.strip("`")) or schema.find(name.upper())
    if column is None:
        raise StatementError(
            f"The TIMESTAMP column set in the WITH clause does not exist in the schema: '{name}'"
        )
    is_text = column.type.base is Base.STRING
    if is_text and format_ is None:
        raise StatementError(
            f"A String timestamp field has been specified without also specifying the "
            f"timestamp_format: {quote(column.name)}"
        )
    if not is_text and format_ is not None:
        raise StatementError("'TIMESTAMP_FORMAT' is only for text columns.")
    if not is_text and column.type.base not in {Base.BIGINT, Base.TIMESTAMP}:
        raise StatementError(
            f"Timestamp column, {quote(column.name)}, should be LONG(INT64), TIMESTAMP, or a "
            "String with a timestamp_format specified."
        )
    return Timestamp(column.name, format_)
