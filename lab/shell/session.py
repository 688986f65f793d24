"""A session with a server: runs statements one after the other and hands answers to a printer.

What ksqlDB's own command line keeps on its side is kept here too: properties set with SET go along
with every later statement of the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Protocol

from lab.clients.ksqldb import Entity
from lab.clients.ksqldb_rows import QueryHeader, Row
from lab.errors import LabError, UsageError
from lab.shell.scanner import Statement, property_change, split, tokens

PULL_TIMEOUT_SECONDS = 60.0

_NOT_OFFERED = {
    "PRINT": "Declare a stream over the topic and SELECT from it.",
    "DEFINE": "Write the values into the statements.",
    "UNDEFINE": "Write the values into the statements.",
}


class RowStream(Protocol):
    """A running query: its header, its rows as they come; closing it ends it on the server."""

    @property
    def header(self) -> QueryHeader:
        """Columns and query id."""
        ...

    def __iter__(self) -> Iterator[Row]: ...

    def close(self) -> None:
        """End the query."""
        ...


class Server(Protocol):
    """What a session needs of ``lab.clients.ksqldb.KsqlClient``."""

    def execute(
        self, statements: str, *, properties: Mapping[str, str] | None = None
    ) -> list[Entity]:
        """Run a statement; its answer, or nothing for INSERT INTO … VALUES."""
        ...

    def push(
        self,
        sql: str,
        *,
        properties: Mapping[str, str] | None = None,
        row_timeout_seconds: float | None = 30.0,
    ) -> RowStream:
        """Start a query."""
        ...


class Printer(Protocol):
    """Where answers go: for people or for machines."""

    def entity(self, entity: Entity) -> None:
        """A statement's answer."""
        ...

    def done(self, statement: Statement) -> None:
        """A statement that has no answer succeeded."""
        ...

    def property(self, name: str, value: str | None) -> None:
        """A property of the session is set, or unset (None)."""
        ...

    def rows(self, header: QueryHeader, rows: Iterator[Row], *, push: bool) -> None:
        """A query's rows, printed as they come; returns at their end."""
        ...

    def failure(self, error: LabError, statement: Statement | None, place: str | None) -> None:
        """A statement failed; ``place`` is where it stands in a script."""
        ...

    def interrupted(self, statement: Statement) -> None:
        """The user ended a statement with Ctrl-C."""
        ...


class Outcome(Enum):
    """How a statement ended; the value is the exit code of a script that ends with it."""

    OK = 0
    FAILED = 1
    INTERRUPTED = 130


class Session:
    """Runs statements against one server with the session's properties."""

    def __init__(self, server: Server, printer: Printer) -> None:
        self.printer = printer
        self.properties: dict[str, str] = {}
        self._server = server

    def run(self, statement: Statement, *, place: str | None = None) -> Outcome:
        """Run one statement and print its answer or its error; Ctrl-C ends it, not the session."""
        try:
            self._run(statement)
        except KeyboardInterrupt:
            self.printer.interrupted(statement)
            return Outcome.INTERRUPTED
        except LabError as error:
            self.printer.failure(error, statement, place)
            return Outcome.FAILED
        return Outcome.OK

    def _run(self, statement: Statement) -> None:
        change = property_change(statement)
        first = statement.words[0] if statement.words else ""
        if change is not None:
            self._set(*change)
        elif first in _NOT_OFFERED:
            raise UsageError(f"{first} is not offered by this prompt", hint=_NOT_OFFERED[first])
        elif statement.is_query:
            self._query(statement)
        else:
            entities = self._server.execute(statement.text, properties=self.properties)
            for entity in entities:
                self.printer.entity(entity)
            if not entities:
                self.printer.done(statement)

    def _set(self, name: str, value: str | None) -> None:
        if value is None:
            self.properties.pop(name, None)
        else:
            self.properties[name] = value
        self.printer.property(name, value)

    def _query(self, statement: Statement) -> None:
        push = statement.is_push
        query = self._server.push(
            statement.text,
            properties=self.properties,
            row_timeout_seconds=None if push else PULL_TIMEOUT_SECONDS,
        )
        try:
            self.printer.rows(query.header, iter(query), push=push)
        finally:
            query.close()


def run_script(session: Session, lines: Iterable[str], *, name: str | None) -> Outcome:
    """Run the statements as their lines come, up to the first that fails.

    The last one may lack its ``;``. ``name`` is what the script is called in errors.
    """
    buffer, line = "", 1
    for text in lines:
        buffer += text
        if ";" not in text:
            continue
        found = split(buffer, first_line=line)
        for statement in found.statements:
            outcome = session.run(statement, place=_place(name, statement.line))
            if outcome is not Outcome.OK:
                return outcome
        buffer, line = found.rest, found.rest_line
    last = split(buffer, first_line=line)
    if not last.pending:
        return Outcome.OK
    if last.unclosed is not None:
        problem = f"the {last.unclosed} after line {last.rest_line} is not closed"
        session.printer.failure(UsageError(problem), None, name)
        return Outcome.FAILED
    parts = list(tokens(buffer))
    while parts[-1].blank:
        parts.pop()
    ended = "".join(part.text for part in parts) + ";"
    (statement,) = split(ended, first_line=line).statements
    return session.run(statement, place=_place(name, statement.line))


def _place(name: str | None, line: int) -> str | None:
    return f"{name}:{line}" if name else None
