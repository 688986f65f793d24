"""A door to the registry for one client alone: a recording proxy of its own, so that what it
recorded is what this client asked, and nobody else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from lab import access
from lab.errors import ComponentFailed
from lab.wait import wait_until
from lab.wire.exchange_log import read_exchanges

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Asked:
    """One request to the registry and the status of its answer; None: the client got none.

    As text it goes without the query.
    """

    time: str
    method: str
    path: str
    status: int | None

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]} → {self.status or 'no answer'}"


def asked(exchanges: Iterable[dict[str, Any]]) -> list[Asked]:
    """Exchanges of a log in short."""
    return [Asked(e["time"], e["method"], e["path"], e["status"]) for e in exchanges]


class RegistryDoor:
    """A recording proxy before the registry for the client called ``name``. A context manager.

    ``log`` must not exist yet. The door itself is plain HTTP on loopback, also before a registry
    with TLS. Raises ComponentFailed when the proxy does not start.
    """

    def __init__(self, name: str, registry_url: str, log: Path) -> None:
        self.name = name
        self._log = log
        found = urlsplit(registry_url)
        command = [sys.executable, "-m", "lab.wire.http_recorder", "--listen", "127.0.0.1:0"]
        command += ["--upstream", f"{found.scheme}://{found.netloc}", "--prefix", found.path]
        command += ["--log", os.fspath(log), "--parent-pid", str(os.getpid())]
        self._said = log.with_suffix(".out")
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        try:
            self.url = wait_until(
                f"the door of {name} listens", self._listening, timeout_seconds=_START_SECONDS
            )
            behind = access.http_access(registry_url)
            if behind != access.NO_ACCESS:
                access.remember_http(self.url, behind)
        except BaseException:
            self.close()
            raise

    def _listening(self) -> str | None:
        text = self._said.read_text(encoding="utf-8")
        if text.startswith("listening on ") and text.endswith("\n"):
            return text.removeprefix("listening on ").partition(",")[0]
        if self._process.poll() is not None:
            raise ComponentFailed(f"door of {self.name}", text.strip() or "it ended at once")
        return None

    def asked(self) -> list[Asked]:
        """What this client asked so far."""
        return asked(read_exchanges(self._log))

    def close(self) -> None:
        """Shut the door; whoever still holds a connection through it loses it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
