"""The life of a lab of containers: up, down, restart, reset, faults; each under the lab's lock.

Containers are found by the project's label, so that whatever an interrupted command left is found
again. Nothing that belongs to another project is ever touched.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.compose import added, plugins, ports
from lab.compose.command import Compose
from lab.compose.engine import Engine
from lab.compose.identity import identify
from lab.compose.plan import (
    FOLDER,
    PLUGINS_VARIABLE,
    components_of,
    compose_file,
    endpoints_of,
    image_variables,
    images,
    project_name,
    resolve_component,
    role_of,
    variables,
)
from lab.compose.proving import Prover
from lab.config import Settings
from lab.embedded.disk import translating_disk_errors
from lab.embedded.lifecycle import unreported
from lab.embedded.ports import PortClaims, any_free
from lab.embedded.process import undisturbed
from lab.embedded.starting import Report
from lab.embedded.state import LabFolder, LabState
from lab.endpoints import ComponentInfo, Endpoints
from lab.errors import ConditionTimeout, LabError, NoLabRunning, UsageError
from lab.wait import wait_until

PULL_SECONDS = 3600.0
PATIENCE = 2
"""A container's program takes longer to start than the same program with a start-up cache."""
LOOK_SECONDS = 30.0
ALIVE = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True)
class ComposeStatus:
    """A component as seen now; ``state`` is "running", "paused" or "down"."""

    name: str
    state: str
    container: str


@dataclass(frozen=True)
class ComposeUp:
    """What ``up`` did. ``started`` is empty if everything ran already."""

    state: LabState
    components: tuple[ComponentInfo, ...]
    started: tuple[str, ...]
    remarks: tuple[str, ...]
    seconds: float


class ComposeLab:
    """One lab of the compose target, by name."""

    def __init__(self, settings: Settings, name: str = "default") -> None:
        self.settings = settings
        self.folder = LabFolder(settings.state_root / FOLDER, name)
        self.engine = Engine(project_name(self.folder.path, name))

    # -- looking -------------------------------------------------------------------------------

    def state(self) -> LabState:
        """The lab's state. Raises NoLabRunning if it was never started."""
        state = self.folder.load()
        if state is None:
            raise NoLabRunning(
                f'there is no lab "{self.folder.name}" of the target compose',
                hint="Start one with `lab up --target compose`.",
            )
        return state

    def running_state(self) -> LabState:
        """The state of a lab that is up. Raises NoLabRunning."""
        state = self.state()
        if state.phase != "ready" or not self._alive():
            raise NoLabRunning(
                f'the lab "{self.folder.name}" of the target compose is not running',
                hint="Start it with `lab up --target compose`.",
            )
        return state

    def _alive(self) -> dict[str, str]:
        """The services whose containers run or are paused, with Docker's word for it."""
        return {
            service: container.status
            for service, container in self.engine.containers().items()
            if container.status in ALIVE
        }

    def status(self) -> tuple[ComposeStatus, ...]:
        """Each component's container as it is now."""
        containers = self.engine.containers()
        found = []
        for name in components_of(self.state()):
            container = containers.get(name)
            status = "missing" if container is None else container.status
            state = {"running": "running", "restarting": "running", "paused": "paused"}
            short = "" if container is None else container.short_id
            found.append(ComposeStatus(name, state.get(status, "down"), short))
        return tuple(found)

    def endpoints(self) -> Endpoints:
        """Where the components answer. Raises NoLabRunning."""
        return endpoints_of(self.running_state())

    def components(self) -> tuple[ComponentInfo, ...]:
        """Each component as it reports itself. Raises NoLabRunning."""
        return identify(self.engine, self.running_state())

    def log_of(self, component: str) -> Path:
        """The component's log, written to a file now. Raises LabError."""
        name = resolve_component(component, self.state(), self._beside())
        data = self.engine.log(name)
        with translating_disk_errors(self.folder.path):
            self.folder.logs.mkdir(parents=True, exist_ok=True)
            file = self.folder.logs / f"{name}.log"
            file.write_bytes(data)
        return file

    def _beside(self) -> tuple[str, ...]:
        """Containers of the project that are not of the compose file's plan."""
        own = components_of(self.state())
        return tuple(name for name in self.engine.containers() if name not in own)

    # -- up and down ---------------------------------------------------------------------------

    def up(
        self,
        *,
        brokers: int | None = None,
        port_base: int | None = None,
        brokers_only: bool | None = None,
        get_plugins: Callable[[], object] | None = None,
        report: Report = unreported,
    ) -> ComposeUp:
        """Create and start what does not run yet, and prove it ready.

        ``get_plugins`` completes the cache's connector plug-ins; it is called before Connect is
        started, unless the user named a folder of their own.

        On any failure, Ctrl-C included, a lab that did not run is taken down again. Raises
        ComponentFailed, PortInUse, DownloadFailed, EnvironmentProblem, UsageError.
        """
        with self.folder.locked():
            begun = time.monotonic()
            alive = self._alive()
            state = self._agree(self.folder.load(), alive, brokers, port_base, brokers_only)
            remarks: tuple[str, ...] = ()
            if state.phase != "ready" and self.engine.containers():
                left = ", ".join(self.engine.containers())
                self.compose(state).remove()
                alive, remarks = {}, (f"removed containers that had been left: {left}",)
            paused = sorted(name for name, status in alive.items() if status == "paused")
            if paused:
                raise LabError(
                    f"paused: {', '.join(paused)}",
                    hint=f"Let it go on with `lab resume {paused[0]}`.",
                )
            missing = tuple(name for name in components_of(state) if name not in alive)
            if not missing:
                known = identify(self.engine, state)
                return ComposeUp(state, known, (), (), 0.0)
            if "connect" in missing:
                remarks += plugins.complete(self.settings, state, get_plugins)
            if state.phase != "ready":
                state, more = self._choose_ports(state, port_base)
                remarks += more
                state = self._choose_images(state)
            self._start(state, missing, report)
            state = state.with_(phase="ready")
            known = identify(self.engine, state)
            return ComposeUp(state, known, missing, remarks, time.monotonic() - begun)

    def _agree(
        self,
        before: LabState | None,
        alive: Iterable[str],
        brokers: int | None,
        port_base: int | None,
        brokers_only: bool | None,
    ) -> LabState:
        state = before or LabState.new(self.folder.name)
        if state.phase == "ready" and not alive:
            state = state.with_(phase="stopped")
        wanted = brokers or (state.brokers if before else 1)
        if wanted not in {1, 3}:
            raise UsageError(
                f"--brokers {wanted}: a lab has 1 or 3 brokers",
                hint="Two nodes have no majority when one fails; three do.",
            )
        if before is not None and wanted != state.brokers:
            raise UsageError(
                f'the lab "{state.name}" has {state.brokers} broker(s), {wanted} were asked for',
                hint="Give the new lab a name (`lab up --target compose --name three --brokers 3`),"
                " or remove this one's data first (`lab reset --target compose`).",
            )
        if state.phase == "ready" and port_base not in {None, state.port_base}:
            raise UsageError(
                f'the lab "{state.name}" is running on other ports',
                hint="Take it down first (`lab down --target compose`).",
            )
        only = state.brokers_only if brokers_only is None else brokers_only
        return state.with_(brokers=wanted, host=self.settings.listen_host, brokers_only=only)

    def _choose_ports(
        self, state: LabState, port_base: int | None
    ) -> tuple[LabState, tuple[str, ...]]:
        """Choose ports and save the state before anything is started. Raises PortInUse."""
        names = components_of(state)
        with (
            translating_disk_errors(self.settings.ports_dir),
            PortClaims(self.settings.ports_dir).exclusively() as claims,
        ):
            own = str(self.folder.path)
            taken = {port: lab for port, lab in claims.items() if lab != own}
            base = port_base if port_base is not None else state.port_base
            if base is not None:
                choice = ports.fixed(names, base, taken=taken, host=state.host)
            else:
                choice = ports.choose(
                    names,
                    well_known=state.name == "default",
                    remembered=state.ports,
                    taken=taken,
                    host=state.host,
                )
            state = state.with_(ports=choice.ports, port_base=base, phase="starting")
            self.folder.save(state)
            claims.clear()
            claims.update(taken)
            claims.update(dict.fromkeys(choice.ports.values(), own))
        return state, choice.remarks

    def _choose_images(self, state: LabState) -> LabState:
        """Note what images and plug-ins the user names now: they stay the same until ``down``."""
        state = state.with_(versions={})
        chosen = {
            "images": image_variables(self.compose(state).config()),
            plugins.NOTED: {PLUGINS_VARIABLE: str(plugins.mounted_folder(self.settings, state))},
        }
        state = state.with_(versions=chosen)
        self.folder.save(state)
        return state

    def compose(self, state: LabState) -> Compose:
        """The command ``docker compose`` for this lab."""
        told = variables(state, plugins.mounted_folder(self.settings, state))
        told.update(state.versions.get("images", {}))
        return Compose(compose_file(), self.engine.project, told)

    def _start(self, state: LabState, services: tuple[str, ...], report: Report) -> None:
        was_ready = state.phase == "ready"
        compose = self.compose(state)
        prover = self._prover(state, report)
        try:
            self._pull_missing(compose, services, report)
            if was_ready:
                self._wait_for_looks(services)
            try:
                # Health checks have their own limits; this one is for an engine that hangs.
                compose.up(services, timeout_seconds=self.settings.start_timeout_seconds * 5)
            except LabError as error:
                # In a lab that was up, what has ended may have been ended by somebody before.
                if not was_ready and (
                    "failed to start" in error.message or "unhealthy" in error.message
                ):
                    prover.raise_if_ended(components_of(state))
                raise
            prover.run(services)
        except BaseException:
            if not was_ready:
                with undisturbed():
                    compose.remove()
                    self.folder.save(state.with_(phase="stopped"))
            raise
        if not was_ready:
            self.folder.save(state.with_(phase="ready"))

    def _wait_for_looks(self, down: tuple[str, ...]) -> None:
        """Wait until none of the others is unhealthy, for which Compose would refuse to go on.

        An engine calls a container so from a pause until the next look of its health check.
        """

        def unhealthy() -> list[str]:
            return [
                name
                for name, container in self.engine.containers().items()
                if name not in down
                and container.attrs["State"].get("Health", {}).get("Status") == "unhealthy"
            ]

        with contextlib.suppress(ConditionTimeout):  # then Compose says what is wrong
            wait_until(
                "the containers that run are healthy",
                lambda: not unhealthy(),
                timeout_seconds=LOOK_SECONDS,
                every_seconds=0.3,
            )

    def _pull_missing(self, compose: Compose, services: tuple[str, ...], report: Report) -> None:
        wanted = images(compose.config(), services)
        missing = [image for image in wanted if not self.engine.has_image(image.name)]
        if missing:
            for image in missing:
                report(image.name, "pulling", 0.0)
            compose.pull(tuple(i.services[0] for i in missing), timeout_seconds=PULL_SECONDS)

    def down(self) -> tuple[str, ...]:
        """Stop and remove this lab's containers and network; returns what ran. Volumes stay."""
        if self.folder.load() is None:
            return ()
        with self.folder.locked(), undisturbed():
            state = self.state()
            ran = tuple(self._alive())
            if self.engine.containers():
                self.compose(state).remove()
            if state.phase != "stopped":
                self.folder.save(state.with_(phase="stopped"))
            return ran

    def reset(self) -> None:
        """Remove this lab's containers, network and volumes, its logs and settings."""
        if not self.folder.path.exists():
            return
        with self.folder.locked(), undisturbed():
            state = self.folder.load()
            if state is not None:
                compose = self.compose(state)
                compose.remove()
                compose.remove_with_data()
        shutil.rmtree(self.folder.path, ignore_errors=True)

    # -- faults --------------------------------------------------------------------------------

    def kill(self, component: str) -> str:
        """SIGKILL; returns the component's full name. Raises LabError if it does not run."""
        name = self._running(component)
        self.engine.kill(name)
        return name

    def stop(self, component: str) -> str:
        """SIGTERM, and wait until it has ended."""
        name = self._running(component)
        self.engine.stop(name)
        return name

    def pause(self, component: str) -> str:
        """Freeze the container's processes until ``resume``."""
        name = self._running(component)
        self.engine.pause(name)
        return name

    def resume(self, component: str) -> str:
        """Let a paused component go on."""
        name = self._running(component)
        self.engine.unpause(name)
        return name

    def disconnect(self, component: str) -> str:
        """Take the container off the lab's network: nobody reaches it, and it reaches nobody."""
        name = self._running(component)
        self.engine.disconnect(name)
        return name

    def reconnect(self, component: str) -> str:
        """Put it on the network again."""
        name = self._running(component)
        self.engine.reconnect(name)
        return name

    def _running(self, component: str) -> str:
        name = resolve_component(component, self.running_state(), self._beside())
        if name not in self._alive():
            raise LabError(
                f"{name} is not running", hint="`lab up --target compose` starts what is missing."
            )
        return name

    def restart(self, component: str | None, report: Report = unreported) -> ComposeUp:
        """Stop one component, or all, in order, start again and prove ready what is down."""
        with self.folder.locked():
            begun = time.monotonic()
            state = self.running_state()
            beside = self._beside()
            everything = components_of(state)
            chosen = everything if component is None else (
                resolve_component(component, state, beside),
            )  # fmt: skip
            alive = self._alive()
            for name in sorted(chosen, key=lambda n: role_of_or_none(n) == "broker"):
                if name in alive:
                    self.engine.stop(name)
            down = tuple(n for n in (*everything, *beside) if n not in alive or n in chosen)
            for name in sorted(down, key=lambda n: role_of_or_none(n) != "broker"):
                self.engine.start(name)
            self._prove(state, tuple(name for name in down if name in everything), report)
            self._wait_for_added(state, tuple(name for name in down if name in beside))
            known = identify(self.engine, state)
            return ComposeUp(state, known, down, (), time.monotonic() - begun)

    def _prover(self, state: LabState, report: Report) -> Prover:
        seconds = self.settings.start_timeout_seconds * PATIENCE
        return Prover(self.engine, state, timeout_seconds=seconds, report=report)

    def _prove(self, state: LabState, components: tuple[str, ...], report: Report) -> None:
        self._prover(state, report).run(components)

    def _wait_for_added(self, state: LabState, names: tuple[str, ...]) -> None:
        prover = self._prover(state, unreported)
        for name in names:
            prover.wait_for_ksqldb(name, self.engine.url_of(name, added.PORT))

    # -- further servers -----------------------------------------------------------------------

    def add_ksqldb(
        self, service_id: str | None, properties: Mapping[str, str]
    ) -> tuple[str, str, str]:
        """Start a ksqlDB server beside the lab's own and wait until it is healthy.

        Returns its name, URL and service id. Raises LabError, and leaves nothing behind then.
        """
        state = self.running_state()
        chosen = added.service_id_of(self.engine) if service_id is None else service_id
        with PortClaims(self.settings.ports_dir).exclusively() as claims:
            port = any_free(set(claims), state.host)
            name = added.start(self.engine, state.host, port, chosen, properties)
        url = f"http://{state.host}:{port}"
        prover = self._prover(state, unreported)
        try:
            prover.wait_for_ksqldb(name, url)
        except BaseException:
            added.remove(self.engine, name)
            raise
        return name, url, chosen

    # -- files ---------------------------------------------------------------------------------

    def copies(self) -> Path:
        """Where copies of files out of containers are put; ``reset`` removes them."""
        return self.folder.run / "copies"


def role_of_or_none(name: str) -> str | None:
    """The role of a component of the plan; None for a container beside it."""
    try:
        return role_of(name)
    except KeyError:
        return None
