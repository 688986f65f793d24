"""A persistent query that could not be started: it is there, in error, and says why."""

from __future__ import annotations

import time

from lab.ksqldb.errors import KsqlError
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.queries import Lag, Traffic


class _NoTopology:
    description = ""
    store = None


class Broken:
    """Stands where a Kafka Streams application would; can be ended or replaced as one."""

    state = "ERROR"
    topology = _NoTopology()

    def __init__(self, error: KsqlError) -> None:
        causes = error.causes if isinstance(error, JavaFault) else ()
        told = "".join(f"\nCaused by: {cause}" for cause in causes)
        message = f"The query could not be started: {error.message}{told}"
        self._failure = (time.time_ns() // 1_000_000, message, "SYSTEM")

    def failures(self) -> list[tuple[int, str, str]]:
        """Time in ms, message and kind of the one failure."""
        return [self._failure]

    def traffic(self, _topic: str) -> Traffic:
        """Nothing is read or written."""
        return Traffic()

    def tasks(self) -> list[tuple[str, str, int, int, int]]:
        """There are none."""
        return []

    def nodes(self) -> list[str]:
        """It runs nowhere."""
        return []

    def lags(self) -> list[Lag]:
        """It has no stores."""
        return []

    def assignment(self) -> list[tuple[str, ...]]:
        """No node has anything of it."""
        return []

    def pause(self) -> None:
        """Nothing runs."""

    def resume(self) -> None:
        """Nothing can go on."""

    def close(self, *, timeout_ms: int, forget: bool) -> bool:
        """Nothing is left to end."""
        del timeout_ms, forget
        return True
