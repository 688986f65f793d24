"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class CheckResult:
    """One thing that was looked at.

    ``seen`` is what is there, as a fact; ``remedy`` what the reader can do, and is given whenever
    ``status`` is not "ok". "warn": the embedded target runs, but something is missing or will be
    noticed. "fail": it will not run.
    """

    name: str
    status: Status
    seen: str
    remedy: str | None = None


def gib(size: float) -> str:
    """Bytes as people read them: ``1.6 GiB``, ``300 MiB``."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
