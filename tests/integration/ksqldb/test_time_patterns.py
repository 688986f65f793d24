"""The check of TIMESTAMP_FORMAT knows what Java's own formatter takes."""

from __future__ import annotations

import string
from itertools import chain

import jpype  # type: ignore[import-untyped] # it has none
import pytest

from lab.ksqldb.analysis import time_patterns
from lab.ksqldb.errors import StatementError

pytestmark = pytest.mark.usefixtures("jvm")

WHOLE = (
    "yyyy-MM-dd'T'HH:mm:ss[.SSS]X",
    "yyyy''MM",
    "'at' yyyy",
    "yyyy 'open",
    "[[yyyy]",
    "[yyyy]]",
    "yyyy{MM}",
    "yy#",
    "pphh",
    "hhpp",
    "pp-hh",
    "",
)


def refused_here(pattern: str) -> bool:
    try:
        time_patterns.check(pattern)
    except StatementError:
        return True
    return False


def test_agrees_with_the_formatter() -> None:
    formatter = jpype.JClass("java.time.format.DateTimeFormatter")
    letters = (letter * n for letter in string.ascii_letters for n in range(1, 22) if letter != "p")
    differing = []
    for pattern in chain(letters, WHOLE):
        try:
            formatter.ofPattern(pattern)
            refused = False
        except jpype.JException:
            refused = True
        if refused != refused_here(pattern):
            differing.append(pattern)
    assert not differing
