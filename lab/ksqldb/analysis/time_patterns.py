"""Patterns of times, as TIMESTAMP_FORMAT has them: java.time.format.DateTimeFormatter's letters.

Checked when a statement is planned, before anything is made for it.
"""

from __future__ import annotations

from itertools import groupby

from lab.ksqldb.errors import StatementError

_ANY = range(1, 20)
_COUNTS: dict[str, range | tuple[int, ...]] = {
    **dict.fromkeys("uygAnN", _ANY),
    **dict.fromkeys("GEMLQqeXxZ", range(1, 6)),
    **dict.fromkeys("D", range(1, 4)),
    **dict.fromkeys("dwHhKkms", (1, 2)),
    **dict.fromkeys("WFa", (1,)),
    "Y": range(1, 10_000),
    "S": range(1, 10),
    "B": (1, 4, 5),
    "c": (1, 3, 4, 5),
    "V": (2,),
    "v": (1, 4),
    "O": (1, 4),
    "z": range(1, 5),
}
"""How often a letter may follow itself."""
_RESERVED = "{}#"


def check(pattern: str) -> None:
    """Refuse what is no pattern.

    Raises:
        StatementError: with the reason.
    """
    reason = _reason(pattern)
    if reason is not None:
        raise StatementError(
            "Failed to prepare statement: Invalid datatime format for config:TIMESTAMP_FORMAT, "
            f"reason:{reason}"
        )


def _reason(pattern: str) -> str | None:
    parts = pattern.split("'")
    if len(parts) % 2 == 0:
        return f"Pattern ends with an incomplete string literal: {pattern}"
    runs = [(char, len(list(run))) for char, run in groupby(" ".join(parts[::2]))]
    open_ = 0
    for i, (char, count) in enumerate(runs):
        open_ += {"[": count, "]": -count}.get(char, 0)
        if open_ < 0:
            return "Pattern invalid as it contains ] without previous ["
        if char == "p" and not _is_letter(runs[i + 1][0] if i + 1 < len(runs) else ""):
            return f"Pad letter 'p' must be followed by valid pad pattern: {pattern}"
        wrong = _wrong_run(char, count)
        if wrong is not None:
            return wrong
    return None


def _wrong_run(char: str, count: int) -> str | None:
    if char in _RESERVED:
        return f"Pattern includes reserved character: '{char}'"
    if not _is_letter(char) or char == "p" or count in _COUNTS.get(char, ()):
        return None
    known = char in _COUNTS
    return f"{'Wrong number of pattern letters' if known else 'Unknown pattern letter'}: {char}"


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()
