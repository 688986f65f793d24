"""Lags: each node tells the others how far its stores are behind their changelogs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.ksqldb.errors import KsqlError
from lab.ksqldb.jvm.queries import Lag
from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.runtime.heartbeats import MOST_NODES
from lab.ksqldb.runtime.peers import Host, PeerFault, Peers

_LOG = logging.getLogger(__name__)
_SEND_SECONDS = 2.0

StoreLags = dict[str, dict[int, Lag]]
"""By ``application#store`` and partition."""


@dataclass(frozen=True, slots=True)
class HostLags:
    """What a node said, and when, in ms since 1970 by its clock."""

    stores: StoreLags = field(default_factory=dict)
    updated_ms: int = 0

    def entity(self) -> dict[str, Any]:
        """As requests and /clusterStatus show it."""
        return {
            "stateStoreLags": {
                name: {
                    "lagByPartition": {
                        str(partition): {
                            "currentOffsetPosition": lag.current,
                            "endOffsetPosition": lag.end,
                            "offsetLag": lag.lag,
                        }
                        for partition, lag in sorted(partitions.items())
                    }
                }
                for name, partitions in sorted(self.stores.items())
            },
            "updateTimeMs": self.updated_ms,
        }

    @classmethod
    def of_entity(cls, value: Any) -> HostLags:
        """The lags of a request's body. Raises ValueError."""
        try:
            stores = {
                str(name): {
                    int(partition): Lag(
                        str(name).partition("#")[2],
                        int(partition),
                        int(lag["currentOffsetPosition"]),
                        int(lag["endOffsetPosition"]),
                        int(lag["offsetLag"]),
                    )
                    for partition, lag in found["lagByPartition"].items()
                }
                for name, found in value["stateStoreLags"].items()
            }
            return cls(stores, int(value["updateTimeMs"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no lags: {error!r}") from None


class Lags:
    """Measures, sends and takes lags. ``measure`` gives those of this node by application."""

    def __init__(
        self,
        enabled: bool,
        interval_seconds: float,
        peers: Peers,
        measure: Callable[[], Mapping[str, list[Lag]]],
    ) -> None:
        self.enabled = enabled
        self._interval = interval_seconds
        self._peers = peers
        self._measure = measure
        self._known: dict[Host, HostLags] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, if they are enabled."""
        if self.enabled:
            JavaCaller(target=self._run, name="lags", daemon=True).start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def received(self, host: Host, lags: HostLags) -> None:
        """Note what a node said; of strangers, as many as a cluster may have nodes."""
        if host in self._known or len(self._known) < MOST_NODES:
            self._known[host] = lags

    def of(self, host: Host) -> HostLags:
        """What a node, or this one, said last; nothing if it has not yet."""
        return self._known.get(host, HostLags())

    def lag(self, host: Host, application: str, store: str, partition: int) -> int | None:
        """How many records a node's copy is behind; None where that is not known."""
        found = self.of(host).stores.get(f"{application}#{store}", {}).get(partition)
        return None if found is None else found.lag

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self._report()
            except KsqlError as error:
                _LOG.warning("the lags cannot be measured: %s", error)

    def _report(self) -> None:
        stores: StoreLags = {}
        for application, lags in self._measure().items():
            for lag in lags:
                stores.setdefault(f"{application}#{lag.store}", {})[lag.partition] = lag
        mine = HostLags(stores, time.time_ns() // 1_000_000)
        self.received(self._peers.own, mine)
        body = {"ksqlHost": self._peers.own.entity(), "hostStoreLags": mine.entity()}
        for host in self._peers.others():
            try:
                self._peers.post(host, "/lag", body, timeout_seconds=_SEND_SECONDS)
            except PeerFault as fault:
                _LOG.debug("%s does not take lags: %s", host, fault)
