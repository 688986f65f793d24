"""A lab's life: up, down, kill, pause, resume, restart, reset; each under the lab's lock.

Whatever a command that was killed left behind is found again by pid record and start time, or by
the instance id in the environment of its processes, and is ended by the next ``up`` or ``down``.
"""

from __future__ import annotations

import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lab.config import Settings
from lab.embedded import ksqldb, ports, security
from lab.embedded.added import forget_added, new_server, orphans
from lab.embedded.aot import training_lock
from lab.embedded.components import (
    Blueprint,
    Component,
    blueprint,
    component_of_listener,
    endpoints_of,
    processes_of,
    registry_places,
    resolve_component,
    scheme,
)
from lab.embedded.disk import translating_disk_errors
from lab.embedded.identity import identify
from lab.embedded.outfit import Outfit
from lab.embedded.process import (
    ProcessRecord,
    find_strays,
    forget,
    is_alive,
    is_paused,
    kill_all,
    load_records,
    send,
    stop_all,
    stop_in_order,
    undisturbed,
)
from lab.embedded.starting import Report, Starter
from lab.embedded.state import LabFolder, LabState
from lab.endpoints import ComponentInfo
from lab.errors import ConditionTimeout, LabError, NoLabRunning, PortInUse, UsageError
from lab.wait import wait_until

Outfitter = Callable[[], Outfit]
PORT_GRACE_SECONDS = 10.0
BACKGROUND = "start-up-training"
"""The process that trains start-up caches after a lab came up; it is not a component."""


@dataclass(frozen=True)
class UpOptions:
    """What ``lab up`` was asked for; None: as it was before, or the default."""

    brokers: int | None = None
    port_base: int | None = None
    brokers_only: bool | None = None
    secure: bool | None = None
    training: bool = False


@dataclass(frozen=True)
class UpResult:
    """What ``up`` did. ``started`` is empty if everything ran already."""

    state: LabState
    components: tuple[ComponentInfo, ...]
    started: tuple[str, ...]
    remarks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class ProcessStatus:
    """A component as seen now; ``state`` is "running", "paused" or "down"."""

    name: str
    state: str
    pids: tuple[int, ...]


def unreported(_name: str, _state: str, _seconds: float) -> None:
    """The report of a start that nobody watches."""


class EmbeddedLab:
    """One lab of the embedded target, by name."""

    def __init__(self, settings: Settings, name: str = "default") -> None:
        self.settings = settings
        self.folder = LabFolder(settings.state_root, name)

    # -- looking -------------------------------------------------------------------------------

    def state(self) -> LabState:
        """The lab's state. Raises NoLabRunning if it was never started."""
        state = self.folder.load()
        if state is None:
            raise NoLabRunning(
                f'there is no lab "{self.folder.name}" in {self.folder.path.parent}',
                hint="Start one with `lab up`, or name another with --name.",
            )
        if state.secure and state.ports:
            self._remember(state)
        return state

    def _remember(self, state: LabState) -> None:
        """Let this process's clients into a secure lab."""
        found = security.load(self.folder.secure)
        if found is not None:
            names = [] if state.brokers_only else [ksqldb.NAME, *state.added]
            where = f"{scheme(state)}://{state.host}"
            urls = [f"{where}:{state.ports[name]}" for name in names]
            if not state.brokers_only:
                registry = registry_places(self.folder, state)
                urls += [registry.url, registry.upstream_url]
            security.remember(found, endpoints_of(state).bootstrap_servers, urls)

    def running_state(self) -> LabState:
        """The state of a lab that is up. Raises NoLabRunning."""
        state = self.state()
        if state.phase != "ready" or not self._anything_alive():
            raise NoLabRunning(
                f'the lab "{self.folder.name}" is not running', hint="Start it with `lab up`."
            )
        return state

    def status(self) -> tuple[ProcessStatus, ...]:
        """Each component's processes as they are now."""
        state = self.state()
        records = self._records()
        return tuple(
            _status_of(name, processes, records) for name, processes in processes_of(state).items()
        )

    def _anything_alive(self) -> bool:
        return any(
            is_alive(record) for name, record in self._records().items() if name != BACKGROUND
        )

    def _alive_of(self, component: str, state: LabState) -> list[ProcessRecord]:
        records = self._records()
        return [
            records[process]
            for process in processes_of(state)[component]
            if process in records and is_alive(records[process])
        ]

    def _records(self) -> dict[str, ProcessRecord]:
        return load_records(self.folder.run)

    # -- up and down ---------------------------------------------------------------------------

    def up(self, options: UpOptions, outfitter: Outfitter, report: Report = unreported) -> UpResult:
        """Start what does not run yet and prove it ready.

        On any failure, Ctrl-C included, everything that this call started is stopped again.
        Raises ComponentFailed, PortInUse, EnvironmentProblem, UsageError.
        """
        with self.folder.locked():
            return self._up(options, outfitter, report)

    def _up(self, options: UpOptions, outfitter: Outfitter, report: Report) -> UpResult:
        begun = time.monotonic()
        before = self.folder.load()
        remarks = list(self._clear_leftovers(before))
        state = self._agree(before, options)
        missing = self._missing(state)
        if not missing:
            return UpResult(state, identify(self.folder, state), (), tuple(remarks), 0.0)
        outfit = outfitter()
        if state.phase != "ready":
            state, more = self._choose_ports(state, options)
            remarks.extend(more)
        else:
            stop_all(record for name in missing for record in self._alive_of(name, state))
            self._check_ports_of(missing, state)
        plan = blueprint(self.folder, state, outfit, training=options.training)
        components = [c for c in plan.components if c.name in missing]
        self._start(state, plan, outfit, components, report)
        return UpResult(
            state.with_(phase="ready"),
            identify(self.folder, state),
            tuple(c.name for c in components),
            tuple(remarks),
            time.monotonic() - begun,
        )

    def _start(
        self,
        state: LabState,
        plan: Blueprint,
        outfit: Outfit,
        components: list[Component],
        report: Report,
    ) -> None:
        was_ready = state.phase == "ready"
        starter = Starter(
            self.folder,
            state,
            plan,
            timeout_seconds=self.settings.start_timeout_seconds,
            report=report,
            kafka_version=outfit.kafka_version,
        )
        try:
            starter.run(components, prove=[c.name for c in components])
        except BaseException:
            with undisturbed():
                self._undo(state, {name for c in components for name in c.process_names})
                if not was_ready:
                    self.folder.save(state.with_(phase="stopped"))
            raise
        finally:
            for child in starter.children.values():
                child.release()
        if not was_ready:
            self.folder.save(state.with_(phase="ready"))

    def _undo(self, state: LabState, processes: set[str]) -> None:
        """Stop the named processes: the recorded ones, then those that only carry our mark.

        An interruption may come just between a start and its record.
        """
        records = self._records()
        stop_in_order(record for name, record in records.items() if name in processes)
        kill_all(s for s in find_strays([state.instance]) if s.name in processes)
        for name in processes:
            forget(self.folder.run, name)

    def down(self) -> tuple[str, ...]:
        """Stop everything that this lab started; returns what was stopped. Data stays.

        Harmless when nothing runs.
        """
        if self.folder.load() is None:
            return ()
        with self.folder.locked(), undisturbed():
            state = self.state()
            stopped = self._stop_everything(state)
            state = forget_added(self.folder, state, state.added)
            if state.phase != "stopped":
                self.folder.save(state.with_(phase="stopped"))
            return stopped

    def reset(self) -> None:
        """Stop everything and remove the lab's data, logs and settings."""
        if not self.folder.path.exists():
            return
        with self.folder.locked():
            state = self.folder.load()
            if state is not None:
                self._stop_everything(state)
            with translating_disk_errors(self.folder.path):
                self.folder.file.unlink(missing_ok=True)
                for folder in (self.folder.data, self.folder.logs, self.folder.run):
                    shutil.rmtree(folder, ignore_errors=False)
                shutil.rmtree(self.folder.secure, ignore_errors=True)
        shutil.rmtree(self.folder.path, ignore_errors=True)

    def _stop_everything(self, state: LabState) -> tuple[str, ...]:
        """Stop what is recorded, then whatever else carries this lab's mark."""
        self._stop_training()
        records = self._records()
        alive = {name: record for name, record in records.items() if is_alive(record)}
        stop_in_order(alive.values())
        strays = find_strays([state.instance])
        kill_all(strays)
        for name in records:
            forget(self.folder.run, name)
        return (*alive, *(f"{stray.name} (pid {stray.pid}, a stray)" for stray in strays))

    def _stop_training(self) -> None:
        """End this lab's background training, and clean up after one that was killed."""
        record = self._records().get(BACKGROUND)
        if record is None:
            return
        stop_all([record])
        forget(self.folder.run, BACKGROUND)
        with training_lock(self.settings.cache_dir) as free:
            if free:
                training_lab(self.settings).reset()

    def _clear_leftovers(self, state: LabState | None) -> tuple[str, ...]:
        """End what a killed command left behind; a lab that is up is left alone."""
        if state is None or state.phase == "ready":
            return ()
        stopped = self._stop_everything(state)
        state = forget_added(self.folder, state, state.added)
        self.folder.save(state.with_(phase="stopped"))
        if not stopped:
            return ()
        return (f"ended what an interrupted command had left: {', '.join(stopped)}",)

    def _agree(self, before: LabState | None, options: UpOptions) -> LabState:
        """The state to start from, if what was asked for fits what is there. Raises UsageError."""
        state = before or LabState.new(self.folder.name)
        if state.phase == "ready" and not self._anything_alive():
            state = state.with_(phase="stopped")  # the machine was restarted, or all were killed
        if state.added:
            state = self._drop(state, state.added if state.phase != "ready" else orphans(state))
        brokers = options.brokers or (state.brokers if before else 1)
        if not 1 <= brokers <= ports.MAX_BROKERS or brokers == 2:
            raise UsageError(
                f"--brokers {brokers}: a lab has 1 or 3 brokers",
                hint="Two nodes have no majority when one fails; three do.",
            )
        if before is not None and brokers != state.brokers and self._has_data():
            raise UsageError(
                f'the lab "{state.name}" has {state.brokers} broker(s), {brokers} were asked for',
                hint="Give the new lab a name (`lab up --name three --brokers 3`), or remove this "
                "one's data first (`lab reset`).",
            )
        if state.phase == "ready" and options.port_base not in {None, state.port_base}:
            raise UsageError(
                f'the lab "{state.name}" is running on other ports',
                hint="Take it down first (`lab down`).",
            )
        only = state.brokers_only if options.brokers_only is None else options.brokers_only
        secure = self._agree_on_security(before, options)
        return state.with_(
            brokers=brokers, host=self.settings.listen_host, brokers_only=only, secure=secure
        )

    def _agree_on_security(self, before: LabState | None, options: UpOptions) -> bool:
        """Whether the lab is secure; one that has data stays as it is. Raises UsageError."""
        was = before is not None and before.secure
        wanted = was if options.secure is None else options.secure
        if wanted != was and self._has_data():
            raise UsageError(
                f'the lab "{self.folder.name}" was made {"with" if was else "without"} --secure',
                hint="Give the new lab a name (`lab up --name secure --secure`), or remove this "
                "one's data first (`lab reset`).",
            )
        return wanted

    def _has_data(self) -> bool:
        return any(self.folder.data.glob("broker-*/meta.properties"))

    def _missing(self, state: LabState) -> set[str]:
        if state.phase != "ready":
            return set(processes_of(state))
        paused = [status.name for status in self.status() if status.state == "paused"]
        if paused:
            raise LabError(
                f"paused: {', '.join(paused)}", hint=f"Let it go on with `lab resume {paused[0]}`."
            )
        return {status.name for status in self.status() if status.state == "down"}

    def _choose_ports(
        self, state: LabState, options: UpOptions
    ) -> tuple[LabState, tuple[str, ...]]:
        """Choose ports and save the state, with its new instance, before anything is started."""
        with (
            translating_disk_errors(self.settings.ports_dir),
            ports.PortClaims(self.settings.ports_dir).exclusively() as claims,
        ):
            own = str(self.folder.path)
            taken = {port: lab for port, lab in claims.items() if lab != own}
            base = options.port_base if options.port_base is not None else state.port_base
            if base is not None:
                choice = ports.fixed(state.brokers, base, taken=taken, host=state.host)
            else:
                choice = ports.choose(
                    state.brokers,
                    well_known=state.name == "default",
                    remembered=state.ports,
                    taken=taken,
                    host=state.host,
                )
            state = state.with_(
                ports=choice.ports,
                port_base=base,
                phase="starting",
                instance=uuid.uuid4().hex,
            )
            self.folder.save(state)
            claims.clear()
            claims.update(taken)
            claims.update(dict.fromkeys(choice.ports.values(), own))
        return state, choice.remarks

    def _check_ports_of(self, components: set[str], state: LabState) -> None:
        """A component that is started again in a running lab keeps its ports. Raises PortInUse.

        The port of a process that was just killed is not free at once on every kernel.
        """
        for name, port in state.ports.items():
            if component_of_listener(name) not in components:
                continue
            try:
                wait_until(
                    f"port {port} is free",
                    partial(ports.is_free, port, state.host),
                    timeout_seconds=PORT_GRACE_SECONDS,
                )
            except ConditionTimeout:
                raise PortInUse(
                    port,
                    ports.holder_of(port),
                    hint=f"It is {name}'s. Free it, or take the lab down and up again.",
                ) from None

    # -- servers beside the lab's own ----------------------------------------------------------

    def add_ksqldb(
        self, service_id: str, properties: tuple[str, ...], outfitter: Outfitter, report: Report
    ) -> str:
        """Start a further ksqlDB-compatible server and prove it ready; its component's name.

        It belongs to this process: when that is gone, the next change of the lab removes it.
        ``properties`` are NAME=VALUE. Raises LabError, and leaves nothing behind then.
        """
        with self.folder.locked():
            state = self._drop(running := self.running_state(), orphans(running))
            if state.brokers_only:
                raise UsageError("a lab that has brokers only runs no ksqlDB-compatible server")
            name, one = new_server(state, service_id, properties)
            with ports.PortClaims(self.settings.ports_dir).exclusively() as claims:
                port = ports.any_free({*claims, *state.ports.values()}, state.host)
                claims[port] = str(self.folder.path)
                state = state.with_(
                    added={**state.added, name: one}, ports={**state.ports, name: port}
                )
                self.folder.save(state)
            try:
                outfit = outfitter()
                plan = blueprint(self.folder, state, outfit)
                self._start(
                    state, plan, outfit, [c for c in plan.components if c.name == name], report
                )
            except BaseException:
                with undisturbed():
                    self._drop(state, [name])
                raise
            return name

    def remove_ksqldb(self, component: str) -> None:
        """End a server that was added, and remove what it kept. Raises UsageError."""
        with self.folder.locked():
            state = self.state()
            if component not in state.added:
                raise UsageError(f"{component} was not added to the lab")
            with undisturbed():
                self._drop(state, [component])

    def _drop(self, state: LabState, added: Iterable[str]) -> LabState:
        names = set(added)
        if not names:
            return state
        self._undo(state, names)
        return forget_added(self.folder, state, names)

    # -- faults --------------------------------------------------------------------------------

    def kill(self, component: str) -> tuple[int, ...]:
        """End a component's processes at once (SIGKILL); returns their pids."""
        records = self._running(component)
        kill_all(records)
        return tuple(record.pid for record in records)

    def stop(self, component: str) -> tuple[int, ...]:
        """Ask a component's processes to end, and wait until they have; returns their pids."""
        records = self._running(component)
        stop_in_order(records)
        return tuple(record.pid for record in records)

    def pause(self, component: str) -> tuple[int, ...]:
        """Stop a component's clock (SIGSTOP) until ``resume``; returns the pids."""
        return self._signal(component, signal.SIGSTOP)

    def resume(self, component: str) -> tuple[int, ...]:
        """Let a paused component go on (SIGCONT); returns the pids."""
        return self._signal(component, signal.SIGCONT)

    def restart(self, component: str | None, outfitter: Outfitter, report: Report) -> UpResult:
        """Stop one component, or all, in order, and start and prove it again."""
        with self.folder.locked():
            state = self.running_state()
            names = (
                list(processes_of(state))
                if component is None
                else [resolve_component(component, state)]
            )
            stop_in_order(record for name in names for record in self._alive_of(name, state))
            return self._up(UpOptions(), outfitter, report)

    def _signal(self, component: str, signum: signal.Signals) -> tuple[int, ...]:
        records = self._running(component)
        return tuple(record.pid for record in records if send(record, signum))

    def _running(self, component: str) -> list[ProcessRecord]:
        state = self.running_state()
        name = resolve_component(component, state)
        running = self._alive_of(name, state)
        if not running:
            raise LabError(f"{name} is not running", hint="`lab up` starts what is missing.")
        return running

    def log_of(self, component: str) -> Path:
        """A component's log. Raises UsageError for an unknown name."""
        if component == "registry-proxy":
            return self.folder.logs / "registry-proxy.log"
        return self.folder.logs / f"{resolve_component(component, self.state())}.log"


def training_lab(settings: Settings) -> EmbeddedLab:
    """The scratch lab in which start-up caches are trained; hold the training lock to use it."""
    scratch = replace(settings, state_root=settings.cache_dir / "training", listen_host="127.0.0.1")
    return EmbeddedLab(scratch, "training")


def _status_of(
    name: str, processes: tuple[str, ...], records: dict[str, ProcessRecord]
) -> ProcessStatus:
    alive = [records[p] for p in processes if p in records and is_alive(records[p])]
    pids = tuple(record.pid for record in alive)
    if len(alive) < len(processes):
        return ProcessStatus(name, "down", pids)
    paused = all(is_paused(record) for record in alive)
    return ProcessStatus(name, "paused" if paused else "running", pids)
