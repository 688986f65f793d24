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
    Given,
    Match,
    Returns,
    Signature,
    given_text,
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
    """A function and all its signatures; ``shown`` is how messages write its name."""

    name: str
    kind: Kind
    category: str
    description: str
    signatures: tuple[Signature, ...]
    over_tables: bool = True
    shown: str = ""

    def resolve(self, actual: Sequence[Given]) -> Match:
        """The best signature: exact types first, then implicit casts.

        Aggregates and table functions take exact types only.

        Raises:
            StatementError: none fits, or several fit as well.
        """
        given = ", ".join(map(given_text, actual))
        for cast in (False, True) if self.kind is Kind.SCALAR else (False,):
            fitting = [
                found
                for signature in self.signatures
                if (found := match(signature, actual, cast=cast)) is not None
            ]
            if not fitting:
                continue
            best = max(found.signature.rank for found in fitting)
            winners = [found for found in fitting if found.signature.rank == best]
            if not actual:  # CONCAT() and the like: whichever comes first
                return winners[0]
            if len(winners) == 1 and not self._trailing_null(actual, winners[0]):
                if None in actual and winners[0].signature.is_generic:
                    raise StatementError(
                        f"The result type of '{self.name}' cannot be determined from a NULL "
                        f"argument ({given}): cast the NULL."
                    )
                return winners[0]
            raise StatementError(
                f"Function '{self.name}' cannot be resolved due to ambiguous method parameters "
                f"({given}).\nUse CAST() to explicitly cast your parameters to one of the "
                f"supported signatures.\nValid alternatives are:\n{self._alternatives()}"
            )
        raise StatementError(
            f"Function '{self.shown or self.name}' does not accept parameters ({given}).\n"
            f"Valid alternatives are:\n{self._alternatives()}\n"
            "For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;"
        )

    def _alternatives(self) -> str:
        return "\n".join(s.describe(self.shown or self.name) for s in self.signatures)

    def _trailing_null(self, actual: Sequence[Given], found: Match) -> bool:
        """A NULL that ends the variadic arguments of one of several signatures is ambiguous, as
        recorded of GREATEST(3, NULL)."""
        fixed = sum(1 for p in found.signature.parameters if not p.variadic)
        variadic = fixed < len(found.signature.parameters)
        return variadic and len(self.signatures) > 1 and actual[-1:] == [None]


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

    def is_table_function(self, name: str) -> bool:
        """Whether the name is a table function's."""
        found = self.find(name)
        return found is not None and found.kind is Kind.TABLE

    def all(self) -> list[Function]:
        """All functions by name."""
        return sorted(self._functions.values(), key=lambda f: f.name)


@dataclass(frozen=True, slots=True)
class Way:
    """One declared way to call: parameters, result and the JVM side's name for it.

    ``state`` is an aggregate's stored type: a type, or a function of the argument types; by
    default it is the result's type. ``typed`` has the JVM side get the argument types as texts.
    ``constants`` is how many of the last arguments must be literals. ``text`` is the result as
    DESCRIBE FUNCTION writes it where ``returns`` computes it.
    """

    parameters: tuple[str, ...]
    returns: str | Returns
    java: str
    state: SqlType | Returns | None = None
    typed: bool = False
    constants: int = 0
    text: str = "DECIMAL"

    def signature(self) -> Signature:
        """The signature this declares."""
        params = tuple(parameter(p) for p in self.parameters)
        returns = self.returns
        result = returning(returns, params) if isinstance(returns, str) else returns
        text = returns if isinstance(returns, str) else self.text
        state = _state(self.state, result)
        return Signature(params, result, text, self.java, state, self.typed, self.constants)


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


def aggregate(
    name: str, description: str, *ways: Way, over_tables: bool = True, shown: str = ""
) -> Function:
    """Declare an aggregate function; ``java`` is a class in ``lab.ksqldb.agg``."""
    signatures = tuple(w.signature() for w in ways)
    kind = Kind.AGGREGATE
    return Function(name, kind, "AGGREGATE", description, signatures, over_tables, shown or name)


def table_function(name: str, description: str, *ways: Way, shown: str = "") -> Function:
    """Declare a table function of one argument; ``java`` is a class in ``lab.ksqldb.table``."""
    signatures = tuple(w.signature() for w in ways)
    return Function(name, Kind.TABLE, "TABLE", description, signatures, False, shown or name)
