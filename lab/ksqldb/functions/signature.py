"""Function signatures: parameter types with generics and variadic parameters, and how a call is
matched against them.

A parameter is written as SHOW/DESCRIBE FUNCTION writes it: ``VARCHAR input``, ``ARRAY<T> list``,
``T... others``. Single capital letters are type variables; ``DECIMAL`` is any DECIMAL; ``ANY``
matches everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.sql.types import (
    PRIMITIVES,
    Array,
    Base,
    Map,
    SqlType,
    array,
    as_decimal,
    can_cast_implicitly,
    map_of,
)

ArgumentType = SqlType | None
"""The type of an argument; None is a bare NULL, which goes anywhere."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parameter's type: ``name`` is a type's name, a variable, DECIMAL, ANY, ARRAY or MAP."""

    name: str
    parts: tuple[Pattern, ...] = ()

    def __str__(self) -> str:
        inner = f"<{', '.join(map(str, self.parts))}>" if self.parts else ""
        return self.name + inner


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter."""

    name: str
    pattern: Pattern
    variadic: bool = False

    def __str__(self) -> str:
        return f"{self.pattern}{'...' if self.variadic else ''} {self.name}"


Returns = Callable[[Sequence[SqlType]], SqlType]


@dataclass(frozen=True, slots=True)
class Signature:
    """One way of calling a function.

    ``java`` says what the JVM side calls. ``returns`` gives the type for the bound argument types.
    """

    parameters: tuple[Parameter, ...]
    returns: Returns
    returns_text: str
    java: str
    state: Returns | None = None

    def describe(self, name: str) -> str:
        """``NAME(TYPE parameter, …)``."""
        return f"{name}({', '.join(map(str, self.parameters))})"


@dataclass(frozen=True, slots=True)
class Match:
    """A signature that fits, with the types the arguments are cast to."""

    signature: Signature
    arguments: tuple[SqlType, ...]
    returns: SqlType


_TOKEN = re.compile(r"\s*([A-Za-z]+|[<>,])")


def parse_pattern(text: str) -> Pattern:
    """A parameter type from its text."""
    tokens = _TOKEN.findall(text)
    pattern, rest = _pattern(tokens)
    if rest:
        raise ValueError(f"not a parameter type: {text}")
    return pattern


def _pattern(tokens: list[str]) -> tuple[Pattern, list[str]]:
    name, rest = tokens[0], tokens[1:]
    parts: list[Pattern] = []
    if rest and rest[0] == "<":
        while rest[0] in "<,":
            part, rest = _pattern(rest[1:])
            parts.append(part)
        rest = rest[1:]
    return Pattern(name, tuple(parts)), rest


def parameter(text: str) -> Parameter:
    """A parameter from ``TYPE name`` or ``TYPE... name``."""
    type_text, _, name = text.rpartition(" ")
    variadic = type_text.endswith("...")
    return Parameter(name, parse_pattern(type_text.removesuffix("...")), variadic)


def is_variable(name: str) -> bool:
    """Whether a pattern's name is a type variable."""
    return len(name) == 1


def bind(pattern: Pattern, actual: SqlType, bound: dict[str, SqlType]) -> bool:
    """Whether a type fits a pattern exactly; type variables are bound on the way."""
    if pattern.name == "ANY":
        return True
    if is_variable(pattern.name):
        return bound.setdefault(pattern.name, actual) == actual
    if pattern.name == "DECIMAL":
        return actual.base is Base.DECIMAL
    if pattern.name == "ARRAY":
        return isinstance(actual, Array) and bind(pattern.parts[0], actual.item, bound)
    if pattern.name == "MAP":
        return (
            isinstance(actual, Map)
            and bind(pattern.parts[0], actual.key, bound)
            and bind(pattern.parts[1], actual.value, bound)
        )
    return PRIMITIVES.get(pattern.name) == actual


def substitute(pattern: Pattern, bound: dict[str, SqlType]) -> SqlType:
    """The type a pattern stands for, its variables bound."""
    if pattern.name == "ARRAY":
        return array(substitute(pattern.parts[0], bound))
    if pattern.name == "MAP":
        return map_of(substitute(pattern.parts[0], bound), substitute(pattern.parts[1], bound))
    return bound.get(pattern.name) or PRIMITIVES[pattern.name]


def match(signature: Signature, actual: Sequence[ArgumentType], *, cast: bool) -> Match | None:
    """The signature bound to these arguments, or None; ``cast`` allows implicit casts."""
    expanded = _expand(signature.parameters, len(actual))
    if expanded is None:
        return None
    bound: dict[str, SqlType] = {}
    types: list[SqlType | None] = []
    for param, type_ in zip(expanded, actual, strict=True):
        if type_ is None:
            types.append(None)
        elif bind(param.pattern, type_, bound):
            types.append(type_)
        else:
            target = _cast_target(param.pattern, type_) if cast else None
            if target is None:
                return None
            types.append(target)
    final: list[SqlType] = []
    for param, settled in zip(expanded, types, strict=True):
        if settled is None:
            try:
                settled = substitute(param.pattern, bound)  # noqa: PLW2901
            except KeyError:
                return None
        final.append(settled)
    return Match(signature, tuple(final), signature.returns(final))


def _cast_target(pattern: Pattern, type_: SqlType) -> SqlType | None:
    if pattern.name == "DECIMAL":
        return as_decimal(type_) if type_.base in {Base.INTEGER, Base.BIGINT} else None
    target = PRIMITIVES.get(pattern.name)
    return target if target is not None and can_cast_implicitly(type_, target) else None


def _expand(parameters: tuple[Parameter, ...], count: int) -> list[Parameter] | None:
    index = next((i for i, p in enumerate(parameters) if p.variadic), None)
    if index is None:
        return list(parameters) if len(parameters) == count else None
    extra = count - (len(parameters) - 1)
    if extra < 0:
        return None
    return [*parameters[:index], *[parameters[index]] * extra, *parameters[index + 1 :]]


def returning(pattern_text: str, parameters: Sequence[Parameter]) -> Returns:
    """The result type written as a pattern over the parameters' type variables."""
    pattern = parse_pattern(pattern_text)

    def returns(types: Sequence[SqlType]) -> SqlType:
        bound: dict[str, Any] = {}
        expanded = _expand(tuple(parameters), len(types)) or []
        for param, type_ in zip(expanded, types, strict=True):
            bind(param.pattern, type_, bound)
        if pattern.name == "DECIMAL":
            return next(t for t in types if t.base is Base.DECIMAL)
        return substitute(pattern, bound)

    return returns
