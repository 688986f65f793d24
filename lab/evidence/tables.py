"""Tables in evidence: what many small observations have in common, for a reader to look over.

A table proves nothing by itself: it stands beside the observations that its cells were taken from,
in the history (kind ``table``), in verdict.json and on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

Tone = Literal["plain", "yes", "no", "odd"]
"""How a cell is shown: ``yes`` and ``no`` for answers, ``odd`` for what a reader should notice."""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, how it is shown, and words that stand beside it in smaller print."""

    text: str
    tone: Tone = "plain"
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a title; ``caption`` says how to read it. Every row has a cell per column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(row)} cells for {len(self.columns)} columns")


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell | str]], caption: str = ""
) -> Table:
    """A table; a text as a cell is a plain one. Raises ValueError for a row of another length."""
    return Table(
        title,
        tuple(columns),
        tuple(
            tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
        ),
        caption,
    )


def from_data(data: object) -> Table | None:
    """The table in a history's line or a verdict.json; None for what is none."""
    match data:
        case {"title": str(title), "columns": list(columns), "rows": list(rows)}:
            caption = str(cast("Mapping[str, object]", data).get("caption", ""))
        case _:
            return None
    try:
        return Table(
            title,
            tuple(map(str, columns)),
            tuple(tuple(_cell(cell) for cell in row) for row in rows),
            caption,
        )
    except (TypeError, ValueError):
        return None


def _cell(data: object) -> Cell:
    if not isinstance(data, dict):
        raise TypeError(f"no cell: {data!r}")
    tone = data.get("tone")
    shown = cast("Tone", tone) if tone in get_args(Tone) else "plain"
    return Cell(str(data.get("text", "")), shown, str(data.get("note", "")))
