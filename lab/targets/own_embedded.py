"""A lab of native processes, as commands see it."""

from __future__ import annotations

from pathlib import Path

from lab.config import Settings
from lab.embedded.components import components_of, endpoints_of
from lab.embedded.fetching import outfitter
from lab.embedded.lifecycle import EmbeddedLab, UpOptions, UpResult
from lab.embedded.starting import Report
from lab.endpoints import ComponentInfo, Endpoints
from lab.errors import LabError
from lab.targets.local import LocalLab
from lab.targets.own import Seen, Started


class OwnEmbedded(LocalLab[EmbeddedLab]):
    """One embedded lab, by name."""

    target = "embedded"

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(EmbeddedLab(settings, name))

    def endpoints(self) -> Endpoints:
        """Where the components answer."""
        return endpoints_of(self.lab.running_state())

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself."""
        from lab.embedded.identity import identify  # noqa: PLC0415 - loads an HTTP client

        return identify(self.lab.folder, self.lab.running_state())

    def names(self) -> tuple[str, ...]:
        """The components' names."""
        return components_of(self.lab.state())

    def status(self) -> tuple[Seen, ...]:
        """Each component's processes as they are now."""
        return tuple(Seen(one.name, one.state, one.pids) for one in self.lab.status())

    def up(
        self,
        *,
        brokers: int | None,
        port_base: int | None,
        report: Report,
        secure: bool | None = None,
    ) -> Started:
        """Start what does not run and prove it ready."""
        options = UpOptions(brokers=brokers, port_base=port_base, secure=secure)
        return _started(self.lab.up(options, outfitter(self.lab.settings), report))

    def restart(self, component: str | None, report: Report) -> Started:
        """Stop, start and prove."""
        return _started(self.lab.restart(component, outfitter(self.lab.settings), report))

    def kill(self, component: str) -> str:
        """SIGKILL."""
        return _pids(self.lab.kill(component))

    def pause(self, component: str) -> str:
        """SIGSTOP."""
        return _pids(self.lab.pause(component))

    def resume(self, component: str) -> str:
        """SIGCONT."""
        return _pids(self.lab.resume(component))

    def log_of(self, component: str) -> Path:
        """The file that the component writes to."""
        file = self.lab.log_of(component)
        if not file.exists():
            raise LabError(f"there is no log {file}", hint="The component was never started.")
        return file


def _pids(pids: tuple[int, ...]) -> str:
    return f"pid {', '.join(map(str, pids))}"


def _started(result: UpResult) -> Started:
    return Started(result.components, result.started, result.remarks, result.seconds)
