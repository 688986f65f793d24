"""This node's part in the cluster: who else is there, who lives, and what each of them has."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ssl import SSLContext
from typing import Any, TypeVar

from lab.ksqldb.config import ServerConfig
from lab.ksqldb.errors import KsqlError
from lab.ksqldb.jvm.queries import Lag
from lab.ksqldb.runtime.heartbeats import Heartbeats, HeartbeatSettings
from lab.ksqldb.runtime.lags import Lags
from lab.ksqldb.runtime.peers import INTERNAL, Host, PeerAnswer, PeerFault, Peers
from lab.ksqldb.runtime.persistent import PersistentQueries
from lab.ksqldb.runtime.routing import Router

T = TypeVar("T")
_ASK_SECONDS = 5.0
"""How long a node is waited for that tells about its queries."""


class Cluster:
    """The nodes with this one's service id, as far as they share queries with it."""

    def __init__(
        self,
        config: ServerConfig,
        persistent: PersistentQueries,
        tls: SSLContext | None = None,
    ) -> None:
        """With ``tls`` nodes speak HTTPS to each other."""
        effective = config.effective()
        self._persistent = persistent
        self.peers = Peers(config, self._nodes, tls)
        self.heartbeats = Heartbeats(HeartbeatSettings.of(effective), self.peers)
        self.lags = Lags(
            effective["ksql.lag.reporting.enable"].lower() == "true",
            int(effective["ksql.lag.reporting.send.interval.ms"]) / 1000,
            self.peers,
            self._measured,
        )
        self.router = Router(self.peers, self.heartbeats.alive, self.lags.lag, self.lags.enabled)
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="ask-node")

    @property
    def own(self) -> Host:
        """This node."""
        return self.peers.own

    def start(self) -> None:
        """Begin to tell the others of this node."""
        self.heartbeats.start()
        self.lags.start()

    def stop(self) -> None:
        """Tell them nothing more."""
        self.heartbeats.stop()
        self.lags.stop()
        self.router.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.peers.close()

    def _nodes(self) -> list[str]:
        found: list[str] = []
        for query in self._persistent.all():
            with contextlib.suppress(KsqlError):  # a query that does not run has no nodes
                found += query.app.nodes()
        return found

    def _measured(self) -> dict[str, list[Lag]]:
        found: dict[str, list[Lag]] = {}
        for query in self._persistent.all():
            with contextlib.suppress(KsqlError):  # as above
                found[self._persistent.application_id(query.id)] = query.app.lags()
        return found

    def ask_others(
        self, statement: str, use: Callable[[Any], T]
    ) -> tuple[dict[Host, T], list[Host]]:
        """What the other nodes answer to a statement for themselves alone, and who did not.

        ``use`` takes what it needs of an answer's body. A node that counts as dead is not asked.
        """
        answers: dict[Host, T] = {}
        silent: list[Host] = []
        asked = {}
        for host in self.peers.others():
            if self.heartbeats.alive(host):
                asked[host] = self._pool.submit(self._ask, host, statement)
            else:
                silent.append(host)
        for host, future in asked.items():
            try:
                answer = future.result()
                if answer.status != 200:
                    raise PeerFault(answer.reason())
                answers[host] = use(answer.json())
            except (PeerFault, KeyError, TypeError, IndexError):
                silent.append(host)
        return answers, silent

    def _ask(self, host: Host, statement: str) -> PeerAnswer:
        body = {"ksql": statement, "streamsProperties": {}, "requestProperties": {INTERNAL: True}}
        return self.peers.post(host, "/ksql", body, timeout_seconds=_ASK_SECONDS)

    def status(self) -> dict[str, Any]:
        """All nodes as /clusterStatus shows them."""
        assignments = self._assignments()
        now = time.time_ns() // 1_000_000
        known = {host: (s.alive, s.updated_ms) for host, s in self.heartbeats.statuses().items()}
        known[self.own] = (True, now)
        return {
            str(host): {
                "hostAlive": alive,
                "lastStatusUpdateMs": updated_ms,
                "activeStandbyPerQuery": assignments.get(str(host), {}),
                "hostStoreLags": self.lags.of(host).entity(),
            }
            for host, (alive, updated_ms) in sorted(known.items())
        }

    def _assignments(self) -> dict[str, dict[str, Any]]:
        """By node and query: stores and partitions, active and standby."""
        found: dict[str, dict[str, Any]] = {}
        for query in self._persistent.all():
            try:
                rows = query.app.assignment()
            except KsqlError:
                continue
            for node, kind, what, *rest in rows:
                members = found.setdefault(node, {}).setdefault(
                    str(query.id),
                    {
                        "activeStores": [],
                        "activePartitions": [],
                        "standByStores": [],
                        "standByPartitions": [],
                    },
                )
                prefix = "active" if kind == "active" else "standBy"
                if what == "store":
                    members[f"{prefix}Stores"].append(rest[0])
                else:
                    one = {"topic": rest[0], "partition": int(rest[1])}
                    members[f"{prefix}Partitions"].append(one)
        return found
