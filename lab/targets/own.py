"""The labs that this machine runs itself, embedded or in containers, behind one face.

Experiments see a ``Target``; this is what commands need besides: starting, stopping, looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.compose.plan import FOLDER
from lab.config import Settings
from lab.embedded.starting import Report
from lab.embedded.state import all_labs
from lab.endpoints import ComponentInfo, Endpoints
from lab.errors import EnvironmentProblem, UsageError
from lab.targets import NAMES, OWN


@dataclass(frozen=True)
class Seen:
    """A component as it is now; ``state`` is "running", "paused" or "down"."""

    name: str
    state: str
    pids: tuple[int, ...] = ()
    container: str = ""


@dataclass(frozen=True)
class Started:
    """What a start did. ``started`` is empty if everything ran already."""

    components: tuple[ComponentInfo, ...]
    started: tuple[str, ...]
    remarks: tuple[str, ...]
    seconds: float


class OwnLab(Protocol):
    """A lab by target and name, whether it runs or not."""

    @property
    def target(self) -> str:
        """ "embedded" or "compose"."""
        ...

    @property
    def name(self) -> str:
        """The lab's name."""
        ...

    @property
    def path(self) -> Path:
        """The folder of its state."""
        ...

    def exists(self) -> bool:
        """Whether it was ever started and not reset since."""
        ...

    def is_running(self) -> bool:
        """Whether it is up."""
        ...

    def brokers(self) -> int:
        """How many brokers it has. Raises NoLabRunning."""
        ...

    def endpoints(self) -> Endpoints:
        """Where the components answer. Raises NoLabRunning."""
        ...

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself. Raises NoLabRunning."""
        ...

    def names(self) -> tuple[str, ...]:
        """The components' names. Raises NoLabRunning if it was never started."""
        ...

    def status(self) -> tuple[Seen, ...]:
        """Each component as it is now."""
        ...

    def up(self, *, brokers: int | None, port_base: int | None, report: Report) -> Started:
        """Start what does not run and prove it ready. Raises LabError."""
        ...

    def down(self) -> tuple[str, ...]:
        """Stop what the lab started; returns what ran. Data stays."""
        ...

    def restart(self, component: str | None, report: Report) -> Started:
        """Stop one component or all, start again, prove ready. Raises LabError."""
        ...

    def reset(self) -> None:
        """Take it down and remove its data."""
        ...

    def kill(self, component: str) -> str:
        """End a component at once; returns what was ended, for people."""
        ...

    def pause(self, component: str) -> str:
        """Stop a component's clock; returns what was paused."""
        ...

    def resume(self, component: str) -> str:
        """Let it go on; returns what goes on."""
        ...

    def log_of(self, component: str) -> Path:
        """The component's log as a file, up to now. Raises LabError."""
        ...


def own_lab(settings: Settings, name: str, target: str | None = None) -> OwnLab:
    """The lab of this name: of the named target, else the one that runs, else that is there.

    Raises UsageError for a target whose labs are not ours, and if two labs of the name run.
    """
    if target is not None:
        return _of(settings, name, target)
    embedded = _of(settings, name, "embedded")
    if not (settings.state_root / FOLDER / name / "lab.json").exists():
        return embedded
    compose = _of(settings, name, "compose")
    contained = runs(compose)
    if embedded.is_running():
        if contained:
            raise UsageError(
                f'two labs named "{name}" run, one embedded and one in containers',
                hint="Say which: --target embedded or --target compose.",
            )
        return embedded
    return compose if contained or not embedded.exists() else embedded


def own_labs(settings: Settings, target: str | None = None) -> list[OwnLab]:
    """Every lab of the state folder, of one target or all."""
    roots = {"embedded": settings.state_root, "compose": settings.state_root / FOLDER}
    return [
        _of(settings, folder.name, kind)
        for kind, root in roots.items()
        if target in {None, kind}
        for folder in all_labs(root)
    ]


def runs(lab: OwnLab) -> bool:
    """Whether a lab runs; where no container engine answers, no container does."""
    try:
        return lab.is_running()
    except EnvironmentProblem:
        return False


def _of(settings: Settings, name: str, target: str) -> OwnLab:
    if target == "embedded":
        from lab.targets.own_embedded import OwnEmbedded  # noqa: PLC0415 - each its own needs

        return OwnEmbedded(settings, name)
    if target == "compose":
        from lab.targets.own_compose import OwnCompose  # noqa: PLC0415

        return OwnCompose(settings, name)
    if target in NAMES:
        raise UsageError(
            f"labs of the target {target!r} are not started, stopped or looked into from here",
            hint=f"Targets that are: {', '.join(OWN)}.",
        )
    raise UsageError(f"unknown target {target!r}", hint=f"Targets: {', '.join(NAMES)}.")
