"""The append-only history of an experiment: one JSON object a line, flushed as it happens."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from lab import access
from lab.evidence.encoding import encode
from lab.evidence.errors import BrokenHistory
from lab.evidence.model import Entry, Kind, Outcome

FILE_NAME = "history.jsonl"
_FIELDS = frozenset(field.name for field in fields(Entry))


class Clock:
    """Nanoseconds since the epoch, strictly increasing within this process, for every thread."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def tick(self) -> int:
        """The time now, or one nanosecond after the last tick if the clock stood still."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return self._last


class History:
    """Appends the entries of one test to its claim's history.

    Safe for threads, and for several processes that append to one file: a line is written whole
    under a lock. Once ``append`` has returned, the line survives the death of the process.
    """

    _clock: ClassVar[Clock] = Clock()

    def __init__(self, path: Path, *, test: str, worker: str) -> None:
        self.path = path
        self._test = test
        self._worker = worker
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What this test has appended so far."""
        with self._lock:
            return tuple(self._entries)

    def append(
        self,
        kind: Kind,
        *,
        actor: str,
        action: str,
        target: str = "",
        outcome: Outcome = Outcome.OK,
        answer: object = None,
    ) -> Entry:
        """Append one entry; ``answer`` is encoded (see encoding.py)."""
        with self._lock:
            seq = self._clock.tick()
            entry = Entry(
                seq=seq,
                time=utc(seq),
                test=self._test,
                worker=self._worker,
                kind=kind,
                actor=actor,
                action=action,
                target=target,
                outcome=outcome,
                answer=encode(answer),
            )
            self._entries.append(entry)
            line = json.dumps(asdict(entry), ensure_ascii=False)
            _append_line(self.path, access.redact(line))
        return entry


def utc(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 in UTC, to the microsecond."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06}Z"


def read_history(path: Path) -> tuple[Entry, ...]:
    """The entries of a history, by ``seq``.

    An incomplete last line (the process died while writing it) is left out; anything else that
    cannot be read raises BrokenHistory.
    """
    return tuple(sorted(_read(path), key=lambda entry: entry.seq))


def _read(path: Path) -> Iterator[Entry]:
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise BrokenHistory(path, number, str(error)) from error
        if not isinstance(found, dict) or set(found) != _FIELDS:
            raise BrokenHistory(path, number, "not an entry")
        try:
            yield Entry(**{**found, "outcome": Outcome(found["outcome"])})
        except ValueError as error:
            raise BrokenHistory(path, number, str(error)) from error


def _append_line(path: Path, line: str) -> None:
    data = line.encode() + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data  # a process died in the middle of the line before
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)
