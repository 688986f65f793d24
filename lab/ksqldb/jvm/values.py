"""Python values of INSERT statements to Java values of SQL types."""

from __future__ import annotations

from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.jvm.errors import translated
from lab.ksqldb.sql.types import Base, Decimal, SqlType

Plain = None | bool | int | float | str
"""What literals are in Python; DECIMALs are text."""


def to_java(value: Plain, type_: SqlType) -> Any:  # noqa: PLR0911 - one return per kind
    """A literal as the Java object of its SQL type.

    Raises:
        JavaFault: a text is no date, time, timestamp or base64.
    """
    if value is None:
        return None
    casts = jpype.JClass("lab.ksqldb.fn.Casts")
    with translated():
        match type_.base:
            case Base.BOOLEAN:
                return jpype.JClass("java.lang.Boolean").valueOf(bool(value))
            case Base.INTEGER:
                return jpype.JClass("java.lang.Integer")(jpype.JInt(int(value)))
            case Base.BIGINT:
                return jpype.JClass("java.lang.Long")(jpype.JLong(int(value)))
            case Base.DOUBLE:
                return jpype.JClass("java.lang.Double")(jpype.JDouble(float(value)))
            case Base.DECIMAL:
                assert isinstance(type_, Decimal)  # noqa: S101 - narrows a type
                text = jpype.JString(str(value))
                return casts.toDecimal(text, type_.precision, type_.scale)
        text = jpype.JString(str(value))
        if type_.base is Base.STRING:
            return text
        return getattr(casts, f"to{type_.base.value.capitalize()}")(text)


def object_array(values: list[Any]) -> Any:
    """A Java Object[]."""
    array = jpype.JArray(jpype.JObject)(len(values))
    for index, value in enumerate(values):
        array[index] = value
    return array
