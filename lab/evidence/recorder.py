"""What an experiment holds in its hands: the ``evidence`` fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lab.clients.errors import Unreachable, lacks_a_right
from lab.errors import ConditionTimeout, LabError
from lab.evidence.checkers import run_checker
from lab.evidence.encoding import encode
from lab.evidence.history import History
from lab.evidence.model import Entry, Finding, Judgement, Kind, Outcome, Verdict
from lab.evidence.sequences import choice
from lab.evidence.tables import Cell, table
from lab.evidence.verdicts import LACKING, NOT_PERMITTED, judge, say

T = TypeVar("T")

_NOTHING_EXPECTED = object()


class Evidence:
    """Records what one experiment does and sees, for one claim.

    ``act`` and ``record`` append steps. ``observe`` and ``control`` compare, record the comparison
    and return whether it came out as it must; neither raises, so that an experiment sees its
    control even when the observation went wrong. The verdict is made from the history at the end.
    """

    def __init__(self, claim: str, path: Path, *, test: str, worker: str = "main") -> None:
        self.claim = claim
        self._history = History(path, test=test, worker=worker)

    @property
    def folder(self) -> Path:
        """The claim's folder in the run, for what is too large for the history."""
        return self._history.path.parent

    @property
    def history(self) -> tuple[Entry, ...]:
        """What this experiment has recorded so far."""
        return self._history.entries

    def record(
        self,
        actor: str,
        action: str,
        target: str = "",
        *,
        answer: object = None,
        outcome: Outcome | str = Outcome.OK,
    ) -> Entry:
        """Append a step: who did what to what, what came back, and how it went."""
        return self._history.append(
            "step",
            actor=actor,
            action=action,
            target=target,
            outcome=Outcome(outcome),
            answer=answer,
        )

    def act(self, actor: str, action: str, target: str, call: Callable[[], T]) -> T:
        """Do ``call``, record it with its answer, and return that.

        What it raises is recorded too, and raised on: ``unknown`` for a missing answer, ``fail``
        for a refusal.
        """
        try:
            answer = call()
        except Exception as error:
            missing = isinstance(error, Unreachable | ConditionTimeout | TimeoutError)
            outcome = Outcome.UNKNOWN if missing else Outcome.FAIL
            self.record(actor, action, target, answer=error, outcome=outcome)
            if lacks_a_right(error):
                self.not_permitted(str(error))
            raise
        self.record(actor, action, target, answer=answer)
        return answer

    def attempt(
        self,
        actor: str,
        action: str,
        target: str,
        call: Callable[[], object],
        *,
        refusal: type[LabError],
    ) -> str:
        """Do ``call``, record it, and return "accepted" or "refused".

        Only ``refusal`` counts as one; anything else that is raised is raised on, so that a
        mistake in the experiment is not taken for a refusal, nor a right that is missing.
        """
        try:
            self.act(actor, action, target, call)
        except refusal as error:
            if lacks_a_right(error):
                raise
            return "refused"
        return "accepted"

    def observe(
        self,
        what: str,
        seen: object = None,
        *,
        expected: object = _NOTHING_EXPECTED,
        finding: Finding | None = None,
        says: str | None = None,
    ) -> bool:
        """Record an observation that the claim stands on; whether it is as the claim says.

        Compares ``seen`` with ``expected`` (both encoded, so that it can be done again from the
        history), or takes a checker's ``finding``. ``says`` is the line that reports show when it
        came out as expected.
        """
        return self._compare(
            "observation", what, seen, expected=expected, finding=finding, says=says
        )

    def control(
        self,
        what: str,
        seen: object = None,
        *,
        expected: object = _NOTHING_EXPECTED,
        finding: Finding | None = None,
        says: str | None = None,
    ) -> bool:
        """Record what was seen with the mechanism off or bypassed; arguments as for ``observe``.

        Whatever it shows, it can make a claim no better than its observations; a control that is
        not as expected leaves the claim inconclusive.
        """
        return self._compare("control", what, seen, expected=expected, finding=finding, says=says)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell | str]], caption: str
    ) -> None:
        """Lay out what was seen for a reader; ``caption`` says how to read it.

        A table proves nothing: what the claim stands on is said by ``observe``.
        """
        shown = table(title, columns, rows, caption)
        self._history.append("table", actor="experiment", action=title, answer=shown)

    def sequence(
        self,
        title: str,
        events: Iterable[Entry],
        caption: str,
        *,
        names: Mapping[str, str] | None = None,
        lanes: Sequence[str] = (),
    ) -> None:
        """Have a sequence picture drawn of these steps of the history, for a reader.

        ``names`` says what actors and targets are called in it, ``lanes`` which of these names
        stand first, from the left. An answer's ``at_ns`` is when it happened, if it was recorded
        later. A picture proves nothing, as a table does not.
        """
        chosen = choice(title, events, caption, names or {}, lanes)
        self._history.append("sequence", actor="experiment", action=title, answer=chosen)

    def limit(self, text: str) -> None:
        """Record something that this run could not look at, in words fit for a report."""
        self._history.append("limit", actor="experiment", action="limit", answer=text)

    def finding(self, checker: Callable[..., Finding], /, **options: object) -> Finding:
        """Run a checker on the history so far; one that crashes finds ``unknown``."""
        return run_checker(checker, self.history, **options)

    def judgement(self) -> Judgement:
        """The judgement as of now."""
        return judge(self.history)

    def problem(self) -> str | None:
        """Why the test must fail as of now; None when its claim held or is not applicable."""
        judgement = self.judgement()
        if judgement.verdict in {Verdict.HELD, Verdict.NOT_APPLICABLE}:
            return None
        reasons = "\n".join(f"  - {reason}" for reason in judgement.reasons)
        return f"{self.claim} {judgement.verdict.value}\n{reasons}"

    def _compare(
        self,
        kind: Kind,
        what: str,
        seen: object,
        *,
        expected: object,
        finding: Finding | None,
        says: str | None,
    ) -> bool:
        if (finding is None) == (expected is _NOTHING_EXPECTED):
            raise TypeError("give either what is expected or a checker's finding")
        answer: dict[str, object]
        if finding is not None:
            outcome = finding.outcome
            text = says if says is not None and outcome is Outcome.OK else finding.says
            answer = {"says": text, "seen": finding.says, "examples": list(finding.examples)}
        else:
            seen_data, expected_data = encode(seen), encode(expected)
            outcome = Outcome.OK if seen_data == expected_data else Outcome.FAIL
            text = say(what, seen, expected, outcome)
            if says is not None and outcome is Outcome.OK:
                text = says
            answer = {"says": text, "seen": seen_data, "expected": expected_data}
        self._history.append(kind, actor="experiment", action=what, outcome=outcome, answer=answer)
        return outcome is Outcome.OK

    # What the plugin records around the experiment.

    def begin(self, *, module: str, title: str, proof: dict[str, str]) -> None:
        """The experiment starts."""
        self._history.append(
            "begin",
            actor="lab",
            action="begin",
            target=self.claim,
            answer={"module": module, "title": title, "proof": proof},
        )

    def not_applicable(self, reason: str) -> None:
        """The target cannot be asked."""
        self._history.append("not-applicable", actor="lab", action="skip", answer=reason)

    def not_permitted(self, reason: str) -> None:
        """A component refused for lack of a right: what is seen afterwards proves nothing."""
        self._history.append(
            "not-applicable", actor="lab", action=NOT_PERMITTED, answer=f"{LACKING}: {reason}"
        )

    def failed(self, problem: str) -> None:
        """The experiment itself failed."""
        self._history.append(
            "error", actor="lab", action="error", outcome=Outcome.FAIL, answer=problem
        )

    def end(self) -> None:
        """The experiment is over; clean-up may follow."""
        self._history.append("end", actor="lab", action="end", target=self.claim)
