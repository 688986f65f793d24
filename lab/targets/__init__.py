"""Targets: what an experiment can be pointed at."""

from __future__ import annotations

from typing import Any

from lab.errors import UsageError
from lab.targets.base import Target

NAMES = ("embedded", "compose", "external")


def connect(target: str, name: str) -> Target | None:
    """The running platform of this target and name, or None if it does not run.

    Raises UsageError for a target that this version cannot drive.
    """
    _require_embedded(target)
    from lab.targets import embedded  # noqa: PLC0415 - each target loads only its own needs

    return embedded.connect(name)


def start(target: str, name: str, **options: Any) -> Target:
    """Start a platform and wait until it is proven ready. Raises LabError."""
    _require_embedded(target)
    from lab.targets import embedded  # noqa: PLC0415

    return embedded.start(name, **options)


def stop(target: Target) -> None:
    """Take down what ``start`` started; data stays."""
    from lab.targets import embedded  # noqa: PLC0415

    if not isinstance(target, embedded.EmbeddedTarget):
        raise UsageError(f"the target {target.name!r} was not started by the lab")
    embedded.stop(target)


def _require_embedded(target: str) -> None:
    if target not in NAMES:
        raise UsageError(f"unknown target {target!r}", hint=f"Targets: {', '.join(NAMES)}.")
    if target != "embedded":
        raise UsageError(
            f"the target {target!r} cannot be driven by this version",
            hint="Use the embedded target, which needs no Docker: --target embedded.",
        )
