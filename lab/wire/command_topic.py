"""Records of ksqlDB's command topic: which statement each is, and what it is about.

Source: recorded records of ksqlDB 7.9. The key is a JSON string ``<kind>/<name>/<action>``, the
name in back-quotes or not; the value is a JSON object with the statement's text, the properties
that came with it, every property in effect, and the plan if the statement has one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lab.wire.errors import DecodeError, Truncated


@dataclass(frozen=True)
class Command:
    """A statement as the topic has it.

    ``kind`` is "stream", "table", "terminate", …; ``action`` is "create", "drop", "execute", ….
    ``properties`` are those that were sent with the statement; ``planned`` says whether a plan is
    kept with it.
    """

    kind: str
    name: str
    action: str
    statement: str
    properties: Mapping[str, str]
    planned: bool

    @property
    def subject(self) -> str:
        """What the statement does to what: "stream ORDERS create"."""
        return f"{self.kind} {self.name} {self.action}"


def topic_of(service_id: str) -> str:
    """The name of the command topic of a service id."""
    return f"_confluent-ksql-{service_id}_command_topic"


def decode(key: bytes | None, value: bytes | None) -> Command:
    """Decode a record. Raises DecodeError, Truncated if it has no key or value."""
    if key is None or value is None:
        raise Truncated("a command has a key and a value")
    subject, body = _json(key, "key"), _json(value, "value")
    if not isinstance(subject, str) or subject.count("/") < 2:
        raise DecodeError(f"the key of a command names kind, name and action: {subject!r}")
    kind, rest = subject.split("/", 1)
    name, action = rest.rsplit("/", 1)
    if not isinstance(body, dict) or not isinstance(body.get("statement"), str):
        raise DecodeError("the value of a command has a statement")
    properties = body.get("streamsProperties")
    if not isinstance(properties, dict):
        raise DecodeError("the value of a command has properties")
    return Command(
        kind=kind,
        name=_unquoted(name),
        action=action,
        statement=body["statement"],
        properties={str(name): str(each) for name, each in properties.items()},
        planned=body.get("plan") is not None,
    )


def _json(data: bytes, what: str) -> object:
    try:
        found: object = json.loads(data)
    except ValueError as error:
        raise DecodeError(f"the {what} of a command is JSON: {error}") from error
    return found


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name.startswith("`") and name.endswith("`")
    return name[1:-1].replace("``", "`") if quoted else name
