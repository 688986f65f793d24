"""The Docker engine by its API: containers of one project, faults in them, files out of them.

The package ``docker`` is loaded by the first call: nothing else of the lab needs it.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.compose.command import WAY_OUT
from lab.embedded.disk import translating_disk_errors
from lab.errors import EnvironmentProblem, LabError
from lab.wait import wait_until

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
TIMEOUT_SECONDS = 60


class Engine:
    """The containers of one compose project."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._connected: Any = None

    @property
    def client(self) -> Any:
        """The connection. Raises EnvironmentProblem if no engine answers."""
        if self._connected is None:
            self._connected = connect()
            weakref.finalize(self, self._connected.close)
        return self._connected

    def containers(self) -> dict[str, Any]:
        """The project's containers by service, in whatever state. Raises EnvironmentProblem."""
        with translating():
            found = self.client.containers.list(
                all=True, filters={"label": f"{PROJECT_LABEL}={self.project}"}, ignore_removed=True
            )
            return {container.labels[SERVICE_LABEL]: container for container in found}

    def container(self, service: str) -> Any:
        """The container of a service. Raises LabError if there is none."""
        found = self.containers().get(service)
        if found is None:
            raise LabError(
                f"{service} has no container",
                hint="`lab up --target compose` makes what is missing.",
            )
        return found

    def has_image(self, name: str) -> bool:
        """Whether the engine has the image already."""
        from docker.errors import ImageNotFound  # noqa: PLC0415

        try:
            with translating(passing=(ImageNotFound,)):
                self.client.images.get(name)
        except ImageNotFound:
            return False
        return True

    def kill(self, service: str) -> None:
        """SIGKILL, and wait until the container is seen to have ended. Raises LabError."""
        container = self.container(service)
        with translating():
            if container.status == "paused":
                container.unpause()  # engines refuse to signal what is frozen
            container.kill()
            container.wait(timeout=TIMEOUT_SECONDS)

    def stop(self, service: str, grace_seconds: int = 30) -> None:
        """SIGTERM, and SIGKILL after a time of grace. Raises LabError."""
        container = self.container(service)
        with translating():
            container.stop(timeout=grace_seconds)

    def pause(self, service: str) -> None:
        """Freeze the container's processes. Raises LabError."""
        container = self.container(service)
        with translating():
            container.pause()

    def unpause(self, service: str) -> None:
        """Let them go on. Raises LabError."""
        container = self.container(service)
        with translating():
            container.unpause()

    def start(self, service: str) -> None:
        """Start a container that is there and has ended. Raises LabError."""
        container = self.container(service)
        with translating():
            if container.status == "paused":
                container.unpause()
            container.start()

    def disconnect(self, service: str) -> None:
        """Take the container off the project's network; what is published of it is off as well."""
        container = self.container(service)
        with translating():
            self.network().disconnect(container, force=True)

    def reconnect(self, service: str) -> None:
        """Put the container on the project's network again, under its name. Raises LabError."""
        container = self.container(service)
        with translating():
            self.network().connect(container, aliases=[service])

    def network(self) -> Any:
        """The project's network. Raises LabError if there is none."""
        filters = {"label": f"{PROJECT_LABEL}={self.project}"}
        networks = self.client.networks.list(filters=filters)
        if not networks:
            raise LabError("the lab has no network", hint="`lab up --target compose` makes it.")
        return networks[0]

    def url_of(self, service: str, port: int) -> str:
        """Where a running container's port is published on this machine. Raises LabError."""
        container = self.container(service)
        published = container.attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp")
        if not published:
            raise LabError(f"port {port} of {service} is not published")
        return f"http://{published[0]['HostIp']}:{published[0]['HostPort']}"

    def memory_of(self, service: str) -> int | None:
        """The memory that a running container's processes hold, in bytes."""
        container = self.containers().get(service)
        if container is None or container.status not in {"running", "paused"}:
            return None
        with translating():
            told = self.client.api.stats(container.id, stream=False, one_shot=True)
        usage = told.get("memory_stats", {})
        if "usage" not in usage:
            return None
        detail = usage.get("stats", {})
        cached = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        return int(usage["usage"]) - int(cached)

    def log(self, service: str, *, tail: int | None = None) -> bytes:
        """What the container wrote. Raises LabError if there is none."""
        container = self.container(service)
        with translating():
            found = container.logs(tail="all" if tail is None else tail)
        return found if isinstance(found, bytes) else b""

    def copy_out(self, service: str, folder: str, into: Path) -> None:
        """Copy the content of a container's folder; one that does not exist is empty.

        It may run or not. A file that vanishes while it is copied makes the engine begin anew.
        Raises LabError.
        """
        container = self.container(service)
        with translating_disk_errors(into):
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir(parents=True)

        def copied() -> bool:
            from docker.errors import APIError, NotFound  # noqa: PLC0415

            try:
                with translating(passing=(APIError,)):
                    stream, _ = container.get_archive(folder)
                    data = b"".join(stream)
            except NotFound:
                return True
            except APIError:
                return False
            return unpack(data, into)

        wait_until(f"{folder} of {service} is copied", copied, timeout_seconds=20)

    def remove_inside(self, service: str, path: str) -> None:
        """Remove a folder in a service's volumes, whether its container runs or not.

        A container of the same image and volumes does it. Raises LabError.
        """
        container = self.container(service)
        with translating():
            self.client.containers.run(
                container.image.id,
                ["-rf", "--", path],
                entrypoint=["rm"],
                user="0",
                volumes_from=[container.id],
                network_mode="none",
                remove=True,
            )


def unpack(data: bytes, into: Path) -> bool:
    """Unpack an archive of one folder without that folder; False if the archive is cut short."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                _, _, inner = member.name.partition("/")
                if inner and (member.isfile() or member.isdir()):
                    member.name = inner
                    member.mode |= 0o700 if member.isdir() else 0o600
                    tar.extract(member, into, filter="data")
    except (tarfile.ReadError, EOFError):
        return False
    return True


def connect() -> Any:
    """A connection to the engine that the command ``docker`` would use.

    Raises EnvironmentProblem if there is no engine, or it does not answer.
    """
    try:
        import docker  # noqa: PLC0415 - only this target needs it
        from docker.errors import DockerException  # noqa: PLC0415
    except ImportError:
        raise EnvironmentProblem(
            "the compose target needs the Python package docker",
            hint=f"pip install 'kafka-lab[compose]'. {WAY_OUT}",
        ) from None
    address = os.environ.get("DOCKER_HOST") or _address() or "unix:///var/run/docker.sock"
    try:
        _knock(address)
    except PermissionError as error:
        raise EnvironmentProblem(
            f"this user may not use the Docker engine: {error}",
            hint=f"Let your user use it (group docker), and log in anew. {WAY_OUT}",
        ) from None
    except OSError as error:
        raise _no_answer(error) from None
    try:
        if os.environ.get("DOCKER_HOST"):
            client = docker.from_env(timeout=TIMEOUT_SECONDS)
        else:
            client = docker.DockerClient(base_url=address, timeout=TIMEOUT_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        raise _no_answer(error) from error
    return client


def _no_answer(error: Exception) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the Docker engine does not answer: {_last_words(error)}",
        hint=f"Install and start Docker, or point DOCKER_HOST at it. {WAY_OUT}",
    )


def _knock(address: str) -> None:
    """Raise OSError unless somebody listens on a local socket; the package says it less plainly."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            try:
                probe.connect(address.removeprefix("unix://"))
            except OSError as error:
                kind = PermissionError if isinstance(error, PermissionError) else OSError
                raise kind(f"{address}: {error.strerror or error}") from None


def _address() -> str | None:
    """The address of docker's current context; None leaves it to the package's default."""
    try:
        done = subprocess.run(
            ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


@contextmanager
def translating(passing: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Turn the package's exceptions into the lab's."""
    try:
        from docker.errors import DockerException  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415
    except ImportError:
        yield
        return
    try:
        yield
    except passing:
        raise
    except (DockerException, RequestException) as error:
        raise LabError(
            f"Docker: {_last_words(error)}", hint="`lab status` shows what runs."
        ) from error


def _last_words(error: BaseException) -> str:
    explanation = getattr(error, "explanation", None)
    text = str(explanation or error).strip()
    return text.splitlines()[-1] if text else type(error).__name__
