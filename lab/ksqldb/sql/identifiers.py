"""Identifiers: when they need quotes, and how they are written.

Unquoted identifiers are folded to upper case; those in back ticks or double quotes keep their case.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_@]*\Z")

RESERVED = frozenset(
    """
    AND AS AT BETWEEN BY CASE CAST CREATE CROSS DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE
    EXECUTE EXISTS FALSE FOR FROM FULL GROUP HAVING IN INNER INSERT INTO IS JOIN LEFT LIKE LIMIT
    NOT NULL ON OR OUTER RIGHT SELECT STRUCT THEN TRUE VALUES WHEN WHERE WITH WITHIN
    """.split()  # noqa: SIM905 - a list of words reads better as text
)
"""Words that name nothing unless quoted."""


def quote(name: str) -> str:
    """The name between back ticks, as schemas are written."""
    return "`" + name.replace("`", "``") + "`"


def write(name: str) -> str:
    """The name as ksqlDB writes it in a statement: quoted only when it must be."""
    if _PLAIN.match(name) and name not in RESERVED:
        return name
    return quote(name)


def text_literal(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("'", "''") + "'"
