"""What a lab remembers on disk, and the folders it keeps.

<state root>/<name>/lab.json      phase, instance, brokers, ports, cluster id
                   /lock          held while a command changes the lab
                   /run/          pid records and generated configuration
                   /logs/         one log per process
                   /data/         broker logs, registry database, ksqlDB state
                   /secure/       keys and passwords of a secure lab
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lab.embedded.disk import translating_disk_errors
from lab.errors import LabError, UsageError

Phase = Literal["starting", "ready", "stopped"]
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
VERSION = 1


def check_name(name: str) -> str:
    """The name, if a lab can be called so. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a lab's name",
            hint="Use lower-case letters, digits, '-' and '_', up to 40, the first no sign.",
        )
    return name


def new_cluster_id() -> str:
    """A random cluster id: 16 bytes in URL-safe base64, as Kafka writes UUIDs.

    One that begins with "-" is passed over: command-line tools take it for an option.
    """
    while True:
        candidate = secrets.token_urlsafe(16)
        if not candidate.startswith("-"):
            return candidate


def new_directory_id() -> str:
    """A random log directory id (KIP-858), of the same form as a cluster id."""
    return new_cluster_id()


@dataclass(frozen=True)
class AddedKsqldb:
    """A ksqlDB-compatible server beside the lab's own, for as long as its owner lives.

    ``owner`` is the pid of the process that added it, ``owner_started`` its start identity;
    ``properties`` are NAME=VALUE.
    """

    service_id: str
    properties: tuple[str, ...]
    owner: int
    owner_started: str


@dataclass(frozen=True)
class LabState:
    """The content of ``lab.json``. ``instance`` marks every process that this lab starts."""

    name: str
    instance: str
    cluster_id: str
    phase: Phase = "stopped"
    brokers: int = 1
    ports: dict[str, int] = field(default_factory=dict)
    port_base: int | None = None
    host: str = "127.0.0.1"
    brokers_only: bool = False
    secure: bool = False
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    added: dict[str, AddedKsqldb] = field(default_factory=dict)
    version: int = VERSION

    @classmethod
    def new(cls, name: str) -> LabState:
        """The state of a lab that was never started."""
        return cls(name=name, instance=uuid.uuid4().hex, cluster_id=new_cluster_id())

    def with_(self, **changes: Any) -> LabState:
        """A copy with changes."""
        return replace(self, **changes)

    def without(self, added: Iterable[str]) -> LabState:
        """A copy without these added servers and their ports."""
        gone = set(added)
        return replace(
            self,
            added={name: one for name, one in self.added.items() if name not in gone},
            ports={name: port for name, port in self.ports.items() if name not in gone},
        )


class LabFolder:
    """A lab's folder on disk."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = check_name(name)
        self.path = root / name
        self.run = self.path / "run"
        self.logs = self.path / "logs"
        self.data = self.path / "data"
        self.secure = self.path / "secure"
        self.file = self.path / "lab.json"

    def create(self) -> None:
        """Make the folders. Raises EnvironmentProblem if that cannot be done."""
        with translating_disk_errors(self.path):
            for folder in (self.run, self.logs, self.data):
                folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> LabState | None:
        """The state, or None if there is no lab. Raises LabError if the file cannot be read."""
        try:
            data = json.loads(self.file.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise LabError(
                f"{self.file} cannot be read: {error}",
                hint=f"Remove the folder {self.path} if the lab is not running, then start anew.",
            ) from error
        try:
            if data["version"] != VERSION:
                raise LabError(
                    f"{self.file} was written by another version of the lab",
                    hint="Use that version to take the lab down, or `lab reset` to begin anew.",
                )
            added = {
                name: AddedKsqldb(**{**one, "properties": tuple(one["properties"])})
                for name, one in data.pop("added", {}).items()
            }
            return LabState(**data, added=added)
        except (KeyError, TypeError) as error:
            raise LabError(
                f"{self.file} is not a lab's state: {error}",
                hint=f"Remove the folder {self.path} if the lab is not running, then start anew.",
            ) from error

    def save(self, state: LabState) -> None:
        """Write the state, whole or not at all."""
        with translating_disk_errors(self.path):
            draft = self.file.with_suffix(".tmp")
            draft.write_text(json.dumps(asdict(state), indent=1) + "\n", "utf-8")
            draft.replace(self.file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lab for a change. Raises LabError if another command holds it.

        The kernel frees the lock when its holder ends, however it ends.
        """
        self.create()
        with translating_disk_errors(self.path):
            lock = (self.path / "lock").open("a+")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise LabError(
                    f'another command (pid {holder}) is changing the lab "{self.name}"',
                    hint="Wait until it is done, or end it; then try again.",
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    lock.truncate(0)
                    fcntl.flock(lock, fcntl.LOCK_UN)


def all_labs(root: Path) -> list[LabFolder]:
    """The folders of every lab under the state root, by name."""
    if not root.is_dir():
        return []
    return [
        LabFolder(root, folder.name)
        for folder in sorted(root.iterdir())
        if (folder / "lab.json").is_file() and _NAME.fullmatch(folder.name)
    ]
