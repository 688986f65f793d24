"""What labs of processes and labs of containers share: both are kept by a lab's lifecycle."""

from __future__ import annotations

from pathlib import Path
from typing import Generic, Protocol, TypeVar

from lab.config import Settings
from lab.embedded.state import LabFolder, LabState
from lab.errors import NoLabRunning


class Lifecycle(Protocol):
    """The part of a lab's lifecycle that does not depend on what its components are made of."""

    settings: Settings
    folder: LabFolder

    def running_state(self) -> LabState:
        """The state of a lab that is up. Raises NoLabRunning."""
        ...

    def down(self) -> tuple[str, ...]:
        """Stop what the lab started; returns what ran. Data stays."""
        ...

    def reset(self) -> None:
        """Take it down and remove its data."""
        ...

    def kill(self, component: str) -> object:
        """SIGKILL. Raises LabError if the component does not run."""
        ...

    def stop(self, component: str) -> object:
        """SIGTERM, and wait until it has ended. Raises LabError if it does not run."""
        ...

    def pause(self, component: str) -> object:
        """Stop its clock until ``resume``. Raises LabError if it does not run."""
        ...

    def resume(self, component: str) -> object:
        """Let it go on. Raises LabError if it does not run."""
        ...


LabT = TypeVar("LabT", bound=Lifecycle)


class LocalTarget(Generic[LabT]):
    """The faults of a running lab, as experiments ask for them."""

    def __init__(self, lab: LabT) -> None:
        self._lab = lab

    @property
    def lab_name(self) -> str:
        """The lab's name."""
        return self._lab.folder.name

    def kill(self, component: str) -> None:
        """SIGKILL to the component's processes."""
        self._lab.kill(component)

    def stop(self, component: str) -> None:
        """SIGTERM to the component's processes, and wait until they have ended."""
        self._lab.stop(component)

    def pause(self, component: str) -> None:
        """Stop the clock of the component's processes."""
        self._lab.pause(component)

    def resume(self, component: str) -> None:
        """Let them go on."""
        self._lab.resume(component)


class LocalLab(Generic[LabT]):
    """A lab by name, whether it runs or not, as commands see it."""

    def __init__(self, lab: LabT) -> None:
        self.lab = lab

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.lab.folder.name

    @property
    def path(self) -> Path:
        """The folder of its state."""
        return self.lab.folder.path

    def exists(self) -> bool:
        """Whether it was ever started and not reset since."""
        return self.path.exists()

    def is_running(self) -> bool:
        """Whether it is up. Raises EnvironmentProblem if it may be and cannot be asked."""
        try:
            self.lab.running_state()
        except NoLabRunning:
            return False
        return True

    def brokers(self) -> int:
        """How many brokers it has. Raises NoLabRunning."""
        return self.lab.running_state().brokers

    def down(self) -> tuple[str, ...]:
        """Stop what the lab started; returns what ran. Data stays."""
        return self.lab.down()

    def reset(self) -> None:
        """Take it down and remove its data."""
        self.lab.reset()
