"""Tests for the tests: every checker is fed the anomaly that it must catch."""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.evidence import checkers
from lab.evidence.encoding import encode
from lab.evidence.history import History, read_history
from lab.evidence.model import Entry, Finding, Kind, Outcome
from lab.evidence.workload import FETCH, INVOKE, LIST_TOPICS, PRODUCE, SEARCHED, STORED

_seq = itertools.count(1)


def step(
    actor: str,
    action: str,
    target: str,
    answer: object,
    outcome: Outcome = Outcome.OK,
    kind: Kind = "step",
) -> Entry:
    return Entry(
        seq=next(_seq),
        time="",
        test="t",
        worker="main",
        kind=kind,
        actor=actor,
        action=action,
        target=target,
        outcome=outcome,
        answer=json.loads(json.dumps(encode(answer))),
    )


def produced(
    value: bytes | None,
    offset: int | None,
    *,
    key: bytes | None = None,
    partition: int = 0,
    topic: str = "t",
    outcome: Outcome = Outcome.OK,
    actor: str = "producer",
) -> Entry:
    place = {} if offset is None else {"partition": partition, "offset": offset}
    return step(actor, PRODUCE, topic, {"key": key, "value": value, **place}, outcome)


def fetched(
    value: bytes | None,
    offset: int,
    *,
    key: bytes | None = None,
    partition: int = 0,
    topic: str = "t",
    actor: str = "reader",
) -> Entry:
    answer = {"partition": partition, "offset": offset, "key": key, "value": value}
    return step(actor, FETCH, topic, answer)


def begun(value: bytes, *, topic: str = "t", actor: str = "producer") -> Entry:
    return step(actor, INVOKE, topic, {"key": None, "value": value})


def stored(value: bytes, offset: int, *, topic: str = "t") -> Entry:
    return step("broker-1", STORED, topic, {"partition": 0, "offset": offset, "value": value})


def searched(topic: str = "t") -> Entry:
    return step("experiment", SEARCHED, topic, None)


GOOD = [
    produced(b"a", 0),
    produced(b"b", 1, key=b"k"),
    produced(b"c", 0, partition=1),
    fetched(b"a", 0),
    fetched(b"b", 1, key=b"k"),
    fetched(b"c", 0, partition=1),
]
RECORD_CHECKERS = [
    checkers.lost_acknowledged,
    checkers.duplicates,
    checkers.fetched_again,
    checkers.reordered,
    checkers.went_back,
    checkers.unexpected,
    checkers.bytes_changed,
]

Checker = Callable[..., Finding]


def run(checker: Checker, history: Sequence[Entry], **options: object) -> Finding:
    return checkers.run_checker(checker, history, **options)


@pytest.mark.parametrize("checker", RECORD_CHECKERS)
def test_a_good_history_passes(checker: Checker) -> None:
    finding = run(checker, GOOD)
    assert finding.outcome is Outcome.OK, finding
    assert finding.says


@pytest.mark.parametrize(
    ("checker", "history", "says"),
    [
        (
            checkers.lost_acknowledged,
            [produced(b"a", 0), produced(b"b", 1), fetched(b"a", 0), searched()],
            "1 of 2 acknowledged records are missing: 0x62 at t-0@1",
        ),
        (
            checkers.lost_acknowledged,  # its place was given to another record
            [produced(b"a", 0), produced(b"b", 0), fetched(b"b", 0), searched()],
            "1 of 2 acknowledged records are missing",
        ),
        (
            checkers.duplicates,
            [produced(b"a", 0), fetched(b"a", 0), fetched(b"a", 1)],
            "1 records stand in the log more than once: 0x61",
        ),
        (
            checkers.duplicates,
            [produced(b"a", 0), fetched(b"a", 0), fetched(b"a", 0, partition=1)],
            "1 records stand in the log more than once",
        ),
        (
            checkers.fetched_again,
            [fetched(b"a", 0), fetched(b"a", 0)],
            "t-0@0 by reader, 2 times",
        ),
        (
            checkers.reordered,
            [produced(b"a", 1), produced(b"b", 0)],
            "1 times the order was broken: 0x62 at t-0@0 was produced after 0x61 at t-0@1",
        ),
        (
            checkers.went_back,
            [fetched(b"b", 1), fetched(b"a", 0)],
            "1 times the order was broken: 0x61 at t-0@0 was fetched after 0x62 at t-0@1",
        ),
        (
            checkers.unexpected,
            [produced(b"a", 0), fetched(b"a", 0), fetched(b"z", 1)],
            "1 fetched records were produced by nobody: 0x7a at t-0@1",
        ),
        (
            checkers.bytes_changed,
            [produced(b"a", 0), fetched(b"A", 0)],
            "1 of 1 records are not what was produced: 0x61 at t-0@0 became 0x41",
        ),
        (
            checkers.bytes_changed,
            [produced(b"a", 0, key=b"k"), fetched(b"a", 0)],
            "1 of 1 records are not what was produced",
        ),
        (
            checkers.bytes_changed,  # a tombstone is not an empty value
            [produced(None, 0), fetched(b"", 0)],
            "null at t-0@0 became 0x",
        ),
    ],
)
def test_anomalies_are_caught(checker: Checker, history: list[Entry], says: str) -> None:
    finding = run(checker, history)
    assert finding.outcome is Outcome.FAIL
    assert says in finding.says
    assert finding.examples


@pytest.mark.parametrize(
    ("checker", "history"),
    [
        (checkers.lost_acknowledged, [produced(b"a", 0), produced(b"a", 1), fetched(b"a", 0)]),
        (checkers.duplicates, [produced(b"a", 0), produced(b"a", 1), fetched(b"a", 0)]),
        (checkers.unexpected, [produced(b"a", 0), produced(b"a", 1), fetched(b"a", 0)]),
        (checkers.bytes_changed, [produced(b"a", 0), fetched(b"b", 1)]),
        *[(checker, []) for checker in RECORD_CHECKERS],
    ],
)
def test_what_cannot_be_told_is_not_guessed(checker: Checker, history: list[Entry]) -> None:
    assert run(checker, history).outcome is Outcome.UNKNOWN


def test_unknown_attempts_are_neither_lost_nor_unexpected() -> None:
    timed_out = produced(b"x", None, outcome=Outcome.UNKNOWN)
    refused = produced(b"y", None, outcome=Outcome.FAIL)
    assert run(checkers.lost_acknowledged, [*GOOD, timed_out, refused]).outcome is Outcome.OK
    appeared = [*GOOD, timed_out, fetched(b"x", 2)]
    assert run(checkers.unexpected, appeared).outcome is Outcome.OK


def test_what_was_not_fetched_is_lost_only_if_no_replica_has_it() -> None:
    missing = [produced(b"a", 0), produced(b"b", 1), fetched(b"a", 0)]
    unsearched = run(checkers.lost_acknowledged, missing)
    assert unsearched.outcome is Outcome.UNKNOWN
    assert "no replica's log was searched" in unsearched.says
    elsewhere = run(checkers.lost_acknowledged, [*missing, searched("other")])
    assert elsewhere.outcome is Outcome.UNKNOWN
    kept = run(checkers.lost_acknowledged, [*missing, stored(b"b", 1), searched()])
    assert kept.outcome is Outcome.UNKNOWN
    assert "1 of them lie in a replica's log" in kept.says
    gone = run(checkers.lost_acknowledged, [*missing, stored(b"a", 0), searched()])
    assert gone.outcome is Outcome.FAIL


def test_an_attempt_without_an_end_is_unknown() -> None:
    assert run(checkers.lost_acknowledged, [*GOOD, begun(b"x")]).outcome is Outcome.OK
    appeared = [*GOOD, begun(b"x"), fetched(b"x", 2)]
    assert run(checkers.unexpected, appeared).outcome is Outcome.OK


def test_the_order_of_production_is_that_of_the_beginnings() -> None:
    overtaken = [begun(b"a"), begun(b"b"), produced(b"b", 0), produced(b"a", 1)]
    assert run(checkers.reordered, overtaken).outcome is Outcome.FAIL
    answered_late = [begun(b"a"), begun(b"b"), produced(b"b", 1), produced(b"a", 0)]
    assert run(checkers.reordered, answered_late).outcome is Outcome.OK


def test_two_producers_have_an_order_each() -> None:
    history = [produced(b"a", 5, actor="p1"), produced(b"b", 3, actor="p2")]
    assert run(checkers.reordered, history).outcome is Outcome.OK
    other = [fetched(b"a", 5, actor="r1"), fetched(b"a", 3, actor="r2")]
    assert run(checkers.went_back, other).outcome is Outcome.OK
    assert run(checkers.fetched_again, other).outcome is Outcome.OK


def test_other_topics_do_not_count_when_one_is_named() -> None:
    history = [*GOOD, produced(b"lost", 9, topic="u"), searched("u")]
    assert run(checkers.lost_acknowledged, history).outcome is Outcome.FAIL
    assert run(checkers.lost_acknowledged, history, topic="t").outcome is Outcome.OK


def topics(*names: str) -> Entry:
    return step("broker", LIST_TOPICS, "token", set(names))


@pytest.mark.parametrize(
    ("lists", "expected", "outcome", "says"),
    [
        ([topics("a"), topics("a", "b")], ["b"], Outcome.OK, "appeared: b"),
        ([topics("a"), topics("a")], [], Outcome.OK, "appeared: no topic"),
        ([topics("a"), topics("a")], ["b"], Outcome.FAIL, "missing: b"),
        ([topics("a"), topics("a", "b", "c")], ["b"], Outcome.FAIL, "not expected: c"),
        ([topics("a", "x"), topics("a", "b")], ["b"], Outcome.FAIL, "gone: x"),
        ([topics("a", "b")], ["b"], Outcome.UNKNOWN, "two are needed"),
        (
            [topics("a"), step("broker", LIST_TOPICS, "", "oops")],
            [],
            Outcome.UNKNOWN,
            "that is none",
        ),
    ],
)
def test_topics(lists: list[Entry], expected: list[str], outcome: Outcome, says: str) -> None:
    finding = run(checkers.topics_appeared, lists, expected=expected)
    assert finding.outcome is outcome
    assert says in finding.says


@pytest.mark.parametrize(
    ("answers", "outcome", "says"),
    [
        ([{"status": 409, "body": {"error_code": 409}}], Outcome.OK, "HTTP 409"),
        ([{"status": 200, "body": {}}], Outcome.FAIL, "1 of 1 answers are not HTTP 409: HTTP 200"),
        (
            [{"status": 409, "body": {"error_code": 409}}, {"status": 422, "body": "x"}],
            Outcome.FAIL,
            "HTTP 422",
        ),
        ([{"status": 409, "body": {"error_code": 42201}}], Outcome.FAIL, "error code 42201"),
        (["refused"], Outcome.UNKNOWN, "without a status"),
        ([], Outcome.UNKNOWN, "no step 'register'"),
    ],
)
def test_refusals(answers: list[object], outcome: Outcome, says: str) -> None:
    history = [step("a", "register", "s", answer) for answer in answers]
    finding = run(checkers.refused_with, history, action="register", status=409, error_code=409)
    assert finding.outcome is outcome
    assert says in finding.says


def test_a_checker_that_crashes_finds_unknown() -> None:
    def confused(_history: Sequence[Entry]) -> Finding:
        raise ZeroDivisionError("oops")

    finding = run(confused, GOOD)
    assert finding == Finding(Outcome.UNKNOWN, "confused crashed: ZeroDivisionError: oops")


def test_a_history_of_something_else_is_unknown() -> None:
    finding = run(checkers.lost_acknowledged, [step("a", PRODUCE, "t", "not a record")])
    assert finding.outcome is Outcome.UNKNOWN


def test_findings_are_the_same_from_the_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl", test="t", worker="main")
    for entry in [*GOOD, produced(b"gone", 7)]:
        history.append(
            entry.kind,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            outcome=entry.outcome,
            answer=entry.answer,
        )
    read = read_history(history.path)
    for checker in RECORD_CHECKERS:
        assert run(checker, read) == run(checker, history.entries)
