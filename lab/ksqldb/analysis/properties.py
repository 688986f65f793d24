"""The WITH clause: which properties there are, their types, and what may not go together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.ksqldb.analysis import time_patterns
from lab.ksqldb.catalog import WindowInfo
from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql.ast import Properties, PropertyValue
from lab.ksqldb.sql.spans import TIME_UNITS

FORMATS = (
    "AVRO",
    "DELIMITED",
    "JSON",
    "JSON_SR",
    "KAFKA",
    "NONE",
    "PROTOBUF",
    "PROTOBUF_NOSR",
)
"""The formats this server has: all of ksqlDB's."""

_TYPES: dict[str, type] = {
    "KAFKA_TOPIC": str,
    "PARTITIONS": int,
    "REPLICAS": int,
    "RETENTION_MS": int,
    "CLEANUP_POLICY": str,
    "KEY_FORMAT": str,
    "VALUE_FORMAT": str,
    "FORMAT": str,
    "TIMESTAMP": str,
    "TIMESTAMP_FORMAT": str,
    "WRAP_SINGLE_VALUE": bool,
    "VALUE_DELIMITER": str,
    "KEY_DELIMITER": str,
    "WINDOW_TYPE": str,
    "WINDOW_SIZE": str,
    "KEY_SCHEMA_ID": int,
    "VALUE_SCHEMA_ID": int,
    "KEY_SCHEMA_FULL_NAME": str,
    "VALUE_SCHEMA_FULL_NAME": str,
    "KEY_PROTOBUF_NULLABLE_REPRESENTATION": str,
    "VALUE_PROTOBUF_NULLABLE_REPRESENTATION": str,
}
_PREPARE = "Failed to prepare statement: "


@dataclass(frozen=True, slots=True)
class WithClause:
    """A checked WITH clause. Values keep the order in which they were written."""

    items: Properties

    @property
    def values(self) -> dict[str, PropertyValue]:
        """By name."""
        return dict(self.items)

    def text(self, name: str) -> str | None:
        """A text property."""
        value = self.values.get(name)
        return None if value is None else str(value)

    def number(self, name: str) -> int | None:
        """A whole-number property."""
        value = self.values.get(name)
        return None if value is None else int(value)

    def flag(self, name: str) -> bool | None:
        """A boolean property."""
        value = self.values.get(name)
        return None if value is None else bool(value)

    def format(self, name: str) -> str | None:
        """KEY_FORMAT or VALUE_FORMAT, given itself or by FORMAT, in upper case."""
        found = self.text(name) or self.text("FORMAT")
        return None if found is None else found.upper()

    def replacing(self, name: str, value: PropertyValue) -> WithClause:
        """With another value of a property that is there."""
        return WithClause(tuple((n, value if n == name else v) for n, v in self.items))

    def adding(self, *more: tuple[str, PropertyValue]) -> WithClause:
        """With further properties, unless they are there already."""
        have = self.values
        return WithClause(self.items + tuple(p for p in more if p[0] not in have))


def check(items: Properties, *, as_select: bool = False) -> WithClause:
    """Check names, types and combinations. Windows of a CREATE … AS SELECT come from its query.

    Raises:
        StatementError: with ksqlDB's reason.
        NotSupported: a property this server does not have.
    """
    elsewhere = {"WINDOW_TYPE", "WINDOW_SIZE"} if as_select else set()
    unknown = [name for name, _ in items if name not in _TYPES or name in elsewhere]
    if unknown:
        raise StatementError(
            f"{_PREPARE}Invalid config variable(s) in the WITH clause: {','.join(unknown)}"
        )
    clause = WithClause(tuple((name, _coerce(name, value)) for name, value in items))
    have = clause.values
    if "CLEANUP_POLICY" in have:
        raise StatementError(
            "Invalid config variable in the WITH clause: CLEANUP_POLICY.\n"
            "The CLEANUP_POLICY config is automatically inferred based on the type of source "
            "(STREAM or TABLE).\nUsers can't set the CLEANUP_POLICY config manually."
        )
    for name in ("KEY_FORMAT", "VALUE_FORMAT"):
        if "FORMAT" in have and name in have:
            raise StatementError(
                f"{_PREPARE}Cannot supply both '{name}' and 'FORMAT' properties, as 'FORMAT' sets "
                "both key and value formats."
                "\nEither use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'."
            )
    _check_window(clause)
    pattern = clause.text("TIMESTAMP_FORMAT")
    if pattern is not None:
        time_patterns.check(pattern)
    for name in ("KEY", "VALUE"):
        _check_delimiter(clause, f"{name}_DELIMITER")
        _check_nullable(clause, f"{name}_PROTOBUF_NULLABLE_REPRESENTATION")
    return clause


def check_retention(clause: WithClause, *, kind: str, windowed: bool) -> None:
    """Refuse a retention for what is kept for ever: tables without windows.

    Raises:
        StatementError: there is one.
    """
    if kind == "TABLE" and not windowed and clause.number("RETENTION_MS") is not None:
        raise StatementError(
            "Invalid config variable in the WITH clause: RETENTION_MS. Non-windowed tables do not "
            "support retention."
        )


def _check_delimiter(clause: WithClause, name: str) -> None:
    value = clause.text(name)
    if value is None or (len(value) == 1 and value.strip()) or value in {"TAB", "SPACE"}:
        return
    if not value.strip():
        raise StatementError(
            f"{_PREPARE}Configuration {name} is invalid: Delimiter cannot be empty, if you meant "
            "to have a tab or space for delimiter, please use the special values 'TAB' or 'SPACE'"
            "\nExample valid value: ';'"
        )
    raise StatementError(
        f"{_PREPARE}Configuration {name} is invalid: Invalid delimiter value: '{value}'. "
        "Delimiter must be a single character or TAB,SPACE\nExample valid value: ';'"
    )


def _check_nullable(clause: WithClause, name: str) -> None:
    value = clause.text(name)
    if value is not None and value not in {"OPTIONAL", "WRAPPER"}:
        raise StatementError(
            f"{_PREPARE}Invalid value {value} for property {name}: String must be one of: "
            "OPTIONAL, WRAPPER, null"
        )


def _check_window(clause: WithClause) -> None:
    kind = clause.text("WINDOW_TYPE")
    if kind is None:
        return
    if kind.upper() not in {"SESSION", "HOPPING", "TUMBLING"}:
        raise StatementError(
            f"{_PREPARE}Invalid value {kind} for property WINDOW_TYPE: String must be one of: "
            "SESSION, HOPPING, TUMBLING, null"
        )
    if kind.upper() != "SESSION" and clause.text("WINDOW_SIZE") is None:
        raise StatementError(
            f"{_PREPARE}{kind.upper()} windows require 'WINDOW_SIZE' to be provided in the WITH "
            "clause. For example: 'WINDOW_SIZE'='10 SECONDS'"
        )
    size = clause.text("WINDOW_SIZE")
    if kind.upper() == "SESSION":
        if size is not None:
            raise StatementError(f"{_PREPARE}'WINDOW_SIZE' should not be set for SESSION windows.")
    elif size is not None:
        _window_ms(size)


_LONGEST_WINDOW_MS = 2**60


def _window_ms(size: str) -> int:
    words = size.split()
    unit = words[1].upper() if len(words) == 2 else ""
    plural = unit if unit.endswith("S") else f"{unit}S"
    reason = None
    if len(words) != 2:
        reason = "Expected 2 tokens, got: " + str(len(words))
    elif plural not in TIME_UNITS:
        reason = f"Unknown time unit: '{unit}'"
    elif not words[0].isdecimal():
        reason = f"Not numeric: '{words[0]}'"
    elif int(words[0]) < 1:
        reason = "The size of a window must be greater than zero"
    elif int(words[0]) * TIME_UNITS[plural] > _LONGEST_WINDOW_MS:
        reason = "A window cannot be as long"
    if reason is not None:
        raise StatementError(
            f"{_PREPARE}Error in WITH clause property 'WINDOW_SIZE': Invalid duration: '{size}'. "
            f"{reason}\nExample valid value: '10 SECONDS'"
        )
    return int(words[0]) * TIME_UNITS[plural]


def window_info(clause: WithClause) -> WindowInfo | None:
    """The windows in the keys of a source, as a checked clause declares them."""
    kind = clause.text("WINDOW_TYPE")
    size = clause.text("WINDOW_SIZE")
    match None if kind is None else kind.upper():
        case "SESSION":
            return WindowInfo("SESSION", None)
        case "TUMBLING" | "HOPPING" as named if size is not None:
            return WindowInfo("TUMBLING" if named == "TUMBLING" else "HOPPING", _window_ms(size))
    return None


def _coerce(name: str, value: PropertyValue) -> PropertyValue:
    wanted = _TYPES[name]
    if wanted is int and not isinstance(value, bool):
        try:
            return int(value)
        except ValueError:
            raise StatementError(
                f"{_PREPARE}Invalid value {value} for property {name}: Not a number of type INT"
            ) from None
    if wanted is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        raise StatementError(
            f"{_PREPARE}Invalid value {value} for property {name}: Expected value to be either "
            "true or false"
        )
    if wanted is str and not isinstance(value, str):
        return str(value)
    return value


def known_format(name: str) -> str:
    """The format's name in upper case.

    Raises:
        StatementError: there is no such format.
    """
    upper = name.upper()
    if upper not in FORMATS:
        raise StatementError(f"Unknown format: {upper}")
    return upper


def names(clause: Iterable[tuple[str, PropertyValue]]) -> list[str]:
    """The property names of a clause."""
    return [name for name, _ in clause]


def insert_query_id(items: Properties) -> str | None:
    """The query id of an INSERT INTO's WITH clause, which takes nothing else.

    Raises:
        StatementError: there is another property.
    """
    unknown = [name for name, _ in items if name != "QUERY_ID"]
    if unknown:
        raise StatementError(
            f"{_PREPARE}Invalid config variable(s) in the WITH clause: {','.join(unknown)}"
        )
    return next((str(value) for _, value in items), None)
