"""Shapes of JSON answers: members and types, with values where these are fixed."""

from __future__ import annotations

from typing import Any


class Maybe:
    """A member that may be null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


class Each:
    """An object whose members all have one shape, under any names."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


def misfits(value: Any, shape: Any, at: str = "") -> list[str]:
    """Where a value has not the shape: all members of objects, at least one item of lists."""
    match shape:
        case Maybe():
            return [] if value is None else misfits(value, shape.shape, at)
        case Each() if isinstance(value, dict):
            return [m for k, v in value.items() for m in misfits(v, shape.shape, f"{at}.{k}")]
        case dict() if isinstance(value, dict) and set(value) == set(shape):
            return [m for k, v in shape.items() for m in misfits(value[k], v, f"{at}.{k}")]
        case list() if isinstance(value, list) and bool(value) == bool(shape):
            return [m for i, v in enumerate(value) for m in misfits(v, shape[0], f"{at}[{i}]")]
        case _:
            return [] if _plain(value, shape) else [f"{at}: {value!r} is not {shape!r}"]


def _plain(value: Any, shape: Any) -> bool:
    if isinstance(shape, type):
        return isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
    return bool(value == shape) and type(value) is type(shape)
