"""What the prompt must know of SQL text: tokens, and where one statement ends.

Source: the lexical part of ksqlDB's grammar. Strings stand between single quotes, quoted names
between back ticks or double quotes, a doubled quote stands for itself; comments are ``-- …`` and
``/* … */``. Nothing here parses: whether a statement makes sense is for the server to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*|/\*.*?\*/)
  | (?P<string>'[^']*(?:''[^']*)*')
  | (?P<name>`[^`]*(?:``[^`]*)*`|"[^"]*(?:""[^"]*)*")
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d]\w*)
  | (?P<end>;)
  | (?P<open>/\*|['`"])
  | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_OPEN = {"'": "string", "`": "quoted name", '"': "quoted name", "/*": "comment"}


@dataclass(frozen=True)
class Token:
    """A piece of the text; ``kind`` is the name of its group in the pattern above.

    An "open" token is a string, name or comment that is not closed; it goes on to the text's end.
    """

    kind: str
    text: str
    start: int

    @property
    def blank(self) -> bool:
        """Whether the token says nothing: white space or a comment."""
        return self.kind in {"space", "comment"}


@dataclass(frozen=True)
class Statement:
    """One statement with its final ``;``; ``line`` is where it begins in its source, from 1."""

    text: str
    line: int
    words: tuple[str, ...]

    @property
    def is_query(self) -> bool:
        """Whether rows are the answer."""
        return self.words[:1] == ("SELECT",)

    @property
    def is_push(self) -> bool:
        """Whether it is a query whose rows go on arriving."""
        return self.is_query and any(
            pair == ("EMIT", "CHANGES") for pair in zip(self.words, self.words[1:], strict=False)
        )


@dataclass(frozen=True)
class Split:
    """A text's whole statements, and what stands after the last ``;``.

    ``rest_line`` is the rest's line, from 1. ``pending`` tells whether the rest says anything
    besides comments; ``unclosed`` names the construct that the text ends in, if it does.
    """

    statements: tuple[Statement, ...]
    rest: str
    rest_line: int
    pending: bool
    unclosed: str | None = None


def tokens(text: str) -> Iterator[Token]:
    """The text's tokens, without a gap."""
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:  # the pattern matches any character
            raise AssertionError(f"no token at {position}")
        if found.lastgroup == "open":
            yield Token("open", text[position:], position)
            return
        yield Token(found.lastgroup, found.group(), position)
        position = found.end()


def split(text: str, *, first_line: int = 1) -> Split:
    """Cut the text at each ``;`` that is not inside a string, a name or a comment.

    Comments before a statement are left out of it, and so are empty statements.
    """
    statements: list[Statement] = []
    current: list[Token] = []
    rest_start = 0
    unclosed: str | None = None
    for token in tokens(text):
        if not current and token.blank:
            continue
        current.append(token)
        if token.kind == "open":
            opener = "/*" if token.text.startswith("/*") else token.text[0]
            unclosed = _OPEN[opener]
        elif token.kind == "end":
            if len(current) > 1:
                statements.append(_statement(text, current, first_line))
            current = []
            rest_start = token.start + 1
    return Split(
        tuple(statements),
        rest=text[rest_start:],
        rest_line=first_line + text.count("\n", 0, rest_start),
        pending=bool(current),
        unclosed=unclosed,
    )


def _statement(text: str, parts: list[Token], first_line: int) -> Statement:
    start = parts[0].start
    return Statement(
        text[start : parts[-1].start + 1],
        line=first_line + text.count("\n", 0, start),
        words=tuple(part.text.upper() for part in parts if part.kind == "word"),
    )


def property_change(statement: Statement) -> tuple[str, str | None] | None:
    """The name and value of ``SET 'name'='value';``, the value None for ``UNSET 'name';``.

    None for any other statement.
    """
    parts = [part for part in tokens(statement.text) if not part.blank]
    kinds = [part.kind for part in parts]
    verb = parts[0].text.upper()
    if verb == "SET" and kinds == ["word", "string", "symbol", "string", "end"]:
        if parts[2].text == "=":
            return _unquoted(parts[1].text), _unquoted(parts[3].text)
    elif verb == "UNSET" and kinds == ["word", "string", "end"]:
        return _unquoted(parts[1].text), None
    return None


def _unquoted(literal: str) -> str:
    return literal[1:-1].replace("''", "'")
