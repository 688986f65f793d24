"""Walking and rewriting expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from lab.ksqldb.sql import ast


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes directly below."""
    for field in dataclasses.fields(node):
        yield from _nodes(getattr(node, field.name))


def _nodes(value: object) -> Iterator[ast.Node]:
    if isinstance(value, ast.Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """The node and all below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


Replace = Callable[[ast.Expression], ast.Expression | None]


def rewrite(node: ast.Expression, replace: Replace) -> ast.Expression:
    """A copy in which ``replace`` decides for each expression, from the top: another one, or
    None to keep it and go on below."""
    replacement = replace(node)
    if replacement is not None:
        return replacement
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        renewed = _rewritten(value, replace)
        if renewed is not value:
            changes[field.name] = renewed
    return dataclasses.replace(node, **changes) if changes else node


def _rewritten(value: object, replace: Replace) -> object:
    if isinstance(value, ast.When):
        return dataclasses.replace(
            value,
            condition=rewrite(value.condition, replace),
            result=rewrite(value.result, replace),
        )
    if isinstance(value, ast.Expression):
        return rewrite(value, replace)
    if isinstance(value, tuple):
        renewed = tuple(_rewritten(item, replace) for item in value)
        return renewed if any(a is not b for a, b in zip(renewed, value, strict=True)) else value
    return value
