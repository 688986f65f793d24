"""``docker compose`` as a command: run with a lab's variables, its failures told in plain words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lab.embedded.ports import holder_of
from lab.errors import DownloadFailed, EnvironmentProblem, LabError, PortInUse

WAY_OUT = "`lab up` alone starts the embedded target, which needs no Docker."
QUICK_SECONDS = 60.0
_PORT = re.compile(r"(?:Bind for |listen tcp4? |exposing port TCP )[0-9.]+:(?P<port>\d+)")
_PORT_WORDS = ("port is already allocated", "address already in use", "ports are not available")
_IMAGE_PROBLEM = re.compile(
    r"manifest (?:for \S+ )?(?:unknown|not found)|pull access denied|repository does not exist"
    r"|no such host|failed to resolve reference|error pulling image|toomanyrequests"
    r"|TLS handshake timeout|connection refused|i/o timeout|no matching manifest",
    re.IGNORECASE,
)


# Docker without the plug-in takes the plug-in's options for its own.
_TROUBLES = tuple(
    (re.compile(words, re.MULTILINE | re.IGNORECASE), message, hint)
    for words, message, hint in (
        (
            r"is not a docker command|unknown command: docker compose|^unknown flag: --",
            "the compose target needs Docker's Compose plug-in, version 2, and it is not there",
            "Install it (docker-compose-plugin, or Docker Desktop).",
        ),
        (
            r"additional propert\w+ .*not allowed|must be a (?:string|mapping)",
            "Docker's Compose plug-in cannot read the lab's compose file",
            "Version 2.20 or newer can; `docker compose version` says yours.",
        ),
        (
            "permission denied while trying to connect",
            "this user may not use the Docker engine",
            "Let your user use it (group docker), and log in anew.",
        ),
        (
            "cannot connect to the docker daemon|error during connect",
            "the Docker engine does not answer",
            "Start Docker, or point DOCKER_HOST at it.",
        ),
    )
)


class Compose:
    """The compose project of one lab."""

    def __init__(self, file: Path, project: str, variables: Mapping[str, str]) -> None:
        self._base = ("docker", "compose", "--file", str(file), "--project-name", project)
        self._variables = dict(variables)

    def config(self) -> dict[str, object]:
        """The file with every variable filled in. Raises LabError if it is none."""
        told = json.loads(self._run("config", "--format", "json"))
        return told if isinstance(told, dict) else {}

    def pull(self, services: tuple[str, ...], *, timeout_seconds: float) -> None:
        """Pull the images of these services; docker shows the progress on standard error.

        Raises DownloadFailed.
        """
        try:
            done = subprocess.run(
                (*self._base, "pull", *services),
                env=self._environment(),
                stdout=sys.stderr.fileno() if _is_file(sys.stderr) else subprocess.DEVNULL,
                stderr=subprocess.PIPE if not sys.stderr.isatty() else None,
                timeout=timeout_seconds,
                check=False,
            )
        except FileNotFoundError:
            raise no_docker() from None
        except subprocess.TimeoutExpired:
            raise DownloadFailed(
                f"the images of {', '.join(services)} were not there after {timeout_seconds:g} s",
                hint=f"Try again: what has arrived is kept. {WAY_OUT}",
            ) from None
        if done.returncode != 0:
            said = (done.stderr or b"").decode(errors="replace")
            raise told(said) if said else _not_pulled("see above")

    def up(self, services: tuple[str, ...], *, timeout_seconds: float) -> None:
        """Create and start these services, each once those that it depends on are healthy.

        Raises LabError with what docker said.
        """
        self._run(
            "up", "--detach", "--no-build", "--quiet-pull", *services, seconds=timeout_seconds
        )

    def stop(self, services: tuple[str, ...]) -> None:
        """Ask these services to end, and wait until they have."""
        self._run("stop", *services, seconds=180)

    def remove(self) -> None:
        """Stop and remove the project's containers, their unnamed volumes, and its network."""
        # `down` leaves the volumes that images declare and nobody names; `rm` does not.
        self._run("rm", "--force", "--stop", "--volumes", seconds=240)
        self._run("down", "--remove-orphans", seconds=240)

    def remove_with_data(self) -> None:
        """Remove the project with its volumes."""
        self._run("down", "--remove-orphans", "--volumes", seconds=240)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._variables}

    def _run(self, *arguments: str, seconds: float = QUICK_SECONDS) -> str:
        try:
            done = subprocess.run(
                (*self._base, "--ansi", "never", *arguments),
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise no_docker() from None
        except subprocess.TimeoutExpired as error:
            raise LabError(
                f"docker compose {arguments[0]} did not end within {seconds:g} s",
                hint="`lab doctor` looks at Docker.",
            ) from error
        if done.returncode != 0:
            raise told(done.stderr or done.stdout)
        return done.stdout


def no_docker() -> EnvironmentProblem:
    """The command ``docker`` is not there."""
    return EnvironmentProblem(
        "the compose target needs Docker, and there is no command `docker`",
        hint=f"Install Docker with the Compose plug-in. {WAY_OUT}",
    )


def told(said: str) -> LabError:
    """What docker wrote to standard error, as the lab's own error."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else "docker said nothing"
    for words, message, hint in _TROUBLES:
        if words.search(said):
            return EnvironmentProblem(message, hint=f"{hint} {WAY_OUT}")
    if any(words in said for words in _PORT_WORDS):
        found = _PORT.search(said)
        if found is not None:
            port = int(found["port"])
            return PortInUse(port, holder_of(port), hint="Free it, or give another --port-base.")
    if _IMAGE_PROBLEM.search(said):
        return _not_pulled(last)
    return LabError(f"docker compose failed: {last}", hint="`lab doctor` looks at Docker.")


def _not_pulled(said: str) -> DownloadFailed:
    return DownloadFailed(
        f"an image could not be pulled: {said}",
        hint="Check the network, the registry's address and the versions (KAFKA_VERSION, "
        f"CONFLUENT_VERSION). {WAY_OUT}",
    )


def _is_file(stream: object) -> bool:
    try:
        stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
    return True
