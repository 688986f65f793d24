"""Functions of real numbers."""

from __future__ import annotations

from lab.ksqldb.functions.registry import Function, Way, scalar


def _real(name: str, description: str, java: str, parameter: str = "value") -> Function:
    ways = (Way((f"{t} {parameter}",), "DOUBLE", java) for t in ("DOUBLE", "INT", "BIGINT"))
    return scalar(name, "MATHEMATICAL", description, *ways)


FUNCTIONS = (
    _real("SQRT", "The square root.", "Numbers.sqrt"),
    _real("CBRT", "The cube root.", "Numbers.cbrt"),
    _real("EXP", "e to the power of the number.", "Numbers.exp", "exponent"),
    _real("LN", "The natural logarithm.", "Numbers.ln"),
    scalar(
        "LOG", "MATHEMATICAL", "The natural logarithm, or that to a base.",
        Way(("INT base", "INT value"), "DOUBLE", "Numbers.log"),
        Way(("BIGINT base", "BIGINT value"), "DOUBLE", "Numbers.log"),
        Way(("DOUBLE base", "DOUBLE value"), "DOUBLE", "Numbers.log"),
        Way(("DOUBLE value",), "DOUBLE", "Numbers.log"),
        Way(("INT value",), "DOUBLE", "Numbers.log"),
        Way(("BIGINT value",), "DOUBLE", "Numbers.log"),
    ),
    scalar(
        "POWER", "MATHEMATICAL", "A number to a power.",
        Way(("DOUBLE base", "DOUBLE exponent"), "DOUBLE", "Numbers.power"),
        Way(("BIGINT base", "BIGINT exponent"), "DOUBLE", "Numbers.power"),
        Way(("INT base", "INT exponent"), "DOUBLE", "Numbers.power"),
    ),
    scalar(
        "PI", "MATHEMATICAL", "The number pi.",
        Way((), "DOUBLE", "Numbers.pi"),
    ),
    scalar(
        "RANDOM", "MATHEMATICAL", "A random number from zero to one, one excluded.",
        Way((), "DOUBLE", "Numbers.random"),
    ),
    scalar(
        "SIGN", "MATHEMATICAL", "-1, 0 or 1, as the number is negative, zero or positive.",
        Way(("DOUBLE value",), "INT", "Numbers.sign"),
        Way(("INT value",), "INT", "Numbers.sign"),
        Way(("BIGINT value",), "INT", "Numbers.sign"),
    ),
    _real("SIN", "The sine.", "Numbers.sin"),
    _real("COS", "The cosine.", "Numbers.cos"),
    _real("TAN", "The tangent.", "Numbers.tan"),
    _real("COT", "The cotangent.", "Numbers.cot"),
    _real("ASIN", "The inverse sine.", "Numbers.asin"),
    _real("ACOS", "The inverse cosine.", "Numbers.acos"),
    _real("ATAN", "The inverse tangent.", "Numbers.atan"),
    scalar(
        "ATAN2", "MATHEMATICAL", "The angle of the point (x, y).",
        Way(("DOUBLE y", "DOUBLE x"), "DOUBLE", "Numbers.atan2"),
        Way(("BIGINT y", "BIGINT x"), "DOUBLE", "Numbers.atan2"),
        Way(("INT y", "INT x"), "DOUBLE", "Numbers.atan2"),
    ),
    _real("SINH", "The hyperbolic sine.", "Numbers.sinh"),
    _real("COSH", "The hyperbolic cosine.", "Numbers.cosh"),
    _real("TANH", "The hyperbolic tangent.", "Numbers.tanh"),
    _real("DEGREES", "Radians in degrees.", "Numbers.degrees"),
    _real("RADIANS", "Degrees in radians.", "Numbers.radians"),
    scalar(
        "GEO_DISTANCE", "OTHER",
        "The great-circle distance of two points in KM (default) or MILES.",
        Way(
            ("DOUBLE lat1", "DOUBLE lon1", "DOUBLE lat2", "DOUBLE lon2", "VARCHAR units"),
            "DOUBLE", "Numbers.distance",
        ),
        Way(
            ("DOUBLE lat1", "DOUBLE lon1", "DOUBLE lat2", "DOUBLE lon2"),
            "DOUBLE", "Numbers.distance",
        ),
    ),
)  # fmt: skip
