"""All functions of the server."""

from __future__ import annotations

from functools import cache

from lab.ksqldb.functions import (
    aggregates,
    dates,
    encodings,
    jsons,
    lambdas,
    lists,
    maps,
    masks,
    maths,
    nulls,
    numbers,
    regexps,
    strings,
    urls,
)
from lab.ksqldb.functions.registry import Registry

FAMILIES = (
    strings,
    masks,
    encodings,
    regexps,
    urls,
    jsons,
    maths,
    numbers,
    lists,
    maps,
    lambdas,
    dates,
    nulls,
    aggregates,
)


@cache
def builtin() -> Registry:
    """The registry of built-in functions."""
    return Registry(function for family in FAMILIES for function in family.FUNCTIONS)
