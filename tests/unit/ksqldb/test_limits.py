"""Limits of pull queries, and properties that make none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.ksqldb.catalog import Schema
from lab.ksqldb.config import unusable_value
from lab.ksqldb.errors import TooManyRequests
from lab.ksqldb.names import QueryId
from lab.ksqldb.runtime.limits import Most, PullLimits

NONE = 1_000_000


class Answer:
    id = QueryId("query_1")
    schema = Schema((), ())
    final = None

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def chunks(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        return


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_place_is_free_again_when_the_rows_are_closed_once_or_twice() -> None:
    limits = PullLimits(Most(1, NONE, NONE))
    first = limits.admitted(Answer)
    with pytest.raises(TooManyRequests, match=r"concurrency limit.* 1 maximum") as refused:
        limits.admitted(Answer)
    assert (refused.value.status, refused.value.error_code) == (429, 42900)
    first.close()
    first.close()
    second = limits.admitted(Answer)
    with pytest.raises(TooManyRequests):
        limits.admitted(Answer)
    second.close()


def test_a_query_that_does_not_start_holds_no_place() -> None:
    limits = PullLimits(Most(1, NONE, NONE))

    def failing() -> Answer:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        limits.admitted(failing)
    limits.admitted(Answer).close()


def test_queries_per_second() -> None:
    clock = Clock()
    limits = PullLimits(Most(NONE, 2, NONE), clock)
    limits.admitted(Answer)
    clock.now += 0.6
    limits.admitted(Answer)
    with pytest.raises(TooManyRequests, match="2 qps"):
        limits.admitted(Answer)
    clock.now += 0.5
    limits.admitted(Answer)


def test_bytes_per_hour() -> None:
    clock = Clock()
    limits = PullLimits(Most(NONE, NONE, 10), clock)
    rows = limits.admitted(lambda: Answer(b"12345", b"", b"67890"))
    assert b"".join(rows.chunks()) == b"1234567890"
    with pytest.raises(TooManyRequests, match="bandwidth"):
        limits.admitted(Answer)
    clock.now += 3600
    limits.admitted(Answer)


@pytest.mark.parametrize("value", ["", "-1", "many", "1.5", "9" * 30, "\u0663"])
def test_limits_are_whole_numbers(value: str) -> None:
    said = unusable_value("ksql.max.push.queries", value)
    assert said is not None
    assert "whole number" in said
    assert unusable_value("ksql.max.push.queries", "5") is None
