"""Targets: what an experiment can be pointed at."""

from __future__ import annotations

from typing import Any

from lab.errors import UsageError
from lab.targets.base import Target

NAMES = ("embedded", "compose", "external")
OWN = ("embedded", "compose")
"""Those that the lab starts and stops itself."""


def connect(target: str, name: str) -> Target | None:
    """The running platform of this target and name, or None if it does not run.

    Raises UsageError for a target that this version cannot drive.
    """
    return _module_of(target).connect(name)  # type: ignore[no-any-return]


def start(target: str, name: str, **options: Any) -> Target:
    """Start a platform and wait until it is proven ready. Raises LabError."""
    return _module_of(target).start(name, **options)  # type: ignore[no-any-return]


def stop(target: Target) -> None:
    """Take down what ``start`` started; data stays."""
    if target.name not in OWN:
        raise UsageError(f"the target {target.name!r} was not started by the lab")
    _module_of(target.name).stop(target)


def _module_of(target: str) -> Any:
    """Each target loads only its own needs."""
    if target == "embedded":
        from lab.targets import embedded  # noqa: PLC0415

        return embedded
    if target == "compose":
        from lab.targets import compose  # noqa: PLC0415

        return compose
    if target == "external":
        from lab.targets import external  # noqa: PLC0415

        return external
    raise UsageError(f"unknown target {target!r}", hint=f"Targets: {', '.join(NAMES)}.")
