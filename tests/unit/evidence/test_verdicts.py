"""Every rule of the verdict, on made-up histories."""

import dataclasses
import itertools
from typing import Any

import pytest

from lab.evidence.model import Entry, Kind, Outcome, Verdict
from lab.evidence.verdicts import (
    NO_CONTROL,
    NO_OBSERVATION,
    NOT_PERMITTED,
    UNFINISHED,
    judge,
    record,
)

_seq = itertools.count(1_000_000_000, 500_000_000)


def entry(
    kind: Kind, outcome: Outcome = Outcome.OK, answer: Any = None, *, test: str = "t"
) -> Entry:
    return Entry(
        seq=next(_seq),
        time="2026-01-01T00:00:00.000000Z",
        test=test,
        worker="main",
        kind=kind,
        actor="experiment",
        action="looked",
        target="",
        outcome=outcome,
        answer=answer,
    )


def seen(outcome: Outcome = Outcome.OK, says: str = "it was so", test: str = "t") -> Entry:
    return entry("observation", outcome, {"says": says, "seen": 1, "expected": 1}, test=test)


def control(outcome: Outcome = Outcome.OK, says: str = "it was not", test: str = "t") -> Entry:
    return entry("control", outcome, {"says": says, "seen": 1, "expected": 1}, test=test)


def end(test: str = "t") -> Entry:
    return entry("end", test=test)


def test_what_is_seen_after_a_right_was_missing_proves_nothing() -> None:
    lacking = dataclasses.replace(
        entry("not-applicable", answer="may not write"), action=NOT_PERMITTED
    )
    judgement = judge([seen(Outcome.FAIL), control(), lacking, end()])
    assert judgement.verdict is Verdict.NOT_APPLICABLE
    assert judgement.reasons == ("may not write",)
    other = entry("not-applicable", answer="there is no registry")
    assert judge([seen(Outcome.FAIL), control(), other, end()]).verdict is Verdict.REFUTED


FAIL, UNKNOWN = Outcome.FAIL, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("entries", "verdict", "reason"),
    [
        ([seen(), control(), end()], Verdict.HELD, None),
        ([seen(FAIL), control(), end()], Verdict.REFUTED, "observed otherwise: it was so"),
        ([seen(), seen(FAIL), control(), end()], Verdict.REFUTED, "observed otherwise"),
        ([seen(FAIL), control(FAIL), end()], Verdict.REFUTED, "the control did not behave"),
        ([seen(FAIL), entry("error", answer="boom"), end()], Verdict.REFUTED, "boom"),
        ([seen(FAIL), entry("not-applicable", answer="no"), end()], Verdict.REFUTED, "otherwise"),
        ([seen(FAIL)], Verdict.REFUTED, UNFINISHED),
        ([seen(), control(FAIL), end()], Verdict.INCONCLUSIVE, "the control did not behave"),
        ([seen(), end()], Verdict.INCONCLUSIVE, NO_CONTROL),
        ([control(), end()], Verdict.INCONCLUSIVE, NO_OBSERVATION),
        ([end()], Verdict.INCONCLUSIVE, NO_OBSERVATION),
        ([], Verdict.INCONCLUSIVE, UNFINISHED),
        ([seen(), control()], Verdict.INCONCLUSIVE, UNFINISHED),
        ([seen(UNKNOWN), control(), end()], Verdict.INCONCLUSIVE, "cannot be told: it was so"),
        ([seen(), control(UNKNOWN), end()], Verdict.INCONCLUSIVE, "cannot be told: it was not"),
        (
            [seen(), control(), entry("error", answer="boom"), end()],
            Verdict.INCONCLUSIVE,
            "the experiment failed: boom",
        ),
        ([entry("not-applicable", answer="no brokers"), end()], Verdict.NOT_APPLICABLE, "no bro"),
        (
            [seen(), entry("not-applicable", answer="no brokers"), end()],
            Verdict.NOT_APPLICABLE,
            "no bro",
        ),
    ],
)
def test_rules(entries: list[Entry], verdict: Verdict, reason: str | None) -> None:
    found = judge(entries)
    assert found.verdict is verdict
    if reason is None:
        assert found.reasons == ()
    else:
        assert any(reason in text for text in found.reasons), found.reasons


def test_duration_ends_with_the_experiment_and_not_with_the_clean_up() -> None:
    entries = [entry("begin"), seen(), control(), end(), entry("step")]
    assert judge(entries).duration_seconds == 1.5


def test_limits_and_proof_are_kept() -> None:
    begin = entry("begin", answer={"module": "a.py", "title": "x", "proof": {"Limits": "none"}})
    found = judge([begin, entry("limit", answer="no restart"), seen(), control(), end()])
    assert found.limits == ("no restart",)
    assert found.proof == {"Limits": "none"}
    assert found.module == "a.py"


def test_the_gravest_verdict_stands_and_brings_its_reasons() -> None:
    held = [seen(test="a"), control(test="a"), end("a")]
    no_control = [seen(test="b"), end("b")]
    refuted = [seen(FAIL, "otherwise", test="c"), control(test="c"), end("c")]
    skipped = [entry("not-applicable", answer="no", test="d"), end("d")]
    assert record("K08", held).verdict is Verdict.HELD
    assert record("K08", [*held, *skipped]).verdict is Verdict.HELD
    assert record("K08", skipped).verdict is Verdict.NOT_APPLICABLE
    worse = record("K08", [*held, *no_control, *skipped])
    assert worse.verdict is Verdict.INCONCLUSIVE
    assert worse.reasons == (NO_CONTROL,)
    worst = record("K08", [*held, *no_control, *refuted])
    assert worst.verdict is Verdict.REFUTED
    assert worst.seen.startswith("otherwise; "), "the worst comes first"
    assert len(worst.tests) == 3
    assert worst.duration_seconds == sum(test.duration_seconds for test in worst.tests)


def test_nothing_seen_is_said() -> None:
    found = record("K08", [])
    assert (found.verdict, found.seen, found.control) == (
        Verdict.INCONCLUSIVE,
        NO_OBSERVATION,
        NO_CONTROL,
    )


def test_the_same_line_twice_is_said_once() -> None:
    found = record("K08", [seen(), seen(), control(), end()])
    assert found.seen == "it was so"
