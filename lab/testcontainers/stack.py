"""The lab's compose file as a throw-away project."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from testcontainers.compose import DockerCompose
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import Reaper
from testcontainers.core.exceptions import ContainerConnectException
from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID

from lab.compose import plugins, ports
from lab.compose.command import told
from lab.compose.engine import Engine, translating
from lab.compose.plan import components_of, compose_file, endpoints_of, variables
from lab.compose.proving import Prover
from lab.config import Settings
from lab.embedded.fetching import plugins_provider
from lab.embedded.lifecycle import unreported
from lab.embedded.ports import PortClaims
from lab.embedded.state import LabState
from lab.endpoints import Endpoints
from lab.errors import EnvironmentProblem, LabError, PortInUse, UsageError

_LOG = logging.getLogger(__name__)
PORT_ATTEMPTS = 5
OPTIONAL = ("connect", "ksqldb", "schema-registry")
NEEDS = {"ksqldb": ("schema-registry",), "connect": ("schema-registry",)}


class LabStack(DockerCompose):
    """Broker and, unless told otherwise, Schema Registry and ksqlDB, ready when ``start`` returns.

    ``brokers`` is 1 or 3; ``services`` names what runs beside them. ``images`` sets variables of
    the compose file (``KAFKA_IMAGE``, ``CONFLUENT_VERSION``, …) over those of the environment.
    ``connect_plugins`` is the folder of connector plug-ins that Connect sees: unless given it is
    LAB_CONNECT_PLUGINS, else the lab's verified one, which is completed as by ``lab up``; where
    nothing can be downloaded, Connect has those that are there, and the log says so.
    ``timeout_seconds`` is for each component's proof. Used as a context manager, it is gone with
    its volumes afterwards. Raises ComponentFailed, with the log of what failed, from ``start``.
    """

    def __init__(
        self,
        *,
        brokers: int = 1,
        services: tuple[str, ...] = ("schema-registry", "ksqldb"),
        images: dict[str, str] | None = None,
        connect_plugins: Path | None = None,
        timeout_seconds: float = 180.0,
    ) -> None:
        if brokers not in {1, 3}:
            raise ValueError("brokers: 1 or 3")
        unknown = set(services) - set(OPTIONAL)
        if unknown:
            raise ValueError(f"services: {', '.join(sorted(unknown))} of {', '.join(OPTIONAL)}")
        asked = {*services, *(need for name in services for need in NEEDS.get(name, ()))}
        everything = components_of(LabState.new("stack").with_(brokers=brokers))
        chosen = [n for n in everything if n.startswith("broker-") or n in asked]
        self.project = f"lab-test-{secrets.token_hex(5)}"
        self._timeout_seconds = timeout_seconds
        self._images = dict(images or {})
        self._connect_plugins = connect_plugins
        self._variables: dict[str, str] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="lab-stack-"))
        self._state = LabState.new("stack").with_(brokers=brokers)
        file = compose_file()
        override = self._folder / "session.json"
        super().__init__(
            context=file.parent,
            compose_file_name=[str(file), str(override)],
            env_file=[str(self._folder / "stack.env")],
            services=chosen,
            wait=False,
        )

    @cached_property
    def compose_command_property(self) -> list[str]:
        """The command, for this project."""
        made = super().compose_command_property
        return [*made[:2], "--project-name", self.project, *made[2:]]

    def start(self) -> None:
        """Start and prove ready. What was started is gone again if that fails."""
        chosen = tuple(self.services or ())
        self._provide_plugins(chosen)
        if not testcontainers_config.ryuk_disabled:
            start_ryuk()
        taken: set[int] = set()
        for attempt in range(PORT_ATTEMPTS):
            self._choose_ports(chosen, taken)
            try:
                self._start_on_chosen_ports(chosen)
            except PortInUse as error:
                # Somebody who claims no ports was faster.
                self._compose("down", "--remove-orphans", "--volumes")
                taken.add(error.port)
                if attempt == PORT_ATTEMPTS - 1:
                    self.stop()
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def _provide_plugins(self, chosen: tuple[str, ...]) -> None:
        settings = Settings.from_env()
        if self._connect_plugins is None:
            self._connect_plugins = plugins.mounted_folder(settings, self._state)
            if "connect" in chosen:
                get = plugins_provider(settings, quiet=True)
                for remark in plugins.complete(settings, self._state, get):
                    _LOG.warning(remark)
        if not self._connect_plugins.is_dir():
            raise UsageError(
                f"connect_plugins: {self._connect_plugins} is no folder",
                hint="Each folder in it is a plug-in of Connect.",
            )

    def _choose_ports(self, chosen: tuple[str, ...], taken: set[int]) -> None:
        # What a claim needs to count: a state file that says so.
        (self._folder / "lab.json").write_text(json.dumps({"phase": "starting"}), "utf-8")
        with PortClaims(Settings.from_env().ports_dir).exclusively() as claims:
            others = {**claims, **dict.fromkeys(taken, "somebody")}
            choice = ports.choose(
                chosen, well_known=False, remembered={}, taken=others, host="127.0.0.1"
            )
            claims.update(dict.fromkeys(choice.ports.values(), str(self._folder)))
        self._state = self._state.with_(ports=choice.ports)
        self._write(chosen)

    def _start_on_chosen_ports(self, chosen: tuple[str, ...]) -> None:
        prover = Prover(
            Engine(self.project),
            self._state,
            timeout_seconds=self._timeout_seconds,
            report=unreported,
        )
        try:
            self._compose("up", "--detach", "--no-build", "--quiet-pull", *chosen)
        except PortInUse:
            raise
        except LabError:
            prover.raise_if_ended(chosen)
            raise
        prover.run(chosen)

    def stop(self, down: bool = True) -> None:
        """Remove containers, network and volumes, and forget the variables."""
        if not (self._folder / "stack.env").exists():
            return
        if down:
            self._compose("down", "--remove-orphans", "--volumes")
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            self._compose("stop")

    @property
    def endpoints(self) -> Endpoints:
        """Where the components answer on this machine; what was not asked for is None."""
        return endpoints_of(self._state)

    def _write(self, chosen: tuple[str, ...]) -> None:
        assert self._connect_plugins is not None  # noqa: S101 - start provides it first
        told_variables = variables(self._state, self._connect_plugins.resolve())
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.endswith(("_IMAGE", "_VERSION", "_MEMORY"))
        }
        self._variables = {**kept, **told_variables, **self._images}
        lines = (f"{name}='{value}'\n" for name, value in self._variables.items())
        (self._folder / "stack.env").write_text("".join(lines), "utf-8")
        override = session_labels(chosen, SESSION_ID)
        (self._folder / "session.json").write_text(json.dumps(override), "utf-8")

    def _compose(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self.compose_command_property, *arguments],
            cwd=self.context,
            # What is exported would win over the file of variables.
            env={**os.environ, **self._variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise told(done.stderr)

    def __enter__(self) -> Self:
        self.start()
        return self


def start_ryuk() -> None:
    """Start what cleans up after a killed test process. Raises EnvironmentProblem."""
    try:
        with translating():
            Reaper.get_instance()
    except (LabError, OSError, ContainerConnectException, TimeoutError) as error:
        raise EnvironmentProblem(
            f"Ryuk, the cleaner of testcontainers, does not start: {error}",
            hint="TESTCONTAINERS_RYUK_DISABLED=true does without it; RYUK_CONTAINER_IMAGE names "
            "its image on a mirror.",
        ) from error


def session_labels(services: tuple[str, ...], session: str) -> dict[str, Any]:
    """What is laid over the compose file so that Ryuk finds what belongs to a session."""
    labels = {LABEL_SESSION_ID: session}
    volumes = ("broker-1", "broker-2", "broker-3", "ksqldb", "connect-plugins")
    return {
        "services": {name: {"labels": labels} for name in services},
        "volumes": {name: {"labels": labels} for name in volumes},
        "networks": {"default": {"labels": labels}},
    }
