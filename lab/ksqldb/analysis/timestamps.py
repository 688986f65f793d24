"""Times written as text, compared with ROWTIME: turned into milliseconds while planning."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone

from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.walk import rewrite

TIMES = ("ROWTIME", "WINDOWSTART", "WINDOWEND")
"""Columns that hold milliseconds and may be compared with text."""

_FORM = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:T(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})"
    r"(?:\.(\d{1,3}))?)?)?)?)?)?)?(?:(Z)|([+-])(\d{2}):?(\d{2}))?\Z"
)


def milliseconds(text: str) -> int:
    """The time that a text means, in milliseconds since 1970; missing parts are the least.

    Raises:
        StatementError: the text is no time.
    """
    found = _FORM.match(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute, second, fraction = found.groups()[:7]
        sign, hours, minutes = found.groups()[8:]
        zone: timezone = UTC
        if sign is not None:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(-offset if sign == "-" else offset)
        millis = int((fraction or "0").ljust(3, "0"))
        at = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=zone,
        )
    except ValueError:
        raise StatementError(
            f"Failed to parse timestamp '{text}': "
            "Required format is: \"yyyy-MM-dd'T'HH:mm:ss.SSS\", with an optional numeric timezone"
        ) from None
    return int(at.timestamp()) * 1000 + millis


def rewrite_times(node: ast.Expression, times: Collection[str] = TIMES) -> ast.Expression:
    """The expression with text that is compared with one of ``times`` turned into milliseconds."""

    def is_time(found: ast.Expression) -> bool:
        return isinstance(found, ast.Column) and found.name in times

    def replace(found: ast.Expression) -> ast.Expression | None:
        match found:
            case ast.Comparison(operator=operator, left=left, right=right):
                if is_time(left) or is_time(right):
                    return ast.Comparison(
                        operator=operator, left=_time(left), right=_time(right), at=found.at
                    )
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                if is_time(operand):
                    return ast.Between(
                        operand=operand, low=_time(low), high=_time(high), negated=negated
                    )
        return None

    return rewrite(node, replace)


def _time(node: ast.Expression) -> ast.Expression:
    if isinstance(node, ast.Text):
        return ast.Integer(value=milliseconds(node.value), at=node.at)
    return node
