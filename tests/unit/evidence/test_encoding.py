"""Values as JSON-ready data and as one line."""

import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from uuid import UUID

import pytest

from lab.evidence.encoding import brief, cut, encode


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: str
    data: bytes
    secret: str = field(default="s", repr=False)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (b"abc", {"hex": "616263", "text": "abc"}),
        (b"\x00\x01", {"hex": "0001"}),
        (b"\xff", {"hex": "ff"}),
        (bytearray(b"a"), {"hex": "61", "text": "a"}),
        (Colour.RED, "red"),
        (Path("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"b", "a"}, ["a", "b"]),
        ((1, [2, {3}]), [1, [2, [3]]]),
        ({("t", 0): 3, 5: None}, {"t-0": 3, "5": None}),
        (Thing("n", b"x"), {"name": "n", "data": {"hex": "78", "text": "x"}}),
        (ValueError("no"), {"error": "ValueError", "message": "no"}),
        (range(3), [0, 1, 2]),
    ],
)
def test_encode(value: object, encoded: object) -> None:
    assert encode(value) == encoded
    json.dumps(encode(value), allow_nan=False)


def test_what_is_unknown_becomes_its_repr() -> None:
    assert str(encode(object())).startswith("<object object")
    assert encode(Thing) == repr(Thing)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ({}, "nothing"),
        (b"abc", "'abc'"),
        (b"\x00\xff", "0x00ff"),
        ({"a": 1, "b": [True, None]}, "a: 1, b: true, nothing"),
        ("two\nlines", "two lines"),
    ],
)
def test_brief(value: object, line: str) -> None:
    assert brief(value) == line


def test_cut() -> None:
    assert cut("x" * 10, 5) == "xxxx…"
    assert cut("12345", 5) == "12345"
