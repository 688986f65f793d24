"""Faults in components, recorded as they are done, and undone when the experiment is over."""

from __future__ import annotations

from functools import partial

from lab.errors import LabError
from lab.evidence.recorder import Evidence
from lab.targets.base import Target


class Faults:
    """Kills, pauses and restarts components of one target; ``undo`` mends what is left broken."""

    def __init__(self, target: Target, evidence: Evidence) -> None:
        self._target = target
        self._evidence = evidence
        self._down: set[str] = set()
        self._paused: set[str] = set()

    def require(self, *capabilities: str) -> None:
        """Raise CapabilityMissing, with the target's reason, unless all of them are offered."""
        offered = self._target.capabilities()
        for capability in capabilities:
            offered.require(capability)

    def kill(self, component: str) -> None:
        """SIGKILL. A component that is paused is killed as it is."""
        self._act("kill -9", component, partial(self._target.kill, component))
        self._paused.discard(component)
        self._down.add(component)

    def stop(self, component: str) -> None:
        """SIGTERM: the component ends in its own way; it is down afterwards."""
        self._act("stop", component, partial(self._target.stop, component))
        self._paused.discard(component)
        self._down.add(component)

    def pause(self, component: str) -> None:
        """SIGSTOP: the component holds its connections and does nothing."""
        self._paused.add(component)
        self._act("pause", component, partial(self._target.pause, component))

    def resume(self, component: str) -> None:
        """SIGCONT."""
        self._act("resume", component, partial(self._target.resume, component))
        self._paused.discard(component)

    def restart(self, component: str) -> None:
        """Start the component again, and whatever else is down, and wait until all are ready."""
        self._act("restart", component, partial(self._target.restart, component))
        self._down.clear()

    def remove_state(self, component: str, application: str) -> None:
        """Remove what a ksqlDB node that is down keeps of one application."""
        self._act(
            f"remove the local state of {application}",
            component,
            partial(self._target.remove_state, component, application),
        )

    def forget(self, component: str) -> None:
        """Leave a component as it is: it is about to be removed."""
        self._down.discard(component)
        self._paused.discard(component)

    def undo(self) -> None:
        """Let paused components go on and start those that were killed. Raises LabError."""
        for component in sorted(self._paused):
            try:
                self.resume(component)
            except LabError:
                self._down.add(component)  # it did not survive the pause
        self._paused.clear()
        if self._down:
            self.restart(min(self._down))

    def _act(self, action: str, component: str, call: partial[None]) -> None:
        self._evidence.act("experiment", action, component, call)
