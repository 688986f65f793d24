"""A lab of containers, as commands see it."""

from __future__ import annotations

from pathlib import Path

from lab.compose.lifecycle import ComposeLab, ComposeUp
from lab.compose.plan import components_of
from lab.config import Settings
from lab.embedded.fetching import plugins_provider
from lab.embedded.starting import Report
from lab.endpoints import ComponentInfo, Endpoints
from lab.errors import NoLabRunning
from lab.targets.own import Seen, Started


class OwnCompose:
    """One lab of containers, by name."""

    target = "compose"

    def __init__(self, settings: Settings, name: str) -> None:
        self.lab = ComposeLab(settings, name)

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.lab.folder.name

    @property
    def path(self) -> Path:
        """The folder of its state; data are in Docker's volumes."""
        return self.lab.folder.path

    def exists(self) -> bool:
        """Whether it was ever started and not reset since."""
        return self.path.exists()

    def is_running(self) -> bool:
        """Whether it is up. Raises EnvironmentProblem if it may be and no engine answers."""
        try:
            self.lab.running_state()
        except NoLabRunning:
            return False
        return True

    def brokers(self) -> int:
        """How many brokers it has."""
        return self.lab.running_state().brokers

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

    def down(self) -> tuple[str, ...]:
        """Remove the lab's containers and network; volumes stay."""
        return self.lab.down()

    def restart(self, component: str | None, report: Report) -> Started:
        """Stop, start and prove."""
        return _started(self.lab.restart(component, report))

    def reset(self) -> None:
        """Remove containers, network, volumes and the folder."""
        self.lab.reset()

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
