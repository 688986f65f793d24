"""A lab of containers, as commands see it."""

from __future__ import annotations

from pathlib import Path

from lab.compose.lifecycle import ComposeLab, ComposeUp
from lab.compose.plan import components_of
from lab.config import Settings
from lab.embedded.fetching import plugins_provider
from lab.embedded.starting import Report
from lab.endpoints import ComponentInfo, Endpoints
from lab.targets.local import LocalLab
from lab.targets.own import Seen, Started


class OwnCompose(LocalLab[ComposeLab]):
    """One lab of containers, by name."""

    target = "compose"

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(ComposeLab(settings, name))

    def endpoints(self) -> Endpoints:
        """Where the components answer on this machine."""
        return self.lab.endpoints()

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself."""
        return self.lab.components()

    def names(self) -> tuple[str, ...]:
        """The components' names."""
        return components_of(self.lab.state())

    def status(self) -> tuple[Seen, ...]:
        """Each component's container as it is now."""
        return tuple(
            Seen(one.name, one.state, container=one.container) for one in self.lab.status()
        )

    def up(
        self,
        *,
        brokers: int | None,
        port_base: int | None,
        report: Report,
        connect_plugins: bool = True,
    ) -> Started:
        """Create and start what does not run and prove it ready.

        Connect's plug-ins are downloaded once, unless ``connect_plugins`` is off.
        """
        get_plugins = plugins_provider(self.lab.settings) if connect_plugins else None
        return _started(
            self.lab.up(
                brokers=brokers, port_base=port_base, get_plugins=get_plugins, report=report
            )
        )

    def restart(self, component: str | None, report: Report) -> Started:
        """Stop, start and prove."""
        return _started(self.lab.restart(component, report))

    def kill(self, component: str) -> str:
        """SIGKILL."""
        return self._container(self.lab.kill(component))

    def pause(self, component: str) -> str:
        """Freeze."""
        return self._container(self.lab.pause(component))

    def resume(self, component: str) -> str:
        """Unfreeze."""
        return self._container(self.lab.resume(component))

    def log_of(self, component: str) -> Path:
        """A copy of what the container wrote up to now."""
        return self.lab.log_of(component)

    def _container(self, component: str) -> str:
        return f"container {self.lab.engine.container(component).short_id}"


def _started(result: ComposeUp) -> Started:
    return Started(result.components, result.started, result.remarks, result.seconds)
