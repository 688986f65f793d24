"""The ledger: what experiments create on a cluster, written down before it is created.

A line of JSON each, synced to disk. A "stem" is the beginning of all names of one test: whatever
carries it, made here or derived by a component (internal topics, changelogs), is ours.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import LabError

STEM = "stem"


@dataclass(frozen=True)
class Entry:
    """Something that may have been created. ``pid`` is of the process that was about to do it."""

    kind: str
    name: str
    run: str
    pid: int
    pid_started: float
    at: str


class Ledger:
    """The ledger of one target; several processes may write it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._noted: set[tuple[str, str]] = set()

    def note(self, kind: str, name: str, run: str) -> None:
        """Write down that ``name`` is about to be created. Raises LabError if that cannot be."""
        if (kind, name) in self._noted:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(kind, name, run, os.getpid(), _started(os.getpid()), now)
        data = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        with self._locked() as handle:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # a process died in the middle of the line before
            os.write(handle, data)
            os.fsync(handle)
        self._noted.add((kind, name))

    def entries(self) -> tuple[Entry, ...]:
        """What may be there still, oldest first. Raises LabError for a file that is no ledger."""
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return ()
        found = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                found.append(Entry(**json.loads(line)))
            except (ValueError, TypeError) as error:
                if number == len(lines):
                    break  # its writer died while writing it: nothing was created yet
                raise LabError(f"{self.path}, line {number}: not an entry: {error}") from None
        return tuple(found)

    def strike(self, gone: Iterable[Entry]) -> None:
        """Take entries out; a ledger without entries has no file."""
        struck = set(gone)
        if not self.path.exists():
            return
        with self._locked() as handle:
            left = [entry for entry in self.entries() if entry not in struck]
            text = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in left)
            os.ftruncate(handle, 0)
            os.write(handle, text.encode())
            os.fsync(handle)
            if not left:
                self.path.unlink()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), self.path.stat()):
                    break
            os.close(handle)  # another process removed the empty ledger meanwhile
        try:
            yield handle
        finally:
            os.close(handle)


def in_use(entry: Entry) -> bool:
    """Whether the process that wrote the entry still runs, and is another one than this."""
    return entry.pid != os.getpid() and _started(entry.pid) == entry.pid_started


def _started(pid: int) -> float:
    import psutil  # noqa: PLC0415 - only external targets need it

    try:
        process = psutil.Process(pid)
        # One that ended, and that its parent has not asked about yet, uses nothing.
        ended = process.status() == psutil.STATUS_ZOMBIE
        return -1.0 if ended else round(process.create_time(), 1)
    except psutil.Error:
        return -1.0
