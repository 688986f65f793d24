"""How far an output is from its input."""

from __future__ import annotations

from collections import Counter

from lab.evidence.exactness import EXACT_COPIES, EXACT_COUNTS, Copies, Counts, copies, counts

INPUT = Counter([b"a", b"b", b"c"])
TRUTH = {"x": 3, "y": 1}
EXACT = [("x", 1), ("y", 1), ("x", 2), ("x", 3)]


def test_an_exact_copy() -> None:
    assert copies(INPUT, Counter([b"c", b"a", b"b"])) == EXACT_COPIES


def test_a_copy_with_something_missing() -> None:
    assert copies(INPUT, Counter([b"a", b"b"])) == Copies(missing=1, doubled=0, strange=0)


def test_a_copy_with_something_twice_and_thrice() -> None:
    found = copies(INPUT, Counter([b"a", b"a", b"b", b"b", b"b", b"c"]))
    assert found == Copies(missing=0, doubled=3, strange=0)


def test_what_came_from_nowhere_is_not_taken_for_a_copy() -> None:
    found = copies(INPUT, Counter([b"a", b"b", b"z", b"z"]))
    assert found == Copies(missing=1, doubled=0, strange=2)


def test_exact_counts() -> None:
    assert counts(TRUTH, EXACT) == EXACT_COUNTS


def test_counts_that_skip_are_exact_if_they_end_right() -> None:
    assert counts(TRUTH, [("x", 2), ("y", 1), ("x", 3)]) == EXACT_COUNTS


def test_counts_that_end_too_high() -> None:
    assert counts(TRUTH, [*EXACT, ("x", 5), ("z", 1)]) == Counts(low=0, high=3, repeated=0)


def test_counts_that_end_too_low() -> None:
    assert counts(TRUTH, EXACT[:1]) == Counts(low=3, high=0, repeated=0)


def test_high_and_low_do_not_make_up_for_each_other() -> None:
    found = counts(TRUTH, [("x", 2), ("y", 2)])
    assert found == Counts(low=1, high=1, repeated=0)


def test_updates_that_come_again() -> None:
    again = [("x", 1), ("x", 2), ("x", 2), ("x", 1), ("x", 3), ("y", 1)]
    assert counts(TRUTH, again) == Counts(low=0, high=0, repeated=2)
