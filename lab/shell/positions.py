"""Where in a statement an error is: read from the server's message, shown with a caret."""

from __future__ import annotations

import re

from rich.cells import cell_len

from lab.shell.rows import cell_text

_POSITION = re.compile(r"\bline (\d+):(\d+)|\bLine: (\d+), Col: (\d+)")
_REPEATED = "\nStatement: "
_AROUND = 60


def position_in(message: str) -> tuple[int, int] | None:
    """Line and column, both from 1, that ksqlDB names in its message; None without any."""
    found = _POSITION.search(message)
    if found is None:
        return None
    line, column = (int(number) for number in found.groups() if number is not None)
    return line, column


def caret_lines(statement: str, position: tuple[int, int]) -> list[str]:
    """The statement's line and a caret below the column; empty where there is no such place.

    A long line is cut around the column.
    """
    line, column = position
    lines = statement.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        return []
    text = lines[line - 1]
    start = max(0, column - 1 - _AROUND)
    before = ("…" if start else "") + cell_text(text[start : column - 1].replace("\t", " "))
    after = text[column - 1 : column - 1 + _AROUND]
    cut = "…" if len(text) > column - 1 + _AROUND else ""
    return [before + cell_text(after.replace("\t", " ")) + cut, " " * cell_len(before) + "^"]


def without_statement(message: str) -> str:
    """The message without the statement that some of ksqlDB's messages repeat at their end."""
    return message.partition(_REPEATED)[0].rstrip()
