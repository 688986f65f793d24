"""Workloads in processes of their own, so that they can be killed at chosen points.

A program is started with one JSON argument and logs into a history of its own. ``Crash`` is how it
ends itself at a point that the experiment chose: by SIGKILL, with nothing flushed or closed, as if
the machine's power went. ``Freeze`` stops it there until somebody sends SIGCONT.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.errors import LabError
from lab.wait import wait_until


class ProgramFailed(LabError):
    """A workload ended otherwise than it was told to."""


@dataclass
class Crash:
    """Ends or freezes this process at ``point``, the ``nth`` time that it comes there.

    With ``delay_ms`` it goes on meanwhile, so that the crash happens within what follows.
    """

    point: str = ""
    nth: int = 1
    delay_ms: float = 0.0
    freeze: bool = False

    def at(self, point: str) -> None:
        """The program has come to ``point``."""
        if point != self.point:
            return
        self.nth -= 1
        if self.nth:
            return
        if self.delay_ms:
            threading.Thread(target=self._later, daemon=True).start()
        else:
            self._now()

    def _later(self) -> None:
        due = time.monotonic() + self.delay_ms / 1000
        wait_until("the crash is due", lambda: time.monotonic() >= due, every_seconds=0.001)
        self._now()

    def _now(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP if self.freeze else signal.SIGKILL)


class Process:
    """A process of the experiment's own, ended with the ``with`` block at the latest.

    What it prints is appended to the file ``errors``; ``env`` goes on top of this environment.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        errors: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._errors = errors
        with errors.open("ab") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    def exit_code(self) -> int | None:
        """The exit code (negative: the signal's number), or None while it runs."""
        return self._popen.poll()

    def wait(self, *, timeout_seconds: float = 120.0) -> int:
        """Wait for the end and return the exit code. Raises ConditionTimeout."""
        wait_until(
            f"the workload {self.name} ends",
            lambda: self._popen.poll() is not None,
            timeout_seconds=timeout_seconds,
            every_seconds=0.01,
        )
        return int(self._popen.returncode)

    def must_end_with(self, code: int, *, timeout_seconds: float = 120.0) -> None:
        """Wait for the end. Raises ProgramFailed unless the exit code is ``code``."""
        seen = self.wait(timeout_seconds=timeout_seconds)
        if seen != code:
            said = self._errors.read_text("utf-8", errors="replace")[-2000:]
            raise ProgramFailed(f"{self.name} ended with {seen}, not {code}: {said}")

    def wait_until_frozen(self, *, timeout_seconds: float = 60.0) -> None:
        """Wait until it has stopped itself. Raises ConditionTimeout, ProgramFailed."""
        import psutil  # noqa: PLC0415 - only for this

        process = psutil.Process(self.pid)
        wait_until(
            f"the workload {self.name} has stopped itself",
            lambda: process.status() == psutil.STATUS_STOPPED,
            timeout_seconds=timeout_seconds,
            give_up=self._raise_if_ended,
        )

    def wait_until_logged(
        self, log: Callable[[], object], what: str, *, timeout_seconds: float = 60.0
    ) -> None:
        """Wait until ``log`` returns something truthy. Raises ConditionTimeout, ProgramFailed."""
        wait_until(what, log, timeout_seconds=timeout_seconds, give_up=self._raise_if_ended)

    def _raise_if_ended(self) -> None:
        if (code := self.exit_code()) is not None:
            said = self._errors.read_text("utf-8", errors="replace")[-2000:]
            raise ProgramFailed(f"{self.name} ended with {code}: {said}")

    def resume(self) -> None:
        """SIGCONT."""
        self._popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Program(Process):
    """A workload in Python: ``module`` is started with ``options`` as JSON."""

    def __init__(self, module: str, options: Mapping[str, object], *, errors: Path) -> None:
        argv = [sys.executable, "-m", module, json.dumps(options)]
        super().__init__(module.rpartition(".")[2], argv, errors=errors)


KILLED = -signal.SIGKILL
"""The exit code of a process that was ended by SIGKILL."""


def options() -> dict[str, object]:
    """The options that this program was started with."""
    found = json.loads(sys.argv[1])
    if not isinstance(found, dict):
        raise ProgramFailed("options must be a JSON object")
    return found
