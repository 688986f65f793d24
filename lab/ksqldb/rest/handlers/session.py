"""What a statement's handler is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.runtime.engine import Engine


@dataclass(slots=True)
class Session:
    """The engine, and what belongs to one request.

    ``overrides`` are the request's properties and ``variables`` its variables: SET, UNSET, DEFINE
    and UNDEFINE change them for the statements that follow.
    """

    engine: Engine
    overrides: dict[str, str]
    variables: dict[str, str]

    def copy(self) -> Session:
        """A session that can be changed without changing this one."""
        return Session(self.engine, dict(self.overrides), dict(self.variables))


Handler = Callable[[Session, Any, str], Entity | None]
"""Runs a statement, given its AST and its text; None is an answer without an entity."""


def entity(kind: str, text: str, **members: Any) -> Entity:
    """An answer to a statement."""
    return {"@type": kind, "statementText": text, **members, "warnings": []}
