"""The command topic as the log of all changes: records in and out, and the thread that applies
them in order.

A record's key is the command's id as JSON text. Its value has the statement, the properties it
was given and the versioned plan, from which it is applied: the statement's text is for people.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.errors import KsqlError, NotReady
from lab.ksqldb.jvm.kafka import CommandLog, Entry
from lab.ksqldb.plan.codec import ParseType, UnreadablePlan, decode, encode
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.secrets import is_secret

_LOG = logging.getLogger(__name__)
_POLL_MS = 1000
_MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """A command as it stands in the topic."""

    offset: int
    id: str
    properties: Mapping[str, str]
    command: Command


def write(
    id_: str, command: Command, properties: Mapping[str, str], effective: Mapping[str, str]
) -> tuple[bytes, bytes]:
    """Key and value of a command's record.

    ``properties`` are the request's, ``effective`` the server's when it was given.
    """
    value = {
        "statement": command.statement,
        "streamsProperties": dict(properties),
        "originalProperties": {k: v for k, v in effective.items() if not is_secret(k)},
        "plan": encode(command),
        "version": 1,
    }
    return json.dumps(id_).encode(), json.dumps(value, separators=(",", ":")).encode()


def read(entry: Entry, parse_type: ParseType) -> Recorded:
    """The command of a record.

    Raises:
        UnreadablePlan: the record is not one of this version.
    """
    try:
        data: Any = json.loads(entry.value)
        command = decode(data["plan"], parse_type)
        if not isinstance(command, Command):
            raise UnreadablePlan("the plan is no command")
        return Recorded(
            entry.offset, str(json.loads(entry.key)), data["streamsProperties"], command
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadablePlan(f"the record at offset {entry.offset}: {error!r}") from error


Apply = Callable[[Recorded, bool], None]
"""Applies a command; the flag says that it is part of the replay at start."""


class CommandRunner:
    """Replays the log, then follows it. ``apply`` is called in the order of the log."""

    def __init__(self, log: CommandLog, apply: Apply, parse_type: ParseType) -> None:
        self._log = log
        self._apply = apply
        self._parse_type = parse_type
        self._done = threading.Condition()
        self._applied = -1
        self._reached = 0
        self._seen: set[int] = set()
        self._errors: dict[int, Exception] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def applied(self) -> int:
        """The offset of the last command applied, -1 before the first."""
        return self._applied

    @property
    def is_alive(self) -> bool:
        """Whether commands are being followed."""
        return self._thread is not None and self._thread.is_alive()

    def replay(self) -> None:
        """Apply everything that is in the log now."""
        end = self._log.end()
        while self._log.position() < end:
            for entry in self._log.poll(_POLL_MS):
                self._one(entry, replaying=True)
            self._reach()

    def follow(self) -> None:
        """Apply what comes from now on, in a thread."""
        self._thread = threading.Thread(target=self._run, name="command-runner", daemon=True)
        self._thread.start()

    def wait_for(self, offset: int, timeout_seconds: float) -> None:
        """Wait until the command at an offset was applied.

        Raises:
            KsqlError: applying it failed.
            NotReady: it was not applied in time.
        """
        with self._done:
            in_time = self._done.wait_for(lambda: self._applied >= offset, timeout_seconds)
            error = self._errors.pop(offset, None)
        if error is not None:
            raise error
        if not in_time:
            raise NotReady(f"The command at offset {offset} was not applied in time.")

    def wait_until_applied(self, offset: int, timeout_seconds: float) -> bool:
        """Wait until the command at an offset was applied, well or not; whether it was."""
        with self._done:
            return self._done.wait_for(lambda: self._applied >= offset, timeout_seconds)

    def catch_up(self, end: int, timeout_seconds: float) -> None:
        """Wait until everything before an offset was applied.

        Raises:
            NotReady: it was not in time.
        """
        with self._done:
            if not self._done.wait_for(lambda: self._reached >= end, timeout_seconds):
                raise NotReady(f"The command topic was not read up to offset {end} in time.")

    def has(self, offset: int) -> bool:
        """Whether a committed command stands at an offset, among those read so far."""
        with self._done:
            return offset in self._seen

    def stop(self) -> None:
        """Stop following."""
        self._stopping = True
        self._log.wakeup()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopping:
            try:
                entries = self._log.poll(_POLL_MS)
                for entry in entries:
                    self._one(entry, replaying=False)
                self._reach()
            except KsqlError as error:
                _LOG.error("the command topic cannot be read: %s", error)
        self._log.close_reader()

    def _reach(self) -> None:
        """Note how far the log was read: past the markers of transactions too."""
        with self._done:
            self._reached = self._log.position()
            self._done.notify_all()

    def _one(self, entry: Entry, *, replaying: bool) -> None:
        error: Exception | None = None
        try:
            self._apply(read(entry, self._parse_type), replaying)
        except Exception as failure:  # one bad command must not stop the rest
            _LOG.error("the command at offset %d failed: %s", entry.offset, failure)
            error = failure
        with self._done:
            self._applied = entry.offset
            self._seen.add(entry.offset)
            if error is not None and not replaying:
                self._errors[entry.offset] = error
                if len(self._errors) > _MOST_ERRORS:  # of other nodes' commands: nobody asks
                    del self._errors[next(iter(self._errors))]
            self._done.notify_all()
