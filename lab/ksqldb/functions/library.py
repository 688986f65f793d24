"""All functions of the server."""

from __future__ import annotations

from functools import cache

from lab.ksqldb.functions import aggregates, maths, nulls, strings
from lab.ksqldb.functions.registry import Registry

FAMILIES = (strings, maths, nulls, aggregates)


@cache
def builtin() -> Registry:
    """The registry of built-in functions."""
    return Registry(function for family in FAMILIES for function in family.FUNCTIONS)
