"""Functions on numbers that keep their type, and the largest and smallest of several values."""

from __future__ import annotations

from collections.abc import Sequence

from lab.ksqldb.functions.registry import Way, scalar
from lab.ksqldb.sql.types import Decimal, SqlType, decimal

_ORDERED = ("TIME", "DATE", "BYTES", "TIMESTAMP", "DECIMAL", "INT", "BIGINT", "DOUBLE", "VARCHAR")


def _whole(types: Sequence[SqlType]) -> SqlType:
    given = types[0]
    assert isinstance(given, Decimal)  # noqa: S101 - narrows a type
    return decimal(max(given.precision - given.scale, 1), 0)


def _widest(types: Sequence[SqlType]) -> SqlType:
    exact = [t for t in types if isinstance(t, Decimal)]
    scale = max(t.scale for t in exact)
    return decimal(max(t.precision - t.scale for t in exact) + scale, scale)


def _numbers(java: str) -> tuple[Way, ...]:
    return tuple(Way((f"{t} val",), t, java) for t in ("DECIMAL", "DOUBLE", "INT", "BIGINT"))


def _rounding(java: str) -> tuple[Way, ...]:
    return (
        Way(("DECIMAL val",), _whole, java),
        Way(("DOUBLE val",), "BIGINT", java),
        Way(("DOUBLE val", "INT decimalPlaces"), "DOUBLE", java),
        Way(("DECIMAL val", "INT decimalPlaces"), "DECIMAL", java),
        Way(("INT val",), "BIGINT", java),
        Way(("BIGINT val",), "BIGINT", java),
    )


def _extreme(java: str) -> tuple[Way, ...]:
    return tuple(
        Way((f"{t} val", f"{t}... vals"), _widest if t == "DECIMAL" else t, java) for t in _ORDERED
    )


FUNCTIONS = (
    scalar("ABS", "MATHEMATICAL", "The number without its sign.", *_numbers("Maths.abs")),
    scalar(
        "ROUND", "MATHEMATICAL", "The nearest number, halves upwards, to so many decimal places.",
        *_rounding("Maths.round"),
    ),
    scalar(
        "TRUNC", "MATHEMATICAL", "The number without what follows so many decimal places.",
        *_rounding("Maths.trunc"),
    ),
    scalar("FLOOR", "MATHEMATICAL", "The next lower whole number.", *_numbers("Maths.floor")),
    scalar("CEIL", "MATHEMATICAL", "The next higher whole number.", *_numbers("Maths.ceil")),
    scalar(
        "GREATEST", "MATHEMATICAL", "The largest of the values; NULLs are left out.",
        *_extreme("Extremes.greatest"),
    ),
    scalar(
        "LEAST", "MATHEMATICAL", "The smallest of the values; NULLs are left out.",
        *_extreme("Extremes.least"),
    ),
)  # fmt: skip
