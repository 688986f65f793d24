"""Row tables: widths, folding, alignment, and values that would disturb a terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from lab.clients.ksqldb_rows import QueryHeader, Row
from lab.shell.rows import ASCII, MIN_WIDTH, RowTable, cell_text, fit, rules_for


def table(*columns: tuple[str, str], room: int = 80, sample: tuple[Row, ...] = ()) -> RowTable:
    header = QueryHeader(None, tuple(c[0] for c in columns), tuple(c[1] for c in columns))
    return RowTable(header, room=room, sample=sample, rules=ASCII)


def test_widths_follow_the_sample_and_numbers_stand_to_the_right() -> None:
    drawn = table(("REGION", "STRING"), ("N", "BIGINT"), sample=(("west", 2), ("north-east", 100)))
    assert [*drawn.head(), *drawn.row(("west", 2)), *drawn.row(("north-east", 100))] == [
        "REGION     | N",
        "-----------+-----",
        "west       |    2",
        "north-east |  100",
    ]


def test_without_a_sample_the_types_decide() -> None:
    assert table(("A", "BIGINT"), ("B", "ARRAY<STRING>"), ("C", "X")).widths == [14, 32, 20]


def test_long_cells_go_on_below() -> None:
    drawn = table(("A", "STRING"), ("B", "STRING"), room=13, sample=(("abcdefghij", "x"),))
    assert drawn.widths == [6, 4]
    assert drawn.row(("abcdefghij", "x")) == ["abcdef | x", "ghij   |"]


def test_wide_characters_count_twice() -> None:
    drawn = table(("都市", "STRING"), ("N", "INTEGER"), sample=(("横浜市", 1),))
    lines = [*drawn.head(), *drawn.row(("横浜市", 1))]
    assert lines[2] == "横浜市 |    1"
    assert {cell_len(line.partition("|")[0].partition("+")[0]) for line in lines} == {7}


def test_no_columns_and_no_rows_are_no_problem() -> None:
    assert table().head() == [""]
    assert table(("A", "STRING"), sample=()).row((None,)) == ["null"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("plain é", "plain é"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ({"k": ["é", None]}, '{"k": ["é", null]}'),
    ],
)
def test_values_as_one_line_of_harmless_text(value: object, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("natural", "room", "expected"),
    [
        ([5, 5], 20, [5, 5]),
        ([30, 10], 30, [20, 10]),
        ([30, 30, 10], 40, [15, 15, 10]),
        ([30, 29, 10], 30, [10, 10, 10]),
        ([9, 9], 3, [MIN_WIDTH, MIN_WIDTH]),
        ([], 10, []),
    ],
)
def test_room_is_taken_from_the_widest(natural: list[int], room: int, expected: list[int]) -> None:
    assert fit(natural, room) == expected


def test_fit_uses_all_the_room_whenever_it_can() -> None:
    for room in range(12, 80):
        widths = fit([40, 17, 25], room)
        assert sum(widths) == room
        assert min(widths) >= MIN_WIDTH


def test_plain_characters_where_the_encoding_knows_no_others() -> None:
    assert rules_for("ascii").vertical == "|"
    assert rules_for("utf-8").vertical == "│"
