"""The words of evidence: entries of a history, findings, verdicts, and what a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lab.evidence.pictures import Picture
from lab.evidence.tables import Table


class Verdict(StrEnum):
    """What a run says about a claim, the gravest first."""

    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    NOT_APPLICABLE = "not applicable"

    @property
    def gravity(self) -> int:
        """0 is the gravest; of several verdicts on one claim the gravest stands."""
        return list(Verdict).index(self)


class Outcome(StrEnum):
    """How something went. ``unknown``: nobody can tell (a time-out, a checker that crashed)."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


Kind = Literal[
    "begin",  # an experiment starts; the answer holds the parts of its docstring
    "step",  # something was done or seen
    "observation",  # a comparison that the claim stands on
    "control",  # a comparison that must show that the experiment could have failed
    "table",  # observations laid out for a reader; proves nothing by itself
    "sequence",  # which steps belong in a sequence picture; proves nothing by itself
    "limit",  # something that this run cannot say
    "not-applicable",  # the target cannot be asked; the answer is the reason
    "error",  # the experiment itself failed
    "end",
]


@dataclass(frozen=True)
class Entry:
    """One line of a history.

    ``seq`` is the time in nanoseconds since the epoch, made strictly increasing within a process:
    sorting by it gives the order in which one process acted. ``time`` is the same in UTC for
    people. ``answer`` is JSON-ready data; bytes stand in it as ``{"hex": …}``.
    """

    seq: int
    time: str
    test: str
    worker: str
    kind: Kind
    actor: str
    action: str
    target: str
    outcome: Outcome
    answer: object = None


@dataclass(frozen=True)
class Finding:
    """What a checker found in a history: ok, fail, or unknown; and one line that says it."""

    outcome: Outcome
    says: str
    examples: tuple[object, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """An observation or a control as it came out. ``says`` is one line for a reader."""

    what: str
    says: str
    outcome: Outcome
    seen: object = None
    expected: object = None


@dataclass(frozen=True)
class Judgement:
    """What one test says about its claim. Derived from the test's entries and nothing else."""

    test: str
    verdict: Verdict
    observations: tuple[Comparison, ...] = ()
    controls: tuple[Comparison, ...] = ()
    reasons: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    proof: Mapping[str, str] | None = None
    module: str = ""
    worker: str = ""
    started: str = ""
    duration_seconds: float = 0.0


@dataclass(frozen=True)
class ClaimRecord:
    """What one run says about one claim: the gravest of its tests' verdicts, and all they saw."""

    claim: str
    verdict: Verdict
    seen: str
    control: str
    reasons: tuple[str, ...]
    tests: tuple[Judgement, ...]

    @property
    def duration_seconds(self) -> float:
        """The time that all its tests took together."""
        return sum(test.duration_seconds for test in self.tests)
