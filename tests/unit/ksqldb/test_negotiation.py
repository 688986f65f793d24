"""What clients accept, and what their bodies hold."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from lab.ksqldb.errors import BadRequest
from lab.ksqldb.rest.negotiation import NotAcceptable, acceptable, mapping, sequence_number

OFFERED = ("application/vnd.ksql.v1+json", "application/json")


def request(accept: str | None) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, OFFERED[0]),
        ("", OFFERED[0]),
        ("*/*", OFFERED[0]),
        ("application/*", OFFERED[0]),
        ("application/json", OFFERED[1]),
        ("application/json; charset=utf-8", OFFERED[1]),
        ("text/html, application/json", OFFERED[1]),
        ("application/vnd.ksql.v1+json;q=0.1, application/json;q=0.9", OFFERED[1]),
        ("application/json;q=nonsense", OFFERED[1]),
    ],
)
def test_the_first_acceptable_media_type_is_taken(accept: str | None, chosen: str) -> None:
    assert acceptable(request(accept), OFFERED) == chosen


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*"])
def test_nothing_acceptable_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        acceptable(request(accept), OFFERED)


def test_properties_become_text() -> None:
    body = {"p": {"a": 1, "b": True, "c": "x", "d": None}}
    assert mapping(body, "p") == {"a": "1", "b": "true", "c": "x"}
    assert mapping(body, "q", "p") == mapping(body, "p")
    assert mapping({"p": None}, "p") == {}


@pytest.mark.parametrize("value", [[1], "x", {"a": [1]}, {"a": {}}])
def test_other_properties_are_refused(value: Any) -> None:
    with pytest.raises(BadRequest):
        mapping({"p": value}, "p")


def test_a_sequence_number_is_whole() -> None:
    assert sequence_number({}) is None
    assert sequence_number({"commandSequenceNumber": 3}) == 3
    for wrong in ("3", True, 1.5):
        with pytest.raises(BadRequest):
            sequence_number({"commandSequenceNumber": wrong})
