"""The checkers of push queries are fed every anomaly that they must catch."""

import pytest

from lab.evidence.checkers import run_checker
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.push_checkers import ROW, rows_follow_records
from lab.evidence.workload import INVOKE


def step(action: str, name: str, target: str = "orders") -> Entry:
    return Entry(1, "", "t", "main", "step", "a", action, target, Outcome.OK, {"id": name})


def history(text: str) -> list[Entry]:
    """ "+a" sends a, "a" is its row."""
    return [step(INVOKE, word[1:]) if word[0] == "+" else step(ROW, word) for word in text.split()]


def found(text: str, **options: object) -> Finding:
    return run_checker(rows_follow_records, history(text), source="orders", **options)


def test_rows_that_come_as_records_do() -> None:
    assert found("+a a +b b").outcome is Outcome.OK
    assert found("+a a +x +b b +y", passed_over=("x", "y")).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("+a +b a b", "a had no row before the next was sent"),
        ("+a a +b", "b had no row"),
        ("+a a a", "a second row of a"),
        ("a +a", "when nothing was the last sent"),
        ("+a a +b a b", "a row of a when b was the last sent"),
        ("+a a +x x", "which the query passes over"),
    ],
)
def test_what_is_otherwise_is_caught(text: str, says: str) -> None:
    result = found(text, passed_over=("x",))
    assert result.outcome is Outcome.FAIL
    assert says in result.says


def test_what_cannot_be_told() -> None:
    assert found("").outcome is Outcome.UNKNOWN
    assert found("+x", passed_over=("x",)).outcome is Outcome.UNKNOWN
    assert found("+a a +a a").outcome is Outcome.UNKNOWN


def test_other_sources_are_left_alone() -> None:
    steps = [*history("+a a"), step(ROW, "z", target="elsewhere")]
    assert rows_follow_records(steps, source="orders").outcome is Outcome.OK
