"""The Protocol between experiments and whatever runs the platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from lab.endpoints import Capabilities, ComponentInfo, Endpoints


@dataclass(frozen=True)
class KsqldbServer:
    """A ksqlDB server beside the platform's own; faults, logs and states take ``component``."""

    component: str
    url: str
    service_id: str


@runtime_checkable
class StartsKsqldb(Protocol):
    """What a target has that offers ``more_ksqldb_servers``."""

    def add_ksqldb(self, *, service_id: str | None, properties: Mapping[str, str]) -> KsqldbServer:
        """Start a server on the platform's brokers and registry, and wait until it is ready.

        Without a service id it is another node of the platform's own ksqlDB cluster. ``properties``
        are the server's. Raises LabError, and leaves nothing behind then.
        """
        ...

    def remove_ksqldb(self, component: str) -> None:
        """End a server that was added, running or not, and remove what it kept on disk."""
        ...


@runtime_checkable
class KeepsLedger(Protocol):
    """A target that writes down what is about to be created, and removes it at a run's end."""

    def note(self, kind: str, name: str, run: str) -> None:
        """Write down that something is about to be created. Raises LabError."""
        ...

    def clean_up(self, run: str) -> tuple[str, ...]:
        """Remove what a run left; returns what could not be removed, with the reasons."""
        ...


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

    def stop(self, component: str) -> None:
        """Ask the component to end (SIGTERM), and wait until it has; ``restart`` starts it again.

        Offered where ``kill`` is.
        """
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

    def partition_dir(self, component: str, topic: str, partition: int) -> Path:
        """The folder in which a broker keeps a partition, whether it has it or not.

        On some targets it is a copy of what is there now, good until the next call for the same
        partition: ask again to look again.
        """
        ...

    def copy_state(self, component: str, into: Path) -> None:
        """Copy the local state of a ksqlDB node, as it is, into a folder, which is made if need be.

        It is what Kafka Streams keeps: a folder per application id, in it a task folder per
        partition, in that RocksDB folders. The node may run: what vanishes meanwhile is passed
        over.
        """
        ...

    def remove_state(self, component: str, application: str) -> None:
        """Remove one application's folder from the local state of a ksqlDB node that is down."""
        ...
