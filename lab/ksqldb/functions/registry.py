"""The registry of functions and the small declarations that fill it.

A family's module lists ``scalar(...)`` and ``aggregate(...)`` declarations; adding a function is
adding one, and a static method or a class on the JVM side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.signature import (
    ArgumentType,
    Match,
    Returns,
    Signature,
    match,
    parameter,
    returning,
)
from lab.ksqldb.sql.types import SqlType


class Kind(Enum):
    """What a function does to rows."""

    SCALAR = "SCALAR"
    AGGREGATE = "AGGREGATE"
    TABLE = "TABLE"


@dataclass(frozen=True, slots=True)
class Function:
    """A function and all its signatures."""

    name: str
    kind: Kind
    category: str
    description: str
    signatures: tuple[Signature, ...]
    over_tables: bool = True

    def resolve(self, actual: Sequence[ArgumentType]) -> Match:
        """The best signature: exact types first, then implicit casts, in declared order.

        Raises:
            StatementError: none fits.
        """
        for cast in (False, True):
            for signature in self.signatures:
                found = match(signature, actual, cast=cast)
                if found is not None:
                    return found
        given = ", ".join("null" if t is None else str(t) for t in actual)
        valid = "\n".join(s.describe(self.name) for s in self.signatures)
        raise StatementError(
            f"Function '{self.name}' does not accept parameters ({given}).\n"
            f"Valid alternatives are:\n{valid}\n"
            "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;"
        )


class Registry:
    """Functions by name; names are upper case."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {f.name: f for f in functions}

    def find(self, name: str) -> Function | None:
        """The function of that name."""
        return self._functions.get(name)

    def get(self, name: str) -> Function:
        """The function of that name.

        Raises:
            StatementError: there is none.
        """
        found = self.find(name)
        if found is None:
            raise StatementError(f"Can't find any functions with the name '{name}'")
        return found

    def is_aggregate(self, name: str) -> bool:
        """Whether the name is an aggregate function's."""
        found = self.find(name)
        return found is not None and found.kind is Kind.AGGREGATE

    def all(self) -> list[Function]:
        """All functions by name."""
        return sorted(self._functions.values(), key=lambda f: f.name)


@dataclass(frozen=True, slots=True)
class Way:
    """One declared way to call: parameters, result and the JVM side's name for it.

    ``state`` is an aggregate's stored type: a type, or a function of the argument types; by
    default it is the result's type.
    """

    parameters: tuple[str, ...]
    returns: str | Returns
    java: str
    state: SqlType | Returns | None = None

    def signature(self) -> Signature:
        """The signature this declares."""
        params = tuple(parameter(p) for p in self.parameters)
        returns = self.returns
        result = returning(returns, params) if isinstance(returns, str) else returns
        text = returns if isinstance(returns, str) else "DECIMAL"
        return Signature(params, result, text, self.java, _state(self.state, result))


def _state(state: SqlType | Returns | None, result: Returns) -> Returns:
    if state is None:
        return result
    if isinstance(state, SqlType):
        fixed = state
        return lambda _: fixed
    return state


def scalar(name: str, category: str, description: str, *ways: Way) -> Function:
    """Declare a scalar function; ``java`` is ``Class.method`` in ``lab.ksqldb.fn``."""
    return Function(name, Kind.SCALAR, category, description, tuple(w.signature() for w in ways))


def aggregate(name: str, description: str, *ways: Way, over_tables: bool = True) -> Function:
    """Declare an aggregate function; ``java`` is a class in ``lab.ksqldb.agg``."""
    return Function(
        name,
        Kind.AGGREGATE,
        "AGGREGATE",
        description,
        tuple(w.signature() for w in ways),
        over_tables,
    )
