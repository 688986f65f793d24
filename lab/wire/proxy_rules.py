"""What a Kafka proxy does to which requests and answers, and what it saw: plain data."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from lab.wire.api_keys import require_api
from lab.wire.requests import RequestHead

Way = Literal["request", "answer"]
Deed = Literal["delay", "drop", "cut"]
Fate = Literal["passed", "delayed", "dropped", "cut"]

_FATES: dict[Deed, Fate] = {"delay": "delayed", "drop": "dropped", "cut": "cut"}


@dataclass
class Rule:
    """Something to do to frames that go one way and belong to one kind of request.

    ``delay`` passes the frame on after ``seconds``; ``drop`` keeps it to itself and lets the
    connection live, so that the other side waits in vain; ``cut`` closes the connection instead of
    passing it on. The first ``skip`` frames that fit are let through, then ``times`` are treated
    (None: all). ``client_id`` restricts the rule to one client.
    """

    api: str
    way: Way
    deed: Deed
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    client_id: str | None = None
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        require_api(self.api)
        self._lock = threading.Lock()

    def takes(self, way: Way, head: RequestHead) -> bool:
        """Whether this frame is to be treated; counts it."""
        if way != self.way or head.api != self.api:
            return False
        if self.client_id not in {None, head.client_id}:
            return False
        with self._lock:
            if self.skip > 0:
                self.skip -= 1
                return False
            if self.times is not None and self.done >= self.times:
                return False
            self.done += 1
            return True

    @property
    def fate(self) -> Fate:
        """What becomes of a frame that is treated."""
        return _FATES[self.deed]


@dataclass(frozen=True)
class Frame:
    """A request or an answer as the proxy saw it.

    ``at_ns`` is nanoseconds since the epoch; ``connection`` counts the proxy's connections;
    ``size`` is in bytes, without the frame's length. An answer carries its request's api, version
    and client. ``body`` is the whole frame, kept for Produce requests only.
    """

    at_ns: int
    connection: int
    broker: str
    way: Way
    api: str
    api_version: int
    correlation_id: int
    client_id: str | None
    size: int
    fate: Fate
    body: bytes = field(default=b"", repr=False)
