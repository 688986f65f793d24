"""How far an output is from its input: what is missing, came twice, was counted too high."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Copies:
    """A copy against its original: how many records lack, came again, came from nowhere."""

    missing: int
    doubled: int
    strange: int


@dataclass(frozen=True)
class Counts:
    """Running counts against the truth.

    ``low`` and ``high`` are how much the keys' latest counts are below and above it, summed up;
    ``repeated`` is how many updates of a key did not go beyond the one before.
    """

    low: int
    high: int
    repeated: int


EXACT_COPIES = Copies(0, 0, 0)
EXACT_COUNTS = Counts(0, 0, 0)


def copies(original: Counter[bytes], copied: Counter[bytes]) -> Copies:
    """Compare a copy with its original; ``doubled`` counts every further copy."""
    strange = sum(times for value, times in copied.items() if value not in original)
    return Copies(
        missing=sum((original - copied).values()),
        doubled=sum((copied - original).values()) - strange,
        strange=strange,
    )


def counts(truth: Mapping[Key, int], updates: Iterable[tuple[Key, int]]) -> Counts:
    """Compare running counts, in the order in which each key's came, with the truth.

    A key that is unknown to the truth is too high by all of its count.
    """
    latest: dict[Key, int] = {}
    repeated = 0
    for key, count in updates:
        repeated += count <= latest.get(key, 0)
        latest[key] = count
    off = {key: latest.get(key, 0) - truth.get(key, 0) for key in latest.keys() | truth.keys()}
    return Counts(
        low=-sum(each for each in off.values() if each < 0),
        high=sum(each for each in off.values() if each > 0),
        repeated=repeated,
    )
