"""Answers for people (tables, colours) and for machines (a JSON object per line)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import IO

from rich.console import Console
from rich.text import Text

from lab.clients.errors import KsqlRefused, Unreachable
from lab.clients.ksqldb import Entity
from lab.clients.ksqldb_rows import QueryHeader, Row
from lab.errors import LabError
from lab.shell.entities import render, warnings_of
from lab.shell.positions import caret_lines, position_in, without_statement
from lab.shell.rows import SAMPLE_ROWS, RowTable, rules_for
from lab.shell.scanner import Statement

WIDTH_WITHOUT_TERMINAL = 200
UNREACHABLE_HINT = "Does the server run? `lab status` shows the lab's components."


class HumanPrinter:
    """Tables and sentences on standard output, errors on standard error.

    Colours are left to rich: none without a terminal, none with NO_COLOR.
    """

    def __init__(self, out: Console | None = None, errors: Console | None = None) -> None:
        self._out = out or _console(stderr=False)
        self._errors = errors or _console(stderr=True)

    def entity(self, entity: Entity) -> None:
        """A statement's answer, and what the server warns of."""
        self._out.print(render(entity.type, entity.data))
        for warning in warnings_of(entity.data):
            self._out.print(Text(f"warning: {warning}", style="yellow"))

    def done(self, statement: Statement) -> None:
        """A statement without an answer succeeded; what it did is in its first words."""
        self._out.print(Text(" ".join(statement.words[:2]) + ": done", style="green"))

    def property(self, name: str, value: str | None) -> None:
        """What the session's property is now."""
        state = f"= {value!r} for this session" if value is not None else "is no longer set"
        self._out.print(Text(f"{name} {state}", style="green"))

    def rows(self, header: QueryHeader, rows: Iterator[Row], *, push: bool) -> None:
        """Head, rows as they come, and how many they were."""
        sample = [] if push else list(islice(rows, SAMPLE_ROWS))
        rules = rules_for(self._out.encoding)
        table = RowTable(header, room=self._out.width, sample=sample, rules=rules)
        for line in table.head():
            self._line(line, "bold")
        count = 0
        try:
            for row in (*sample, *rows) if not push else rows:
                count += 1
                # Not through rich, which would write a line again that Ctrl-C interrupted.
                _write(self._out.file, "".join(f"{line}\n" for line in table.row(row)))
        except KeyboardInterrupt:
            self._line("")  # the terminal has just written ^C
            raise
        finally:
            self._line(f"({count} row{'' if count == 1 else 's'})", "dim")

    def failure(self, error: LabError, statement: Statement | None, place: str | None) -> None:
        """What is wrong, where in the statement, and what to do about it."""
        if isinstance(error, KsqlRefused):
            title, message = f"error {error.error_code}", without_statement(error.reason)
        else:
            title, message = "error", error.message
        text = Text(f"{place}: " if place else "", style="red")
        text.append(f"{title}: ", style="bold red").append(message, style="red")
        self._errors.print(text, soft_wrap=True)
        position = position_in(message)
        if position and statement:
            for line in caret_lines(statement.text, position):
                self._errors.print(Text(f"  {line}"), no_wrap=True, overflow="ignore")
        hint = error.hint or (UNREACHABLE_HINT if isinstance(error, Unreachable) else None)
        if hint:
            self._errors.print(Text(hint), soft_wrap=True)

    def interrupted(self, statement: Statement) -> None:
        """What Ctrl-C has ended."""
        words = "query ended" if statement.is_query else "stopped waiting; it may still take effect"
        self._errors.print(Text(words, style="yellow"))

    def _line(self, line: str, style: str | None = None) -> None:
        self._out.out(line, style=style, highlight=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller, as ``_write`` below does."""
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    console = _Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


class JsonPrinter:
    """One JSON object per line on standard output, told apart by "@type".

    The server's answers stand as they came. The prompt's own: "header" and "row" of a query,
    "property", "done" for a statement without an answer, "interrupted"; an error of the server
    keeps its own form, another error is a "client_error".
    """

    def entity(self, entity: Entity) -> None:
        """The answer as it came."""
        _write_json(dict(entity.data))

    def done(self, statement: Statement) -> None:
        """``{"@type":"done","statementText":…}``."""
        _write_json({"@type": "done", "statementText": statement.text})

    def property(self, name: str, value: str | None) -> None:
        """``{"@type":"property","name":…,"value":…}``."""
        _write_json({"@type": "property", "name": name, "value": value})

    def rows(self, header: QueryHeader, rows: Iterator[Row], *, push: bool) -> None:
        """A header line, then one line per row with its columns by name."""
        names = header.column_names
        _write_json(
            {
                "@type": "header",
                "queryId": header.query_id,
                "columnNames": names,
                "columnTypes": header.column_types,
                "push": push,
            }
        )
        for row in rows:
            _write_json({"@type": "row", "columns": dict(zip(names, row, strict=True))})

    def failure(self, error: LabError, statement: Statement | None, place: str | None) -> None:
        """The error with the statement's text, and where it stands in a script."""
        text = statement.text if statement else None
        if isinstance(error, KsqlRefused):
            line: dict[str, object] = {
                "@type": "statement_error",
                "error_code": error.error_code,
                "message": error.reason,
                "statementText": error.statement_text or text,
            }
        else:
            line = {"@type": "client_error", "message": error.message, "statementText": text}
        if place:
            line["place"] = place
        _write_json(line)

    def interrupted(self, statement: Statement) -> None:
        """``{"@type":"interrupted","statementText":…}``."""
        _write_json({"@type": "interrupted", "statementText": statement.text})


def _write_json(line: dict[str, object]) -> None:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    _write(sys.stdout, text + "\n")


def _write(file: IO[str], text: str) -> None:
    try:
        file.write(text)
        file.flush()
    except BrokenPipeError:
        # Without an errno, click leaves it to the caller, who knows that `| head` is no failure.
        raise BrokenPipeError from None
