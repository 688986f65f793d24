"""The Protocol between experiments and whatever runs the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from lab.endpoints import Capabilities, ComponentInfo, Endpoints


@runtime_checkable
class Target(Protocol):
    """A platform that experiments can be run against.

    Faults take a component's name as ``components()`` lists it ("broker-1", "ksqldb", …) and raise
    CapabilityMissing where the target does not offer them.
    """

    name: str

    def endpoints(self) -> Endpoints:
        """Where the components answer."""
        ...

    def capabilities(self) -> Capabilities:
        """What may be asked of this target, with the reason for each thing that may not."""
        ...

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component with product and version, as the component itself reports them."""
        ...

    def log_of(self, component: str) -> Path | None:
        """The component's log file, or None where it cannot be read."""
        ...

    def memory_of(self, component: str) -> int | None:
        """The component's resident memory in bytes, or None where it cannot be seen."""
        ...

    def kill(self, component: str) -> None:
        """End the component at once (SIGKILL)."""
        ...

    def pause(self, component: str) -> None:
        """Stop the component's clock (SIGSTOP) until ``resume``."""
        ...

    def resume(self, component: str) -> None:
        """Let a paused component go on."""
        ...

    def restart(self, component: str) -> None:
        """Stop the component if it runs, start it again and wait until it is proven ready."""
        ...
