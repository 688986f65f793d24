"""How many pull queries are answered at once, per second, and how many bytes per hour."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lab.ksqldb.catalog import Schema
from lab.ksqldb.errors import TooManyRequests
from lab.ksqldb.names import QueryId
from lab.ksqldb.runtime.transient import Rows

_HOUR_SECONDS = 3600.0
_MEGABYTE = 1024 * 1024


class Window:
    """Amounts of a span of time that goes with the clock."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._entries: deque[tuple[float, int]] = deque()
        self._sum = 0

    def full(self) -> bool:
        """Whether there is no room for more."""
        now = self._clock()
        while self._entries and self._entries[0][0] <= now - self._seconds:
            self._sum -= self._entries.popleft()[1]
        return self._sum >= self._most

    def add(self, amount: int) -> None:
        """Note an amount."""
        self._entries.append((self._clock(), amount))
        self._sum += amount


@dataclass(frozen=True, slots=True)
class Most:
    """The limits. ``bytes_an_hour`` counts what answers hold."""

    at_once: int
    a_second: int
    bytes_an_hour: int

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Most:
        """As ksqlDB's properties say."""
        return cls(
            int(settings["ksql.query.pull.max.concurrent.requests"]),
            int(settings["ksql.query.pull.max.qps"]),
            int(settings["ksql.query.pull.max.hourly.bandwidth.megabytes"]) * _MEGABYTE,
        )


class PullLimits:
    """Admits pull queries. Safe to share between threads."""

    def __init__(self, most: Most, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._running = 0
        self._second = Window(1.0, most.a_second, clock)
        self._hour = Window(_HOUR_SECONDS, most.bytes_an_hour, clock)

    def admitted(self, start: Callable[[], Rows]) -> Rows:
        """Start a query; its place is free again once its rows are closed.

        Raises:
            TooManyRequests: a limit is reached; nothing is started.
        """
        with self._lock:
            if self._hour.full():
                raise TooManyRequests("Host is at bandwidth rate limit for pull queries.")
            if self._second.full():
                raise TooManyRequests(
                    "Host is at rate limit for pull queries. Currently set to "
                    f"{self._most.a_second} qps."
                )
            if self._running >= self._most.at_once:
                raise TooManyRequests(
                    "Host is at concurrency limit for pull queries. Currently set to "
                    f"{self._most.at_once} maximum concurrent requests."
                )
            self._second.add(1)
            self._running += 1
        try:
            return _Admitted(start(), self)
        except BaseException:
            self.done()
            raise

    def sent(self, amount: int) -> None:
        """Count bytes of answers."""
        with self._lock:
            self._hour.add(amount)

    def done(self) -> None:
        """Free a place."""
        with self._lock:
            self._running -= 1


class _Admitted:
    """Rows that hold a place until they are closed."""

    def __init__(self, rows: Rows, limits: PullLimits) -> None:
        self._rows = rows
        self._limits = limits
        self._lock = threading.Lock()
        self._closed = False
        self.id: QueryId = rows.id
        self.schema: Schema = rows.schema

    @property
    def final(self) -> str | None:
        """As the rows say."""
        return self._rows.final

    def chunks(self) -> Iterator[bytes]:
        """The chunks, counted."""
        for chunk in self._rows.chunks():
            if chunk:
                self._limits.sent(len(chunk))
            yield chunk

    def close(self) -> None:
        """End it and free its place."""
        with self._lock:
            first = not self._closed
            self._closed = True
        self._rows.close()
        if first:
            self._limits.done()
