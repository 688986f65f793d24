"""Functions on numbers."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, scalar
from lab.ksqldb.sql.types import Decimal, SqlType, decimal


def _whole(types: Sequence[SqlType]) -> SqlType:
    given = types[0]
    assert isinstance(given, Decimal)  # noqa: S101 - narrows a type
    return decimal(max(given.precision - given.scale, 1), 0)


def _numbers(java: str) -> tuple[Way, ...]:
    return tuple(Way((f"{t} val",), t, java) for t in ("DECIMAL", "DOUBLE", "INT", "BIGINT"))


FUNCTIONS = (
    scalar("ABS", "MATHEMATICAL", "The number without its sign.", *_numbers("Maths.abs")),
    scalar(
        "ROUND", "MATHEMATICAL", "The nearest number, halves upwards, to so many decimal places.",
        Way(("INT val",), "BIGINT", "Maths.round"),
        Way(("BIGINT val",), "BIGINT", "Maths.round"),
        Way(("DOUBLE val",), "BIGINT", "Maths.round"),
        Way(("DECIMAL val",), _whole, "Maths.round"),
        Way(("DOUBLE val", "INT decimalPlaces"), "DOUBLE", "Maths.round"),
        Way(("DECIMAL val", "INT decimalPlaces"), "DECIMAL", "Maths.round"),
    ),
    scalar("FLOOR", "MATHEMATICAL", "The next lower whole number.", *_numbers("Maths.floor")),
    scalar("CEIL", "MATHEMATICAL", "The next higher whole number.", *_numbers("Maths.ceil")),
)  # fmt: skip
