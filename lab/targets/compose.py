"""The compose target as experiments see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.compose import added
from lab.compose.lifecycle import ComposeLab
from lab.compose.plan import BROKER_LOGS, KSQLDB_STATE, role_of
from lab.config import Settings
from lab.embedded.fetching import plugins_provider
from lab.embedded.lifecycle import unreported
from lab.embedded.starting import Report
from lab.endpoints import Capabilities, ComponentInfo, Endpoints
from lab.errors import LabError, NoLabRunning, UsageError
from lab.targets.base import KsqldbServer
from lab.targets.local import LocalTarget

NO_ACCESS_LOG = "the registry's container keeps no log of who asks it what"


class ComposeTarget(LocalTarget[ComposeLab]):
    """A running lab of containers."""

    name = "compose"

    def endpoints(self) -> Endpoints:
        """Where the components answer on this machine. Raises NoLabRunning."""
        return self._lab.endpoints()

    def capabilities(self) -> Capabilities:
        """All faults are offered; files are copied out of the containers."""
        state = self._lab.running_state()
        reasons = {"registry_access_log": NO_ACCESS_LOG}
        if state.brokers_only:
            reasons["ksqldb_state"] = "this lab has brokers only"
            reasons["more_ksqldb_servers"] = "this lab has brokers only"
        return Capabilities(
            brokers=state.brokers,
            kill=True,
            pause=True,
            restart=True,
            transactions=True,
            proxy=True,
            more_brokers=True,
            more_ksqldb_servers=not state.brokers_only,
            broker_logs=True,
            ksqldb_state=not state.brokers_only,
            reasons=reasons,
        )

    def add_ksqldb(self, *, service_id: str | None, properties: Mapping[str, str]) -> KsqldbServer:
        """Start a container beside the lab's own; it goes with the lab at the latest."""
        return KsqldbServer(*self._lab.add_ksqldb(service_id, properties))

    def remove_ksqldb(self, component: str) -> None:
        """Remove a container that was added, and what it kept."""
        added.remove(self._lab.engine, component)

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself."""
        return self._lab.components()

    def log_of(self, component: str) -> Path | None:
        """What the container wrote up to now, as a file; None if there is no container."""
        try:
            return self._lab.log_of(component)
        except LabError:
            return None

    def memory_of(self, component: str) -> int | None:
        """The memory that the container's processes hold, in bytes."""
        return self._lab.engine.memory_of(component)

    def restart(self, component: str) -> None:
        """Stop if it runs, start, and wait until it is proven ready."""
        self._lab.restart(component)

    def disconnect(self, component: str) -> None:
        """Take the container off the lab's network."""
        self._lab.disconnect(component)

    def reconnect(self, component: str) -> None:
        """Put it on the network again."""
        self._lab.reconnect(component)

    def partition_dir(self, component: str, topic: str, partition: int) -> Path:
        """A copy of the folder as it is now; empty if the broker does not have the partition."""
        name = f"{topic}-{partition}"
        into = self._lab.copies() / component / name
        self._lab.engine.copy_out(component, f"{BROKER_LOGS}/{name}", into)
        return into

    def copy_state(self, component: str, into: Path) -> None:
        """Copy the node's state folder."""
        _require_ksqldb(component)
        self._lab.engine.copy_out(component, KSQLDB_STATE, into)

    def remove_state(self, component: str, application: str) -> None:
        """Remove one application's folder from the node's state folder."""
        _require_ksqldb(component)
        if Path(application).name != application or application in {"", ".", ".."}:
            raise UsageError(f"{application!r} names no folder of the state folder")
        self._lab.engine.remove_inside(component, f"{KSQLDB_STATE}/{application}")


def _require_ksqldb(component: str) -> None:
    try:
        if role_of(component) == "ksqldb":
            return
    except KeyError:
        return  # a node beside the lab's own
    raise UsageError(f"{component} keeps no state of Kafka Streams")


def connect(name: str) -> ComposeTarget | None:
    """The running lab of this name, or None. Raises EnvironmentProblem without an engine."""
    lab = ComposeLab(Settings.from_env(), name)
    try:
        lab.running_state()
    except NoLabRunning:
        return None
    return ComposeTarget(lab)


def start(
    name: str,
    *,
    brokers: int | None = None,
    brokers_only: bool | None = None,
    report: Report = unreported,
) -> ComposeTarget:
    """Start a lab of this name, or complete it if it runs in part. Raises LabError."""
    settings = Settings.from_env()
    lab = ComposeLab(settings, name)
    lab.up(
        brokers=brokers,
        brokers_only=brokers_only,
        get_plugins=plugins_provider(settings),
        report=report,
    )
    return ComposeTarget(lab)


def stop(target: ComposeTarget) -> None:
    """Take the lab down; its volumes stay."""
    ComposeLab(Settings.from_env(), target.lab_name).down()
