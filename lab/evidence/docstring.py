"""The docstring of an experiment, which is its proof in five parts.

    K08. The broker accepts bytes that violate the registered schema.

    Set-up    a topic whose value subject holds an Avro schema
    Action    produce plain text, Avro written with another schema, and an unknown schema id
    Observed  all three are acknowledged, and fetched back byte for byte
    Control   the registry-aware serializer refuses the same value before a byte is sent
    Limits    says nothing of brokers with vendor plug-ins that validate on the server

A part starts at the left edge and goes on in indented lines. Paragraphs that are no part may
follow the last one.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

from lab.evidence.errors import MalformedExperiment

PARTS = ("Set-up", "Action", "Observed", "Control", "Limits")

_TITLE = re.compile(r"(?P<claim>[A-Z]\d\d)\. (?P<title>\S.*)", re.DOTALL)
_PART = re.compile(rf"(?P<name>{'|'.join(PARTS)})\s+(?P<text>\S.*)")


@dataclass(frozen=True)
class Proof:
    """A parsed docstring: the claim's id, the statement in the author's words, the five parts."""

    claim: str
    title: str
    parts: dict[str, str]


def parse_proof(docstring: str | None) -> Proof:
    """Parse a module's docstring. Raises MalformedExperiment, naming what is missing."""
    text = inspect.cleandoc(docstring or "")
    head, _, body = text.partition("\n\n")
    title = _TITLE.fullmatch(head)
    if title is None:
        raise MalformedExperiment(
            "an experiment's docstring begins with its claim, as in 'K08. The broker accepts …'"
        )
    parts = _parts(body)
    if missing := [name for name in PARTS if name not in parts]:
        raise MalformedExperiment(f"the docstring lacks {', '.join(missing)}")
    if list(parts) != list(PARTS):
        raise MalformedExperiment(f"the docstring's parts are to stand in the order {PARTS}")
    return Proof(title["claim"], " ".join(title["title"].split()), parts)


def _parts(body: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    current: str | None = None
    for line in body.splitlines():
        found = _PART.match(line)
        if found:
            current = found["name"]
            if current in parts:
                raise MalformedExperiment(f"the docstring has two parts {current}")
            parts[current] = found["text"].strip()
        elif current is not None and line[:1].isspace() and line.strip():
            parts[current] += " " + line.strip()
        else:
            current = None
    return parts
