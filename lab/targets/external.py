"""Somebody's own cluster as experiments see it: endpoints, a prefix, a ledger, and no faults."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NoReturn

from lab.config import Settings
from lab.endpoints import Capabilities, ComponentInfo, Endpoints
from lab.errors import CapabilityMissing, LabError, UsageError
from lab.external import store
from lab.external.cleaning import Outcome, clean
from lab.external.entering import enter
from lab.external.knocking import NotReached
from lab.external.ledger import Entry, Ledger, in_use
from lab.external.model import Described
from lab.external.probing import components
from lab.external.report import NOT_OURS, Probe, capabilities, probe


class ExternalTarget:
    """A cluster that was described, and answers."""

    name = "external"

    def __init__(self, target: Described, found: Probe, ledger: Ledger) -> None:
        self._target = target
        self._found = found
        self.ledger = ledger

    @property
    def lab_name(self) -> str:
        """The description's name."""
        return self._target.name

    def endpoints(self) -> Endpoints:
        """Where the components answer."""
        return self._found.endpoints

    @cached_property
    def _capabilities(self) -> Capabilities:
        assert self._found.brokers is not None  # noqa: S101 - connect() let nothing else through
        return capabilities(self._target, self._found.brokers)

    def capabilities(self) -> Capabilities:
        """What may be asked, by the probe and by what was allowed."""
        return self._capabilities

    def components(self) -> tuple[ComponentInfo, ...]:
        """What the probe found."""
        assert self._found.brokers is not None  # noqa: S101 - as above
        return components(self._found.brokers, self._found.parts)

    def log_of(self, component: str) -> Path | None:
        """Logs of somebody's cluster are not read."""
        del component
        return None

    def memory_of(self, component: str) -> int | None:
        """Processes of somebody's cluster are not seen."""
        del component
        return None

    def note(self, kind: str, name: str, run: str) -> None:
        """Write into the ledger that ``name`` is about to be created."""
        self.ledger.note(kind, name, run)

    def clean_up(self, run: str) -> tuple[str, ...]:
        """Remove what a run left; what could not be removed is returned and stays noted."""
        entries = [entry for entry in self.ledger.entries() if entry.run == run]
        outcome = _cleaned(self.endpoints(), self.ledger, entries)
        return tuple(outcome.left)

    def kill(self, component: str) -> None:
        """Not offered."""
        _refuse("kill", component)

    def stop(self, component: str) -> None:
        """Not offered."""
        _refuse("stop", component)

    def pause(self, component: str) -> None:
        """Not offered."""
        _refuse("pause", component)

    def resume(self, component: str) -> None:
        """Not offered."""
        _refuse("resume", component)

    def restart(self, component: str) -> None:
        """Not offered."""
        _refuse("restart", component)

    def partition_dir(self, component: str, topic: str, partition: int) -> Path:
        """Not offered."""
        _refuse(f"the folder of {topic}-{partition} of", component)

    def copy_state(self, component: str, into: Path) -> None:
        """Not offered."""
        _refuse(f"a copy into {into} of", component)

    def remove_state(self, component: str, application: str) -> None:
        """Not offered."""
        _refuse(f"removing {application} of", component)


def ledger_of(settings: Settings, name: str) -> Ledger:
    """The ledger of the target of this name."""
    return Ledger(store.file_of(settings.state_root, name).with_suffix(".ledger"))


def connect(name: str) -> ExternalTarget | None:
    """The target of this name; None if its brokers cannot be used, and ``start`` says why then.

    Raises UsageError and InvalidSetting for a description that is not there or cannot be used.
    """
    settings = Settings.from_env()
    target = store.load(settings.state_root, name)
    found = probe(target)
    if found.brokers is None:
        return None
    return ExternalTarget(target, found, ledger_of(settings, target.name))


def start(name: str, **_options: object) -> NoReturn:
    """Nothing is started here. Raises LabError, which says why the target cannot be used."""
    settings = Settings.from_env()
    found = probe(store.load(settings.state_root, name))
    for part in found.parts:
        if part.problem:
            raise NotReached(part.role, f'external target "{name}": {part.problem}', hint=part.hint)
    raise LabError(f'the external target "{name}" did not answer a moment ago, and does now')


def clean_ledger(settings: Settings, name: str, *, force: bool = False) -> Outcome:
    """Remove what the ledger of a target says. Raises UsageError while a run still uses it.

    Harmless when there is nothing. What could not be removed stays in the ledger.
    """
    target = store.load(settings.state_root, name)
    ledger = ledger_of(settings, target.name)
    entries = ledger.entries()
    if not entries:
        return Outcome()
    using = sorted({entry.pid for entry in entries if in_use(entry)})
    if using and not force:
        raise UsageError(
            f'experiments are running on "{name}" (process {", ".join(map(str, using))})',
            hint="Wait for their end, or clean up under their feet with --force.",
        )
    endpoints = enter(target)
    found = probe(target)
    if found.brokers is None:
        problem = next(part for part in found.parts if part.problem)
        raise NotReached(
            problem.role,
            f"nothing can be removed now, {len(entries)} entries stay: {problem.problem}",
            hint=problem.hint,
        )
    return _cleaned(endpoints, ledger, entries)


def _cleaned(
    endpoints: Endpoints, ledger: Ledger, entries: list[Entry] | tuple[Entry, ...]
) -> Outcome:
    if not entries:
        return Outcome()
    outcome = clean(endpoints, entries)
    if not outcome.left:
        ledger.strike(entries)
    return outcome


def _refuse(what: str, component: str) -> NoReturn:
    raise CapabilityMissing(f"{what} {component}: {NOT_OURS}")
