"""What a statement's handler is given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.peers import Host

T = TypeVar("T")


@dataclass(slots=True)
class Session:
    """The engine, and what belongs to one request.

    ``overrides`` are the request's properties and ``variables`` its variables: SET, UNSET, DEFINE
    and UNDEFINE change them for the statements that follow. ``alone`` says that other nodes are not
    to be asked: one of them asks. Who waits is to stop once ``given_up`` is set.
    """

    engine: Engine
    overrides: dict[str, str]
    variables: dict[str, str]
    alone: bool = False
    given_up: threading.Event = field(default_factory=threading.Event)

    def copy(self) -> Session:
        """A session that can be changed without changing this one."""
        overrides, variables = dict(self.overrides), dict(self.variables)
        return Session(self.engine, overrides, variables, self.alone, self.given_up)

    def of_others(self, statement: str, use: Callable[[Entity], T]) -> tuple[list[T], list[Host]]:
        """What the other nodes answer to a statement, and those that do not; none if ``alone``.

        ``use`` takes what it needs of each answer.
        """
        if self.alone:
            return [], []
        answers, silent = self.engine.cluster.ask_others(statement, lambda body: use(body[0]))
        return list(answers.values()), silent


Handler = Callable[[Session, Any, str], Entity | None]
"""Runs a statement, given its AST and its text; None is an answer without an entity."""


def entity(kind: str, text: str, **members: Any) -> Entity:
    """An answer to a statement."""
    return {"@type": kind, "statementText": text, **members, "warnings": []}
