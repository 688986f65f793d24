"""What became of statements that went through the command topic."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lab.ksqldb.names import QueryId
from lab.ksqldb.runtime.commands import Recorded


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a distributed statement. ``status`` is SUCCESS or ERROR."""

    key: str
    statement: str
    message: str
    query: QueryId | None
    offset: int
    status: str = "SUCCESS"

    def failed(self, reason: str) -> Outcome:
        """The same statement, whose query did not start here."""
        return replace(self, message=reason, status="ERROR")


def recalled(recorded: Recorded) -> Outcome:
    """What became of a command that was read from the topic."""
    command = recorded.command
    query = None if command.query is None else command.query.id
    message = "Executed"
    if query is not None:
        message = f"Created query with ID {query}"
    elif command.create is not None:
        message = f"{command.create.kind.capitalize()} created"
    elif command.drop is not None:
        message = f"Source `{command.drop}` was dropped."
    return Outcome(recorded.id, command.statement, message, query, recorded.offset)
