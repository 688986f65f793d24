"""Rows as a table that can be printed while they still arrive: widths are fixed at its head."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells, set_cell_size

from lab.clients.ksqldb_rows import QueryHeader, Row

MIN_WIDTH = 4
SAMPLE_ROWS = 200
"""How many rows of a query that ends by itself are looked at before its widths are fixed."""

_TYPICAL_WIDTH = {
    "BOOLEAN": 5,
    "INTEGER": 11,
    "BIGINT": 14,
    "DOUBLE": 12,
    "DATE": 10,
    "TIME": 12,
    "TIMESTAMP": 23,
}
_TYPICAL_TEXT = 20
_TYPICAL_NESTED = 32
_NUMBERS = ("INTEGER", "BIGINT", "DOUBLE", "DECIMAL")
_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    9: "\\t",
    10: "\\n",
    13: "\\r",
}


def cell_text(value: object) -> str:
    """A value as one line of text; control characters are shown, never sent to the terminal."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.translate(_VISIBLE)


@dataclass(frozen=True)
class Rules:
    """The characters that the table is drawn with."""

    vertical: str
    horizontal: str
    crossing: str


UNICODE = Rules("│", "─", "┼")
ASCII = Rules("|", "-", "+")


def rules_for(encoding: str) -> Rules:
    """The characters that a terminal or file of that encoding can show."""
    return UNICODE if encoding.lower().startswith("utf") else ASCII


class RowTable:
    """Lines of a table with fixed column widths; a cell that is too long goes on below itself.

    ``room`` is how many terminal cells a line may take; it is kept unless there are so many
    columns that even the least widths do not fit. ``sample`` are rows to derive widths from;
    without any, the columns' types say what is typical.
    """

    def __init__(
        self, header: QueryHeader, *, room: int, sample: Sequence[Row] = (), rules: Rules = UNICODE
    ) -> None:
        self._names = header.column_names
        types = header.column_types or ("STRING",) * len(self._names)
        self._right = [kind.startswith(_NUMBERS) for kind in types]
        self._rules = rules
        natural = [
            max(
                cell_len(cell_text(name)),
                *(cell_len(cell_text(row[index])) for row in sample),
                0 if sample else _typical(kind),
                MIN_WIDTH,
            )
            for index, (name, kind) in enumerate(zip(self._names, types, strict=True))
        ]
        self.widths = fit(natural, room - 3 * max(len(natural) - 1, 0))

    def head(self) -> list[str]:
        """The column names and the rule below them."""
        lines = self._lines([cell_text(name) for name in self._names], right=False)
        rule = f"{self._rules.horizontal}{self._rules.crossing}{self._rules.horizontal}"
        return [*lines, rule.join(self._rules.horizontal * width for width in self.widths)]

    def row(self, row: Row) -> list[str]:
        """A row's lines; usually one."""
        return self._lines([cell_text(value) for value in row], right=True)

    def _lines(self, cells: Sequence[str], *, right: bool) -> list[str]:
        columns = [
            chop_cells(cell, width) or [""] for cell, width in zip(cells, self.widths, strict=True)
        ]
        lines = []
        for level in range(max(map(len, columns), default=0)):
            parts = [
                _padded(
                    column[level] if level < len(column) else "",
                    width,
                    to_right=right and numeric and len(column) == 1,
                )
                for column, width, numeric in zip(columns, self.widths, self._right, strict=True)
            ]
            lines.append(f" {self._rules.vertical} ".join(parts).rstrip())
        return lines


def _typical(kind: str) -> int:
    if kind.startswith(("ARRAY", "MAP", "STRUCT")):
        return _TYPICAL_NESTED
    return _TYPICAL_WIDTH.get(kind, _TYPICAL_TEXT)


def _padded(text: str, width: int, *, to_right: bool) -> str:
    if to_right:
        return " " * (width - cell_len(text)) + text
    return set_cell_size(text, width)


def fit(natural: Sequence[int], room: int) -> list[int]:
    """The widths made to fit into ``room`` by taking from the widest; none below MIN_WIDTH."""
    widths = list(natural)
    excess = sum(widths) - room
    while excess > 0:
        widest = max(widths, default=0)
        if widest <= MIN_WIDTH:
            break
        lower = max([width for width in widths if width < widest] + [MIN_WIDTH])
        at_widest = [index for index, width in enumerate(widths) if width == widest]
        taken = min(widest - lower, -(-excess // len(at_widest)))
        for index in at_widest:
            step = min(taken, excess)
            widths[index] -= step
            excess -= step
    return widths
