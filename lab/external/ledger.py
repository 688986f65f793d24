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

from lab.embedded.disk import translating_disk_errors
from lab.embedded.process import start_identity
from lab.errors import EnvironmentProblem, LabError

STEM = "stem"


@dataclass(frozen=True)
class Entry:
    """Something that may have been created. ``pid`` is of the process that was about to do it.

    ``pid_started`` tells it from others of that pid (process.start_identity); in ledgers of
    earlier versions it is the creation time in seconds.
    """

    kind: str
    name: str
    run: str
    pid: int
    pid_started: str | float
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
        started = start_identity(os.getpid()) or ""
        entry = Entry(kind, name, run, os.getpid(), started, now)
        data = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
        with _writing(self.path), self._locked() as handle:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # a process died in the middle of the line before
            _write_all(handle, data)
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
        """Take entries out; a ledger without entries has no file.

        Whatever happens meanwhile, the others stay. Raises LabError if it cannot be written.
        """
        struck = set(gone)
        if not self.path.exists():
            return
        with _writing(self.path), self._locked():
            left = [entry for entry in self.entries() if entry not in struck]
            if not left:
                self.path.unlink()
                return
            text = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in left)
            draft = self.path.with_suffix(".ledger-draft")
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                _write_all(handle, text.encode())
            finally:
                os.close(handle)
            draft.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), self.path.stat()):
                    break
            os.close(handle)  # another process removed or replaced the ledger meanwhile
        try:
            yield handle
        finally:
            os.close(handle)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Whatever the disk refuses: nothing that is not written down may be created."""
    try:
        with translating_disk_errors(path.parent):
            yield
    except OSError as error:
        raise EnvironmentProblem(f"{path}: cannot be written: {error.strerror}") from error


def _write_all(handle: int, data: bytes) -> None:
    """Write to disk. Raises OSError; a part that was written is taken back."""
    size = os.fstat(handle).st_size
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def in_use(entry: Entry) -> bool:
    """Whether the process that wrote the entry still runs, and is another one than this."""
    if entry.pid == os.getpid():
        return False
    if isinstance(entry.pid_started, str):
        return start_identity(entry.pid) == entry.pid_started
    return start_identity(entry.pid) is not None and _created(entry.pid) == entry.pid_started


def _created(pid: int) -> float:
    """When a process began, as ledgers of earlier versions of the lab have it."""
    import psutil  # noqa: PLC0415 - only for such a ledger

    try:
        return round(psutil.Process(pid).create_time(), 1)
    except psutil.Error:
        return -1.0
