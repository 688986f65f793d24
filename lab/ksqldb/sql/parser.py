"""Text to AST.

A request's text is cut into statements at semicolons outside quotes and comments; each is parsed
alone, its positions counted in the whole text. The grammar's tables are cached in a folder when
one is given: building them takes half a second, reading them a few hundredths.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from lab.ksqldb.errors import StatementError, SyntaxFault
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.build import build
from lab.ksqldb.sql.types import SqlType
from lab.ksqldb.sql.variables import substitute

MAX_DEPTH = 300
"""How deep a statement's parse tree may be."""

_TOO_DEEP = (
    "Failed to prepare statement: the statement is nested too deeply; "
    "expressions may have about 250 levels."
)
_GRAMMAR = Path(__file__).with_name("grammar.lark")
_PIECE = re.compile(
    r"'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|;|[^;'`\"/-]+|.", re.DOTALL
)
_BLANK = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*\Z", re.DOTALL)
_DIGIT_FIRST = re.compile(r"[0-9]+[A-Za-z_@][A-Za-z0-9_@]*")
_WORD = re.compile(r"[A-Za-z_]+")
_FIRST_WORDS = tuple(
    """
    SELECT CREATE INSERT DROP TERMINATE PAUSE RESUME SHOW LIST DESCRIBE EXPLAIN SET UNSET PRINT
    ALTER ASSERT DEFINE UNDEFINE RUN
    """.split()  # noqa: SIM905 - a list of words reads better as text
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement and the text it was written in, semicolon included."""

    text: str
    statement: ast.Statement


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a statement is in a text; ``end`` is its semicolon, or the text's end."""

    text: str
    start: int
    end: int


class Parser:
    """Parses statements. Safe to share between threads."""

    def __init__(self, cache: Path | None = None) -> None:
        """Load the grammar, from ``cache`` (a folder) when it is there, and save it there."""
        self._lark = _load(cache)

    def parse(
        self,
        text: str,
        *,
        custom_types: Mapping[str, SqlType] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> tuple[Parsed, ...]:
        """All statements of a text; an empty text has none.

        Raises:
            SyntaxFault: the text is no SQL, with the position.
            StatementError: a statement is SQL but cannot be prepared.
        """
        found = self.split(text)
        return tuple(self.prepare(p, custom_types or {}, variables or {}) for p in found)

    @staticmethod
    def split(text: str) -> tuple[Piece, ...]:
        """Where the statements of a text are."""
        return tuple(Piece(text, start, end) for start, end in _statements(text))

    def prepare(
        self, piece: Piece, custom_types: Mapping[str, SqlType], variables: Mapping[str, str]
    ) -> Parsed:
        """One statement of a text, its variables replaced.

        Raises:
            SyntaxFault: it is no SQL, with the position.
            StatementError: it is SQL but cannot be prepared.
        """
        return self._one(piece, custom_types, variables)

    def parse_expression(self, text: str) -> ast.Expression:
        """One expression, as plans store them."""
        select = self._run(f"SELECT {text} FROM X", {})
        assert isinstance(select, ast.QueryStatement)  # noqa: S101 - narrows a type
        item = select.query.select[0]
        assert isinstance(item, ast.SelectItem)  # noqa: S101 - narrows a type
        return item.expression

    def _one(
        self, piece: Piece, types: Mapping[str, SqlType], variables: Mapping[str, str]
    ) -> Parsed:
        text, start, end = piece.text, piece.start, piece.end
        # Everything before the statement becomes blanks, so that positions stay true.
        before = re.sub(r"[^\n]", " ", text[:start])
        whole = text[start : end + 1]
        try:
            body = substitute(text[start:end], variables)
            whole = body + text[end : end + 1]
            if end >= len(text):
                line, column = _line_column(text, len(text))
                try:
                    self._run(before + body, types)
                except SyntaxFault as fault:
                    if (fault.line, fault.column) < (line, column):
                        raise
                raise SyntaxFault("missing ';' at '<EOF>'", line=line, column=column)
            return Parsed(whole, self._run(before + body, types, end=";"))
        except StatementError as error:
            if error.statement is None:
                error.statement = whole
            raise

    def _run(self, text: str, types: Mapping[str, SqlType], end: str = "<EOF>") -> ast.Statement:
        try:
            tree = self._lark.parse(text)
        except UnexpectedInput as error:
            raise _explain(error, text, end) from None
        try:
            _check_depth(tree)
            return build(tree, types)
        except RecursionError:
            raise StatementError(_TOO_DEEP) from None


def _check_depth(tree: Tree[Token]) -> None:
    """Refuse what later stages, which recurse, could not handle."""
    level: list[Tree[Token]] = [tree]
    for _ in range(MAX_DEPTH):
        level = [c for node in level for c in node.children if isinstance(c, Tree)]
        if not level:
            return
    raise StatementError(_TOO_DEEP)


def _load(cache: Path | None) -> Lark:
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    digest = hashlib.sha256(grammar.encode()).hexdigest()[:16]
    saved = None if cache is None else cache / f"grammar-{digest}.tables"
    if saved is not None:
        with contextlib.suppress(OSError, EOFError, ValueError), saved.open("rb") as tables:
            return Lark.load(tables)
    made = Lark(
        grammar,
        parser="lalr",
        start="statement",
        propagate_positions=True,
        maybe_placeholders=True,
    )
    if saved is not None:
        buffer = io.BytesIO()
        made.save(buffer)
        saved.parent.mkdir(parents=True, exist_ok=True)
        scratch = saved.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(buffer.getvalue())
        scratch.replace(saved)
    return made


def _statements(text: str) -> list[tuple[int, int]]:
    """Start and end (the semicolon's index, or the text's end) of each statement."""
    found = []
    start = 0
    for piece in _PIECE.finditer(text):
        if piece.group() == ";":
            found.append((start, piece.start()))
            start = piece.end()
    if not _BLANK.match(text, start):
        found.append((start, len(text)))
    trimmed = []
    for begin, end in found:
        lead = len(text[begin:end]) - len(text[begin:end].lstrip())
        if begin + lead < end or end < len(text):
            trimmed.append((begin + lead, end))
    return trimmed


def _line_column(text: str, index: int) -> tuple[int, int]:
    line = text.count("\n", 0, index) + 1
    return line, index - (text.rfind("\n", 0, index) + 1) + 1


def _explain(error: UnexpectedInput, text: str, end: str) -> StatementError:
    if isinstance(error, UnexpectedToken):
        token: Token = error.token
        if token.type == "$END":
            line, column = _line_column(text, len(text))
            return SyntaxFault(
                f"Syntax error at or near '{end}' at line {line}:{column}",
                line=line,
                column=column,
            )
        line, column, seen = token.line or 1, token.column or 1, str(token)
    else:
        line, column = error.line, error.column
        at = error.pos_in_stream or 0
        seen = text[at] if isinstance(error, UnexpectedCharacters) else ""
        word = _WORD.match(text, at)
        seen = word.group() if word else seen
    digits = _DIGIT_FIRST.match(text, _offset(text, line, column))
    if digits:
        return SyntaxFault(
            f"identifiers must not start with a digit: '{digits.group()}'; "
            "surround the identifier with back ticks",
            line=line,
            column=column,
        )
    if not text[: _offset(text, line, column)].strip():
        near = difflib.get_close_matches(seen.upper(), _FIRST_WORDS, n=1, cutoff=0)
        return SyntaxFault(
            f"Unknown statement '{seen}'\nDid you mean '{near[0]}'?", line=line, column=column
        )
    return SyntaxFault(
        f"Syntax error at or near '{seen}' at line {line}:{column}", line=line, column=column
    )


def _offset(text: str, line: int, column: int) -> int:
    index = 0
    for _ in range(line - 1):
        index = text.index("\n", index) + 1
    return index + column - 1
