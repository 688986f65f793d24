"""Function signatures: parameter types with generics and variadic parameters, and how a call is
matched against them.

A parameter is written as SHOW/DESCRIBE FUNCTION writes it: ``VARCHAR input``, ``ARRAY<T> list``,
``T... others``, ``LAMBDA (T) => R function``, ``INTERVAL UNIT unit``. Single capital letters are
type variables; ``DECIMAL`` is any DECIMAL; ``ANY`` matches everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql.types import (
    PRIMITIVES,
    STRING,
    Array,
    Base,
    Decimal,
    Map,
    SqlType,
    Struct,
    array,
    as_decimal,
    can_cast_implicitly,
    map_of,
    struct,
)

ArgumentType = SqlType | None
"""The type of an argument; None is a bare NULL, which goes anywhere."""

UNIT = "INTERVAL UNIT"

_FROM_TEXT = {Base.BYTES, Base.DATE, Base.TIME, Base.TIMESTAMP}
"""What a text is taken for where it is expected."""


@dataclass(frozen=True, slots=True)
class LambdaArgument:
    """A lambda before it is typed: ``result`` gives its type for the types of its parameters."""

    arity: int
    result: Callable[[Sequence[SqlType]], ArgumentType]


@dataclass(frozen=True, slots=True)
class LambdaType:
    """A lambda's parameters and result."""

    inputs: tuple[SqlType, ...]
    output: SqlType


@dataclass(frozen=True, slots=True)
class UnitArgument:
    """A unit of time, such as DAYS."""


Given = ArgumentType | LambdaArgument | UnitArgument
"""What a call gives for a parameter."""

Settled = SqlType | LambdaType | UnitArgument
"""What a parameter is bound to."""


def given_text(given: Given) -> str:
    """How refusals name the type of an argument."""
    if given is None or isinstance(given, UnitArgument):
        return "null"
    return "LAMBDA" if isinstance(given, LambdaArgument) else str(given)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parameter's type.

    ``name`` is a type's name, a variable, DECIMAL, ANY, ARRAY, MAP, STRUCT (``members`` has its
    names), LAMBDA (the last part is the result) or INTERVAL UNIT.
    """

    name: str
    parts: tuple[Pattern, ...] = ()
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name == "LAMBDA":
            return f"LAMBDA ({', '.join(map(str, self.parts[:-1]))}) => {self.parts[-1]}"
        if self.members:
            named = zip(self.members, self.parts, strict=True)
            return f"STRUCT<{', '.join(f'{n} {p}' for n, p in named)}>"
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


Returns = Callable[[Sequence[Any]], SqlType]


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
    typed: bool = False
    """Whether the JVM side gets the arguments' types as texts, after the arguments."""
    constants: int = 0
    """How many of an aggregate's last arguments must be literals."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Signatures of higher rank win: without variadic parameters, with fewer variables."""
        names = {n for p in self.parameters for n in _variables(p.pattern)}
        return not any(p.variadic for p in self.parameters), -len(names)

    @property
    def is_generic(self) -> bool:
        """Whether the result's type depends on type variables."""
        return bool(_variables(parse_pattern(self.returns_text)))

    def describe(self, name: str) -> str:
        """``NAME(TYPE parameter, …)``."""
        return f"{name}({', '.join(map(str, self.parameters))})"


@dataclass(frozen=True, slots=True)
class Match:
    """A signature that fits, with the types the arguments are cast to."""

    signature: Signature
    arguments: tuple[Any, ...]
    returns: SqlType


_TOKEN = re.compile(r"\s*([A-Za-z]+|[<>,])")
_LAMBDA = re.compile(r"LAMBDA \((?P<inputs>[^)]*)\) => (?P<output>.+)")


def _variables(pattern: Pattern) -> set[str]:
    own = {pattern.name} if is_variable(pattern.name) else set()
    return own.union(*(_variables(part) for part in pattern.parts))


def parse_pattern(text: str) -> Pattern:
    """A parameter type from its text."""
    if text == UNIT:
        return Pattern(UNIT)
    found = _LAMBDA.fullmatch(text)
    if found is not None:
        inputs = [parse_pattern(part.strip()) for part in found["inputs"].split(",")]
        return Pattern("LAMBDA", (*inputs, parse_pattern(found["output"])))
    tokens = _TOKEN.findall(text)
    pattern, rest = _pattern(tokens)
    if rest:
        raise ValueError(f"not a parameter type: {text}")
    return pattern


def _pattern(tokens: list[str]) -> tuple[Pattern, list[str]]:
    name, rest = tokens[0], tokens[1:]
    parts: list[Pattern] = []
    members: list[str] = []
    if rest and rest[0] == "<":
        while rest[0] in "<,":
            if name == "STRUCT":
                members.append(rest[1])
                rest = rest[1:]
            part, rest = _pattern(rest[1:])
            parts.append(part)
        rest = rest[1:]
    return Pattern(name, tuple(parts), tuple(members)), rest


def parameter(text: str) -> Parameter:
    """A parameter from ``TYPE name`` or ``TYPE... name``; ``TYPE: name`` if that has blanks."""
    type_text, colon, name = text.partition(": ")
    if not colon:
        type_text, _, name = text.rpartition(" ")
    variadic = type_text.endswith("...")
    return Parameter(name, parse_pattern(type_text.removesuffix("...")), variadic)


def is_variable(name: str) -> bool:
    """Whether a pattern's name is a type variable."""
    return len(name) == 1


def bind(  # noqa: PLR0911 - one return per kind of pattern
    pattern: Pattern, actual: Settled, bound: dict[str, SqlType]
) -> bool:
    """Whether a type fits a pattern exactly; type variables are bound on the way."""
    if isinstance(actual, UnitArgument):
        return pattern.name == UNIT
    if isinstance(actual, LambdaType):
        every = (*actual.inputs, actual.output)
        return all(bind(p, t, bound) for p, t in zip(pattern.parts, every, strict=True))
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
    if pattern.name == "STRUCT":
        return isinstance(actual, Struct)
    return PRIMITIVES.get(pattern.name) == actual


def substitute(pattern: Pattern, bound: dict[str, SqlType]) -> SqlType:
    """The type a pattern stands for, its variables bound.

    Raises:
        KeyError: a variable is not bound.
    """
    if pattern.name == "ARRAY":
        return array(substitute(pattern.parts[0], bound))
    if pattern.name == "MAP":
        return map_of(substitute(pattern.parts[0], bound), substitute(pattern.parts[1], bound))
    if pattern.name == "STRUCT":
        named = zip(pattern.members, pattern.parts, strict=True)
        return struct(*((name, substitute(part, bound)) for name, part in named))
    return bound.get(pattern.name) or PRIMITIVES[pattern.name]


def match(signature: Signature, actual: Sequence[Given], *, cast: bool) -> Match | None:
    """The signature bound to these arguments, or None; ``cast`` allows implicit casts.

    Raises:
        StatementError: all fits but what a lambda gives.
    """
    expanded = _expand(signature.parameters, len(actual))
    if expanded is None:
        return None
    bound: dict[str, SqlType] = {}
    types: list[Settled | None] = []
    for param, given in zip(expanded, actual, strict=True):
        settled = _settle(param.pattern, given, bound, cast=cast)
        if settled is None and not (given is None and param.pattern.name not in {"LAMBDA", UNIT}):
            return None
        types.append(None if isinstance(settled, LambdaArgument) else settled)
    final: list[Settled] = []
    for param, given, found in zip(expanded, actual, types, strict=True):
        try:
            if isinstance(given, LambdaArgument):
                final.append(_lambda(param.pattern, given, bound))
            else:
                final.append(found or substitute(param.pattern, bound))
        except KeyError:
            if given is not None or not is_variable(param.pattern.name):
                return None
            final.append(STRING)  # a NULL that nothing gives a type
    return Match(signature, tuple(final), signature.returns(final))


def _settle(
    pattern: Pattern, given: Given, bound: dict[str, SqlType], *, cast: bool
) -> Settled | LambdaArgument | None:
    if given is None:
        return None
    if isinstance(given, LambdaArgument):
        fits = pattern.name == "LAMBDA" and len(pattern.parts) == given.arity + 1
        return given if fits else None
    if isinstance(given, UnitArgument):
        return given if pattern.name == UNIT else None
    if pattern.name in {"LAMBDA", UNIT}:
        return None
    if bind(pattern, given, bound):
        return given
    return _cast_target(pattern, given) if cast else None


def _lambda(pattern: Pattern, given: LambdaArgument, bound: dict[str, SqlType]) -> LambdaType:
    inputs = tuple(substitute(part, bound) for part in pattern.parts[:-1])
    output = given.result(inputs)
    wanted = pattern.parts[-1]
    if output is None or not bind(wanted, output, bound):
        shown = ", ".join(map(str, inputs))
        raise StatementError(
            f"Cannot infer generics for {pattern} from LAMBDA ({shown}) => {output or 'null'} "
            "because they do not have the same schema structure."
        )
    return LambdaType(inputs, output)


def _cast_target(pattern: Pattern, type_: SqlType) -> SqlType | None:
    if pattern.name == "DECIMAL":
        return as_decimal(type_) if type_.base in {Base.INTEGER, Base.BIGINT} else None
    target = PRIMITIVES.get(pattern.name)
    if target is not None and type_.base is Base.STRING and target.base in _FROM_TEXT:
        return target
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

    def returns(types: Sequence[Settled]) -> SqlType:
        bound: dict[str, Any] = {}
        expanded = _expand(tuple(parameters), len(types)) or []
        for param, type_ in zip(expanded, types, strict=True):
            bind(param.pattern, type_, bound)
        if pattern.name == "DECIMAL":
            return next(t for t in types if isinstance(t, Decimal))
        return substitute(pattern, bound)

    return returns
