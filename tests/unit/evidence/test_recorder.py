"""What an experiment holds in its hands."""

from pathlib import Path

import pytest

from lab.clients.errors import BrokerRefused, Unreachable
from lab.errors import ConditionTimeout
from lab.evidence.model import Finding, Outcome, Verdict
from lab.evidence.recorder import Evidence


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence("K08", tmp_path / "history.jsonl", test="t")


def fail(error: Exception) -> object:
    raise error


def test_act_returns_and_records_the_answer(evidence: Evidence) -> None:
    assert evidence.act("p", "produce", "t", lambda: 42) == 42
    (entry,) = evidence.history
    assert (entry.actor, entry.action, entry.target, entry.answer) == ("p", "produce", "t", 42)
    assert entry.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unreachable("no answer"), Outcome.UNKNOWN),
        (ConditionTimeout("x", 1, None), Outcome.UNKNOWN),
        (TimeoutError(), Outcome.UNKNOWN),
        (BrokerRefused("x", code=1, name="N", text="t"), Outcome.FAIL),
        (KeyError("x"), Outcome.FAIL),
    ],
)
def test_act_records_what_is_raised(evidence: Evidence, error: Exception, outcome: Outcome) -> None:
    with pytest.raises(type(error)):
        evidence.act("p", "produce", "t", lambda: fail(error))
    assert evidence.history[0].outcome is outcome


def test_only_the_named_refusal_is_one(evidence: Evidence) -> None:
    refused = BrokerRefused("x", code=1, name="N", text="t")
    assert evidence.attempt("p", "x", "t", lambda: 1, refusal=BrokerRefused) == "accepted"
    assert (
        evidence.attempt("p", "x", "t", lambda: fail(refused), refusal=BrokerRefused) == "refused"
    )
    with pytest.raises(TypeError):
        evidence.attempt("p", "x", "t", lambda: fail(TypeError()), refusal=BrokerRefused)


def test_comparisons_do_not_raise(evidence: Evidence) -> None:
    assert evidence.observe("what", (1, b"x"), expected=[1, b"x"])
    assert not evidence.observe("what", 1, expected=2, says="not said when it is otherwise")
    assert not evidence.control("what", {"b"}, expected={"a"})
    says = [str(e.answer["says"]) for e in evidence.history if isinstance(e.answer, dict)]
    assert says == [
        "what: 1, 'x'",
        "what: 1, where 2 was expected",
        "what: b, where a was expected",
    ]


def test_a_finding_decides_by_itself(evidence: Evidence) -> None:
    bad = Finding(Outcome.FAIL, "two are missing", ("a", "b"))
    assert evidence.observe("w", finding=Finding(Outcome.OK, "all there"), says="in my words")
    assert not evidence.observe("w", finding=bad, says="in my words")
    says = [str(e.answer["says"]) for e in evidence.history if isinstance(e.answer, dict)]
    assert says == ["in my words", "two are missing"]


def test_a_comparison_with_nothing_is_a_mistake(evidence: Evidence) -> None:
    with pytest.raises(TypeError):
        evidence.observe("what", 1)
    with pytest.raises(TypeError):
        evidence.observe("what", 1, expected=1, finding=Finding(Outcome.OK, "x"))
    assert evidence.history == ()


def test_nothing_can_be_expected(evidence: Evidence) -> None:
    assert evidence.observe("what", None, expected=None)


def test_the_judgement_and_the_problem(evidence: Evidence) -> None:
    evidence.observe("o", 1, expected=1)
    assert evidence.judgement().verdict is Verdict.INCONCLUSIVE
    evidence.control("c", 1, expected=1)
    evidence.end()
    assert evidence.judgement().verdict is Verdict.HELD
    assert evidence.problem() is None
    evidence.observe("o", 1, expected=2)
    assert evidence.problem() == "K08 refuted\n  - observed otherwise: o: 1, where 2 was expected"


def test_findings_look_at_the_history_so_far(evidence: Evidence) -> None:
    evidence.record("a", "x")
    finding = evidence.finding(
        lambda history, extra: Finding(Outcome.OK, f"{len(history)}{extra}"), extra="!"
    )
    assert finding.says == "1!"
