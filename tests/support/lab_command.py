"""Running the ``lab`` command as a user does, in a state folder of one's own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lab.wait import wait_until

COMMAND = (sys.executable, "-m", "lab")


@dataclass
class LabCommand:
    """A user with a state folder; every process started for it carries the folder's path."""

    state_root: Path
    env: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment of the user's commands."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("LAB_", "KAFKA_LAB_"))}
        kept = {k: v for k, v in os.environ.items() if k in {"LAB_CACHE_DIR", "LAB_MAVEN_MIRROR"}}
        return {**clean, **kept, "LAB_STATE_DIR": str(self.state_root), "NO_COLOR": "1", **self.env}

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Begin a command."""
        return subprocess.Popen(
            [*COMMAND, *args],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and check its exit code."""
        done = subprocess.run(
            [*COMMAND, *args],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == expect, (
            f"lab {' '.join(args)}: exit code {done.returncode}, expected {expect}\n"
            f"{done.stdout}\n{done.stderr}"
        )
        return done

    def shell_words(self, *args: str) -> list[str]:
        """A command as words for a shell."""
        return [shlex.quote(word) for word in (*COMMAND, *args)]

    def json(self, *args: str) -> Any:
        """Run a command with ``--json`` and read its answer."""
        return json.loads(self.run(*args, "--json").stdout)

    def processes(self) -> dict[int, str]:
        """Running processes that were started for this state folder: pid → the lab's name for it.

        The user's own commands are not among them.
        """
        found = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                env = process.environ()
                if (
                    env.get("LAB_STATE_DIR") == str(self.state_root)
                    and "KAFKA_LAB_PROCESS" in env
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found[process.pid] = env["KAFKA_LAB_PROCESS"]
        return found

    def wait_for_process(self, name: str) -> int:
        """The pid of a process of this name, as soon as there is one."""
        return wait_until(
            f"a process {name} was started",
            lambda: next((pid for pid, each in self.processes().items() if each == name), None),
            every_seconds=0.01,
        )


@contextmanager
def lab_user(state_root: Path, **env: str) -> Iterator[LabCommand]:
    """A user; at the end every lab is taken down, and nothing may be left."""
    user = LabCommand(state_root, env)
    try:
        yield user
    finally:
        user.run("down", "--all")
        left = user.processes()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        assert left == {}, f"left behind: {left}"
