"""From history to verdict: pure functions, the only place where a verdict is made.

The rules, in this order, for one test:

1. the target's user lacks a right that the experiment needed: not applicable
2. an observation that came out otherwise than the claim says: refuted
3. the target could not be asked: not applicable
4. the experiment failed or did not end: inconclusive
5. an observation or a control that nobody can judge: inconclusive
6. no observation, or no control: inconclusive
7. a control that did not behave: inconclusive
8. otherwise: held

Of several tests of one claim the gravest verdict stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from lab.evidence.encoding import brief, cut
from lab.evidence.model import ClaimRecord, Comparison, Entry, Judgement, Outcome, Verdict
from lab.evidence.pictures import Picture
from lab.evidence.sequences import picture, whole
from lab.evidence.tables import from_data

NO_OBSERVATION = "nothing was observed"
NO_CONTROL = "no control was seen"
UNFINISHED = "the experiment did not end"
NOT_PERMITTED = "not permitted"
LACKING = "the target's user lacks a right"


def judge(entries: Sequence[Entry]) -> Judgement:
    """The judgement on one test, from its entries."""
    if not entries:
        return Judgement("", Verdict.INCONCLUSIVE, reasons=(UNFINISHED,))
    observations = tuple(_comparison(e) for e in entries if e.kind == "observation")
    controls = tuple(_comparison(e) for e in entries if e.kind == "control")
    verdict, reasons = _rule(entries, observations, controls)
    begin = next((entry for entry in entries if entry.kind == "begin"), None)
    about = begin.answer if begin is not None and isinstance(begin.answer, dict) else {}
    proof = about.get("proof")
    last = next((entry for entry in entries if entry.kind == "end"), entries[-1])
    return Judgement(
        test=entries[0].test,
        verdict=verdict,
        observations=observations,
        controls=controls,
        reasons=reasons,
        limits=tuple(str(entry.answer) for entry in entries if entry.kind == "limit"),
        tables=tuple(
            found
            for entry in entries
            if entry.kind == "table" and (found := from_data(entry.answer)) is not None
        ),
        pictures=_pictures(entries),
        proof=cast("Mapping[str, str]", proof) if isinstance(proof, dict) else None,
        module=str(about.get("module", "")),
        worker=entries[0].worker,
        started=entries[0].time,
        duration_seconds=round((last.seq - entries[0].seq) / 1e9, 3),
    )


def _pictures(entries: Sequence[Entry]) -> tuple[Picture, ...]:
    """The pictures that the experiment chose; without any, that of its whole history."""
    chosen = [picture(entry.answer, entries) for entry in entries if entry.kind == "sequence"]
    return tuple(filter(None, chosen or [whole(entries)]))


def _rule(
    entries: Sequence[Entry],
    observations: tuple[Comparison, ...],
    controls: tuple[Comparison, ...],
) -> tuple[Verdict, tuple[str, ...]]:
    contradicted = [f"observed otherwise: {c.says}" for c in observations if _is(c, Outcome.FAIL)]
    misbehaved = [f"the control did not behave: {c.says}" for c in controls if _is(c, Outcome.FAIL)]
    untold = [
        f"cannot be told: {c.says}" for c in (*observations, *controls) if _is(c, Outcome.UNKNOWN)
    ]
    errors = [f"the experiment failed: {e.answer}" for e in entries if e.kind == "error"]
    unasked = [str(entry.answer) for entry in entries if entry.kind == "not-applicable"]
    if not any(entry.kind == "end" for entry in entries):
        errors.append(UNFINISHED)
    denied = [
        str(entry.answer)
        for entry in entries
        if entry.kind == "not-applicable" and entry.action == NOT_PERMITTED
    ]
    if denied:
        return Verdict.NOT_APPLICABLE, tuple(dict.fromkeys(denied))
    if contradicted:
        return Verdict.REFUTED, (*contradicted, *misbehaved, *untold, *errors)
    if unasked:
        return Verdict.NOT_APPLICABLE, tuple(unasked)
    if not errors and not observations:
        errors.append(NO_OBSERVATION)
    if not errors and not controls:
        errors.append(NO_CONTROL)
    if reasons := (*errors, *untold, *misbehaved):
        return Verdict.INCONCLUSIVE, reasons
    return Verdict.HELD, ()


def record(claim: str, entries: Iterable[Entry]) -> ClaimRecord:
    """What a run says about ``claim``, from the claim's whole history."""
    by_test: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.seq):
        by_test.setdefault(entry.test, []).append(entry)
    tests = tuple(judge(found) for found in by_test.values()) or (judge(()),)
    verdict = min((test.verdict for test in tests), key=lambda verdict: verdict.gravity)
    reasons = [reason for test in tests if test.verdict is verdict for reason in test.reasons]
    return ClaimRecord(
        claim=claim,
        verdict=verdict,
        seen=_one_line((c for test in tests for c in test.observations), NO_OBSERVATION),
        control=_one_line((c for test in tests for c in test.controls), NO_CONTROL),
        reasons=tuple(dict.fromkeys(reasons)),
        tests=tests,
    )


def _comparison(entry: Entry) -> Comparison:
    found = entry.answer if isinstance(entry.answer, dict) else {}
    return Comparison(
        what=entry.action,
        says=str(found.get("says") or entry.action),
        outcome=entry.outcome,
        seen=found.get("seen"),
        expected=found.get("expected"),
    )


def _is(comparison: Comparison, outcome: Outcome) -> bool:
    return comparison.outcome is outcome


def sayings(comparisons: Iterable[Comparison]) -> tuple[str, ...]:
    """What they say, the worst first; each text once."""
    order = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.OK)
    ranked = sorted(comparisons, key=lambda c: order.index(c.outcome))
    return tuple(dict.fromkeys(cut(c.says, 300) for c in ranked))


def _one_line(comparisons: Iterable[Comparison], nothing: str) -> str:
    return "; ".join(sayings(comparisons)) or nothing


def say(what: str, seen: object, expected: object, outcome: Outcome) -> str:
    """One line for a comparison whose author gave none."""
    if outcome is Outcome.FAIL:
        return f"{what}: {brief(seen)}, where {brief(expected)} was expected"
    return f"{what}: {brief(seen)}"
