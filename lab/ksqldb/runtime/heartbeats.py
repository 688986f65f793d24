"""Heartbeats: each node tells the others that it lives, and notes who has told it so.

They find a dead node in a fraction of the time after which Kafka's group protocol gives its
partitions to others, so that pull queries need not wait for that.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.runtime.peers import Host, PeerFault, Peers

MOST_NODES = 1000


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """Times in seconds; ``missed`` heartbeats in a row make a node count as dead."""

    enabled: bool
    send: float = 0.1
    check: float = 0.2
    window: float = 2.0
    discover: float = 2.0
    missed: int = 3
    forget: float = 300.0
    """After how long a node is forgotten that is dead and that no query knows any more."""

    @classmethod
    def of(cls, effective: Mapping[str, str]) -> HeartbeatSettings:
        """The settings among the server's properties."""

        def seconds(name: str) -> float:
            return int(effective[f"ksql.heartbeat.{name}.interval.ms"]) / 1000

        return cls(
            effective["ksql.heartbeat.enable"].lower() == "true",
            seconds("send"),
            seconds("check"),
            int(effective["ksql.heartbeat.window.ms"]) / 1000,
            seconds("discover"),
            int(effective["ksql.heartbeat.missed.threshold.ms"]),
        )


@dataclass(frozen=True, slots=True)
class HostStatus:
    """Whether a node counts as alive, and when that was found out, in ms since 1970."""

    alive: bool
    updated_ms: int


def is_alive(now: float, last: float, settings: HeartbeatSettings) -> bool:
    """Whether a node counts as alive whose last heartbeat came then; times in seconds.

    Heartbeats count within the window only.
    """
    silent = now - last
    return silent <= settings.window and int(silent / settings.send) < settings.missed


class Heartbeats:
    """Sends and takes heartbeats. Without them every node counts as alive."""

    def __init__(self, settings: HeartbeatSettings, peers: Peers) -> None:
        self.settings = settings
        self._peers = peers
        self._last: dict[Host, float] = {}
        self._status: dict[Host, HostStatus] = {}
        self._senders: dict[Host, threading.Event] = {}
        self._named: dict[Host, float] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin, if they are enabled."""
        if self.settings.enabled:
            JavaCaller(target=self._discover, name="heartbeat-discover", daemon=True).start()
            threading.Thread(target=self._check, name="heartbeat-check", daemon=True).start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        with self._lock:
            for ended in self._senders.values():
                ended.set()

    def received(self, host: Host) -> None:
        """Note a heartbeat. The time is this node's own: clocks of nodes differ.

        Of strangers, as many are noted as a cluster may have nodes.
        """
        with self._lock:
            if host in self._last or len(self._last) < MOST_NODES:
                self._last[host] = time.monotonic()

    def alive(self, host: Host) -> bool:
        """Whether a node counts as alive; one that nothing is known of does."""
        with self._lock:
            status = self._status.get(host)
        return status is None or status.alive

    def statuses(self) -> dict[Host, HostStatus]:
        """What is known of each other node."""
        with self._lock:
            return dict(self._status)

    def _discover(self) -> None:
        while not self._stopping.is_set():
            self.discover()
            self._stopping.wait(self.settings.discover)

    def discover(self) -> None:
        """Begin to tell new nodes of this one, and forget those that are gone for good."""
        now = time.monotonic()
        for host in self._peers.others():
            self._named[host] = now
            self._meet(host)
        for host, named in list(self._named.items()):
            if now - named > self.settings.forget and not self.alive(host):
                del self._named[host]
                self._forget(host)

    def _forget(self, host: Host) -> None:
        with self._lock:
            self._senders.pop(host).set()
            self._status.pop(host)
            self._last.pop(host)
        self._peers.forget(host)

    def _meet(self, host: Host) -> None:
        with self._lock:
            if host in self._senders:
                return
            self._last.setdefault(host, time.monotonic())
            self._status[host] = HostStatus(alive=True, updated_ms=_now_ms())
            ended = self._senders[host] = threading.Event()
            if self._stopping.is_set():
                ended.set()
        threading.Thread(
            target=self._send, args=(host, ended), name=f"heartbeat-{host}", daemon=True
        ).start()

    def _send(self, host: Host, ended: threading.Event) -> None:
        body = {"hostInfo": self._peers.own.entity()}
        while not ended.is_set():
            begun = time.monotonic()
            # A node that does not get it draws its own conclusions, as this one does.
            with contextlib.suppress(PeerFault):
                self._peers.post(
                    host,
                    "/heartbeat",
                    {**body, "timestamp": _now_ms()},
                    timeout_seconds=self.settings.window,
                )
            ended.wait(max(0.0, self.settings.send - (time.monotonic() - begun)))

    def _check(self) -> None:
        while not self._stopping.wait(self.settings.check):
            self.check()

    def check(self) -> None:
        """Draw conclusions from what was received so far."""
        now, stamp = time.monotonic(), _now_ms()
        with self._lock:
            for host in self._status:
                alive = is_alive(now, self._last[host], self.settings)
                self._status[host] = HostStatus(alive, stamp)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
