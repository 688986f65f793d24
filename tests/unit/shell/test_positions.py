"""Where an error is, out of the server's words."""

from __future__ import annotations

import pytest

from lab.shell.positions import caret_lines, position_in, without_statement


@pytest.mark.parametrize(
    ("message", "position"),
    [
        ("line 1:102: Syntax Error\nmissing ';' at '<EOF>'", (1, 102)),
        ("Line: 2, Col: 8: SELECT column 'NOPE' cannot be resolved.", (2, 8)),
        ("Failed to prepare: Line: 1, Col: 3: no", (1, 3)),
        ("Could not find STREAM/TABLE 'D2' in the Metastore", None),
        ("deadline 1:2", None),
    ],
)
def test_position_is_read_from_the_message(message: str, position: tuple[int, int] | None) -> None:
    assert position_in(message) == position


def test_caret_stands_below_the_column() -> None:
    assert caret_lines("SELECT id,\n  nope\nFROM T;", (2, 3)) == ["  nope", "  ^"]


def test_caret_may_stand_behind_the_end() -> None:
    assert caret_lines("SELECT 1", (1, 9)) == ["SELECT 1", "        ^"]


def test_wide_characters_and_tabs_move_the_caret() -> None:
    assert caret_lines("'横浜'\tx", (1, 6)) == ["'横浜' x", "       ^"]


def test_long_line_is_cut_around_the_place() -> None:
    line, caret = caret_lines("a" * 200 + "!" + "b" * 200, (1, 201))
    assert line == "…" + "a" * 60 + "!" + "b" * 59 + "…"
    assert line[len(caret) - 1] == "!"


@pytest.mark.parametrize("position", [(3, 1), (0, 1), (1, 0), (1, 20)])
def test_place_outside_of_the_statement_has_no_caret(position: tuple[int, int]) -> None:
    assert caret_lines("SELECT 1;", position) == []


def test_repeated_statement_is_left_out() -> None:
    message = "line 1:24: Syntax Error\nExpecting ';'\nStatement: SELECT A;"
    assert without_statement(message) == "line 1:24: Syntax Error\nExpecting ';'"
