"""The embedded target as experiments see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.config import Settings
from lab.embedded import ksqldb
from lab.embedded.components import (
    endpoints_of,
    ksqldb_state_dir,
    registry_places,
    scheme,
)
from lab.embedded.fetching import outfitter
from lab.embedded.identity import identify
from lab.embedded.ksqldb import SERVICE_ID
from lab.embedded.lifecycle import EmbeddedLab, UpOptions, unreported
from lab.embedded.starting import Report
from lab.embedded.state import LabState
from lab.endpoints import Capabilities, ComponentInfo, Endpoints
from lab.errors import NoLabRunning, UsageError
from lab.targets.base import KsqldbServer
from lab.targets.local import LocalTarget
from lab.targets.local_state import copy_folder, remove_folder
from lab.wire.segments import partition_dir


class EmbeddedTarget(LocalTarget[EmbeddedLab]):
    """A running lab of native processes."""

    name = "embedded"

    def endpoints(self) -> Endpoints:
        """Where the components answer. Raises NoLabRunning."""
        return endpoints_of(self._lab.running_state())

    def capabilities(self) -> Capabilities:
        """All faults are offered; every folder can be read."""
        state = self._lab.running_state()
        folder = self._lab.folder
        return Capabilities(
            brokers=state.brokers,
            kill=True,
            pause=True,
            restart=True,
            transactions=True,
            proxy=not state.secure,
            more_brokers=True,
            more_ksqldb_servers=not state.brokers_only,
            broker_logs=True,
            ksqldb_state=not state.brokers_only,
            registry_access_log=None
            if state.brokers_only
            else registry_places(folder, state).access_log,
            reasons=_reasons(state),
        )

    def add_ksqldb(self, *, service_id: str | None, properties: Mapping[str, str]) -> KsqldbServer:
        """Start a server beside the lab's own; it goes with this process at the latest."""
        chosen = SERVICE_ID if service_id is None else service_id
        given = tuple(f"{name}={value}" for name, value in properties.items())
        name = self._lab.add_ksqldb(chosen, given, outfitter(self._lab.settings), unreported)
        state = self._lab.running_state()
        url = f"{scheme(state)}://{state.host}:{state.ports[name]}"
        return KsqldbServer(name, url, chosen)

    def remove_ksqldb(self, component: str) -> None:
        """End a server that was added and remove its data."""
        self._lab.remove_ksqldb(component)

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself."""
        return identify(self._lab.folder, self._lab.running_state())

    def log_of(self, component: str) -> Path | None:
        """The component's log file."""
        return self._lab.log_of(component)

    def memory_of(self, component: str) -> int | None:
        """The resident memory of the component's processes, in bytes."""
        import psutil  # noqa: PLC0415 - asked for rarely

        pids = {status.name: status.pids for status in self._lab.status()}.get(component, ())
        try:
            return sum(psutil.Process(pid).memory_info().rss for pid in pids)
        except psutil.Error:
            return None

    def restart(self, component: str) -> None:
        """Stop if it runs, start, and wait until it is proven ready."""
        self._lab.restart(component, outfitter(self._lab.settings), unreported)

    def partition_dir(self, component: str, topic: str, partition: int) -> Path:
        """The folder itself."""
        return partition_dir(self._lab.folder.data / component, topic, partition)

    def copy_state(self, component: str, into: Path) -> None:
        """Copy the node's state folder."""
        copy_folder(self._state_dir(component), into)

    def remove_state(self, component: str, application: str) -> None:
        """Remove one application's folder from the node's state folder."""
        remove_folder(self._state_dir(component), application)

    def _state_dir(self, component: str) -> Path:
        if component not in {ksqldb.NAME, *self._lab.state().added}:
            raise UsageError(f"{component} keeps no state of Kafka Streams")
        return ksqldb_state_dir(self._lab.folder, component)


def _reasons(state: LabState) -> dict[str, str]:
    found = {}
    if state.secure:
        found["proxy"] = "clients speak with TLS and log in: a proxy between could read nothing"
    if state.brokers_only:
        missing = ("ksqldb_state", "registry_access_log", "more_ksqldb_servers")
        found |= dict.fromkeys(missing, "this lab has brokers only")
    return found


def connect(name: str) -> EmbeddedTarget | None:
    """The running lab of this name, or None."""
    lab = EmbeddedLab(Settings.from_env(), name)
    try:
        lab.running_state()
    except NoLabRunning:
        return None
    return EmbeddedTarget(lab)


def start(
    name: str,
    *,
    brokers: int | None = None,
    brokers_only: bool | None = None,
    report: Report = unreported,
) -> EmbeddedTarget:
    """Start a lab of this name, or complete it if it runs in part. Raises LabError.

    With ``brokers_only`` it has neither registry nor ksqlDB.
    """
    settings = Settings.from_env()
    lab = EmbeddedLab(settings, name)
    lab.up(UpOptions(brokers=brokers, brokers_only=brokers_only), outfitter(settings), report)
    return EmbeddedTarget(lab)


def stop(target: EmbeddedTarget) -> None:
    """Take the lab down; its data stays."""
    EmbeddedLab(Settings.from_env(), target.lab_name).down()
