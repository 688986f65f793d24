"""Lengths of time as SQL writes them."""

from __future__ import annotations

from dataclasses import dataclass

TIME_UNITS = {
    "MILLISECONDS": 1,
    "SECONDS": 1000,
    "MINUTES": 60_000,
    "HOURS": 3_600_000,
    "DAYS": 86_400_000,
}
"""Units of spans in milliseconds; SQL has the singular forms too."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as written: ``10 SECONDS``."""

    amount: int
    unit: str

    @property
    def ms(self) -> int:
        """In milliseconds."""
        return self.amount * TIME_UNITS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Within:
    """A WITHIN clause; without ``after`` it reaches as far after as before."""

    before: Span
    after: Span | None = None
    grace: Span | None = None
