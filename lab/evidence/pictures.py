"""The words of sequence pictures: lanes, and arrows between them in the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Arrow:
    """One event: ``source`` did ``text`` to ``target``, ``after_ms`` after the picture's first.

    ``detail`` is what came back. Where both lanes are the same it happened within one.
    """

    after_ms: float
    source: str
    target: str
    text: str
    detail: str = ""
    outcome: Literal["ok", "fail", "unknown"] = "ok"


@dataclass(frozen=True)
class Picture:
    """What is drawn: lanes from left to right, arrows from top to bottom."""

    title: str
    lanes: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    caption: str = ""
