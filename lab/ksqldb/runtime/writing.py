"""Writing to the command topic, of which the nodes of a cluster take turns to be the writer.

A node that wants to write becomes the writer, which fences whoever was; applies everything that is
in the topic; plans its statement on that; and appends it. As long as nobody fences it, it goes on
so without asking: nobody else can have written. One that was fenced begins anew.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from lab.ksqldb.errors import KsqlError, ServerFault
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Appended

_LOG = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 1.0
_CATCH_UP_SECONDS = 30.0

Made = TypeVar("Made")


class Log(Protocol):
    """What is needed of a command topic, as ``lab.ksqldb.jvm.kafka.CommandLog`` has it."""

    def claim(self) -> int | None:
        """Become the writer; up to where to read first, None if nobody else can have written."""

    def append(self, key: bytes, value: bytes) -> Appended:
        """Append a record, if still the writer."""

    @property
    def last_failure(self) -> str:
        """Why the last claim or append failed."""


class Reader(Protocol):
    """What is needed of the runner that applies the topic."""

    def catch_up(self, end: int, timeout_seconds: float) -> None:
        """Wait until everything before an offset was applied."""

    def has(self, offset: int) -> bool:
        """Whether a committed command stands at an offset."""


@dataclass(frozen=True, slots=True)
class Record:
    """A command's record."""

    key: bytes
    value: bytes


class CommandWriter:
    """Appends commands, each planned on all before it. ``stopping`` cuts waits short."""

    def __init__(
        self, log: Log, reader: Reader, stopping: threading.Event, *, patience_seconds: float = 30.0
    ) -> None:
        self._log = log
        self._reader = reader
        self._stopping = stopping
        self._patience_seconds = patience_seconds

    def write(self, make: Callable[[], tuple[Record | None, Made]]) -> tuple[int | None, Made]:
        """Append what ``make`` gives; its offset, and what else it gave.

        ``make`` is called again for each attempt: what other nodes wrote is applied by then. It
        gives no record where there is nothing to write. Called by one thread at a time.

        Raises:
            ServerFault: it could not be written in time; the message says if it may be there.
            KsqlError: what ``make`` raises.
        """
        deadline = time.monotonic() + self._patience_seconds
        longest = _FIRST_WAIT_SECONDS
        unsettled: tuple[int, Made] | None = None
        while True:
            if self._claimed():
                if unsettled is not None and self._reader.has(unsettled[0]):
                    return unsettled
                unsettled = None
                record, made = make()
                if record is None:
                    return None, made
                appended = self._log.append(record.key, record.value)
                if appended.offset is not None and appended.certain:
                    return appended.offset, made
                if appended.offset is not None:
                    unsettled = (appended.offset, made)
            if time.monotonic() > deadline or self._stopping.is_set():
                raise self._unwritten(in_doubt=unsettled is not None)
            # Nodes that want to write at once must not go on fencing each other in step.
            self._stopping.wait(random.uniform(0, longest))  # noqa: S311 - no secret
            longest = min(2 * longest, _LONGEST_WAIT_SECONDS)

    def _claimed(self) -> bool:
        """Whether this node is the writer and has applied all that was written before."""
        try:
            end = self._log.claim()
        except JavaFault as fault:
            _LOG.info("the command topic cannot be written now: %s", fault)
            return False
        if end is not None:
            self._reader.catch_up(end, _CATCH_UP_SECONDS)
        return True

    def _unwritten(self, *, in_doubt: bool) -> KsqlError:
        doubt = " It may have been written all the same." if in_doubt else ""
        return ServerFault(
            "Could not write the statement into the command topic: other nodes are writing, or "
            f"the broker does not answer.{doubt}\nCaused by: {self._log.last_failure}"
        )
