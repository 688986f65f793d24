"""``${name}`` in statements: variables of a session put into a statement's text.

Inside a string literal the value becomes part of the text. Outside, a value must be one
identifier or one literal, so that it can name things and be compared, but never change what the
statement does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lab.ksqldb.errors import StatementError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_@]*\Z")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_@]*)\}")
_PIECE = re.compile(
    r"(?P<text>'(?:[^']|'')*')|(?P<quoted>`[^`]*`|\"[^\"]*\")|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<variable>\$\{[A-Za-z_][A-Za-z0-9_@]*\})|.",
    re.DOTALL,
)
_SAFE = re.compile(
    r"\s*(?:[A-Za-z_][A-Za-z0-9_@]*|`(?:[^`]|``)*`|\"[^\"]*\"|'(?:[^']|'')*'"
    r"|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*\Z"
)


def is_name(text: str) -> bool:
    """Whether a variable can have that name."""
    return _NAME.match(text) is not None


def find(variables: Mapping[str, str], name: str) -> str | None:
    """The name under which a variable was defined: case does not matter."""
    if name in variables:
        return name
    return next((n for n in variables if n.upper() == name.upper()), None)


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """The statement with its variables replaced.

    Raises:
        StatementError: a variable is not defined, or its value is no name and no literal.
    """
    if "${" not in text:
        return text

    def within_text(reference: re.Match[str]) -> str:
        known = find(variables, reference.group(1))
        return reference.group() if known is None else variables[known].replace("'", "''")

    def within_quotes(reference: re.Match[str]) -> str:
        known = find(variables, reference.group(1))
        if known is None:
            return reference.group()
        return variables[known].replace("`", "").replace('"', "")

    def piece(found: re.Match[str]) -> str:
        if found["text"]:
            return _REFERENCE.sub(within_text, found.group())
        if found["quoted"]:
            return _REFERENCE.sub(within_quotes, found.group())
        if not found["variable"]:
            return found.group()
        name = found.group()[2:-1]
        known = find(variables, name)
        if known is None:
            raise StatementError(
                f"Failed to prepare statement: the variable '{name}' is not defined"
            )
        value = variables[known]
        if not _SAFE.match(value):
            raise StatementError(
                f"Failed to prepare statement: the value of the variable '{name}' is neither an "
                f"identifier nor a literal: {value}"
            )
        return value

    return _PIECE.sub(piece, text)
