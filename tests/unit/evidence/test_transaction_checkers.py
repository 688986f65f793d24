"""The checkers of transactions are fed every anomaly that they must catch."""

from collections.abc import Callable

import pytest

from lab.evidence.checkers import run_checker
from lab.evidence.encoding import encode
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.transaction_checkers import aborted_seen, lost_committed, torn
from lab.evidence.workload import ABORT, COMMIT, FETCH, INVOKE

Checker = Callable[..., Finding]


def step(
    actor: str, action: str, target: str, answer: object = None, outcome: Outcome = Outcome.OK
) -> Entry:
    return Entry(1, "", "t", "main", "step", actor, action, target, outcome, encode(answer))


def wrote(transaction: str, *values: bytes) -> list[Entry]:
    return [
        step("producer", INVOKE, "t", {"key": None, "value": v, "transaction": transaction})
        for v in values
    ]


def read(*values: bytes, actor: str = "reader") -> list[Entry]:
    return [
        step(actor, FETCH, "t", {"partition": 0, "offset": n, "value": value})
        for n, value in enumerate(values)
    ]


COMMITTED = [*wrote("1", b"a", b"b"), step("producer", COMMIT, "1")]
ABORTED = [*wrote("2", b"c", b"d"), step("producer", ABORT, "2")]
UNENDED = wrote("3", b"e", b"f")
IN_DOUBT = [*wrote("4", b"g", b"h"), step("producer", COMMIT, "4", None, Outcome.UNKNOWN)]
ALL = [*COMMITTED, *ABORTED, *UNENDED, *IN_DOUBT]


def run(checker: Checker, history: list[Entry]) -> Finding:
    return run_checker(checker, history, reader="reader")


@pytest.mark.parametrize("checker", [aborted_seen, lost_committed, torn])
@pytest.mark.parametrize(
    "seen", [(b"a", b"b"), (b"a", b"b", b"e", b"f"), (b"a", b"b", b"g", b"h", b"e", b"f")]
)
def test_a_good_history_passes(checker: Checker, seen: tuple[bytes, ...]) -> None:
    assert run(checker, [*ALL, *read(*seen)]).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("checker", "seen", "says"),
    [
        (
            aborted_seen,
            (b"a", b"b", b"c"),
            "1 records of aborted transactions were seen: 0x63 of 2",
        ),
        (lost_committed, (b"a",), "1 records of committed transactions were not seen: 0x62 of 1"),
        (torn, (b"a", b"b", b"e"), "1 transactions were seen in part: 1 of 2 records of 3"),
        (torn, (b"a", b"b", b"h"), "1 of 2 records of 4"),
        (torn, (b"b",), "1 of 2 records of 1"),
    ],
)
def test_anomalies_are_caught(checker: Checker, seen: tuple[bytes, ...], says: str) -> None:
    found = run(checker, [*ALL, *read(*seen)])
    assert found.outcome is Outcome.FAIL
    assert says in found.says


def test_what_another_reader_got_does_not_count() -> None:
    history = [*ALL, *read(b"a", b"b"), *read(b"c", actor="reader of uncommitted data")]
    assert run(aborted_seen, history).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("checker", "history"),
    [(aborted_seen, COMMITTED), (lost_committed, ABORTED), (torn, read(b"a"))],
)
def test_nothing_to_look_at_is_no_finding(checker: Checker, history: list[Entry]) -> None:
    assert run(checker, history).outcome is Outcome.UNKNOWN
