"""Failures of the decoders.

LabError
└── DecodeError          bytes that do not follow the layout they are said to have
    ├── Truncated        they end before the layout does
    └── UnknownVersion   a layout version that this decoder does not know
"""

from __future__ import annotations

from lab.errors import LabError


class DecodeError(LabError):
    """The bytes do not follow the layout; ``offset`` is where in them that was noticed."""

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(message + where)
        self.offset = offset


class Truncated(DecodeError):
    """The bytes end before the layout does."""


class UnknownVersion(DecodeError):
    """A version of the layout that this decoder does not know; nothing is guessed."""

    def __init__(self, what: str, version: int) -> None:
        super().__init__(f"{what}: version {version} is not known here")
        self.version = version
