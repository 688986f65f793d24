"""What the shapes of answers let pass, and what not."""

from __future__ import annotations

from typing import Any

import pytest
from support.shapes import Each, Maybe, misfits


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"a": 1, "b": None}, {"a": int, "b": Maybe(str)}),
        ([{"a": True}, {"a": False}], [{"a": bool}]),
        ([], []),
        ({"x": 1, "y": 2}, Each(int)),
        ({}, Each(int)),
        ([[1], ["x"]], list),
    ],
)
def test_what_fits(value: Any, shape: Any) -> None:
    assert misfits(value, shape) == []


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"a": 1}, {"a": int, "b": Maybe(str)}),
        ({"a": 1, "c": 1}, {"a": int}),
        ({"a": True}, {"a": int}),
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": int}),
        ([], [int]),
        ([1], []),
        ([1, "x"], [int]),
        ({"x": "y"}, Each(int)),
        ([], Each(int)),
        ({"a": None}, {"a": str}),
    ],
)
def test_what_does_not(value: Any, shape: Any) -> None:
    assert misfits(value, shape) != []
