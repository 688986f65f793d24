"""All functions of the server."""

from __future__ import annotations

from functools import cache

from lab.ksqldb.functions import (
    aggregates,
    collecting,
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
    statistics,
    strings,
    tables,
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
    collecting,
    statistics,
    tables,
)


@cache
def builtin() -> Registry:
    """The registry of built-in functions."""
    return Registry(function for family in FAMILIES for function in family.FUNCTIONS)
