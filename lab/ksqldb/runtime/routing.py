"""Pull queries on tables over several nodes: which node answers for which partition.

The node that has a partition answers for it. One that is dead, too far behind, or still restoring
it is passed over; where standby reads are allowed, a node with a copy answers then, the one least
behind first, and last the one that restores.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from lab.ksqldb.errors import Unavailable
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.queries import TableReader
from lab.ksqldb.runtime.peers import (
    ACTIVE_ONLY,
    INTERNAL,
    PARTITIONS,
    SKIP_FORWARDING,
    Host,
    PeerFault,
    Peers,
)

STANDBY_READS = "ksql.query.pull.enable.standby.reads"
MAX_LAG = "ksql.query.pull.max.allowed.offset.lag"
FORWARDING_TIMEOUT = "ksql.query.pull.forwarding.timeout.ms"
NO_LIMIT = 2**63 - 1

_STORE_SECONDS = 10.0
"""How long a query waits for partitions that are being assigned or opened."""
_DEAD_SECONDS = 2.0
"""How long it waits when every node that could answer is dead."""
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Place:
    """Where a partition is."""

    partition: int
    active: Host | None
    standbys: tuple[Host, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Choice:
    """A node to be asked; ``stale``: for what it has, if that is a copy or not all yet."""

    host: Host
    stale: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What one node knows of the others, as far as it decides who answers."""

    alive: Callable[[Host], bool]
    lag: Callable[[Host, int], int | None]
    standby_reads: bool = False
    max_lag: int = NO_LIMIT

    def candidates(self, place: Place) -> list[Choice]:
        """The nodes that may answer for a partition, the first choice first."""
        active = [] if place.active is None else [place.active]
        choices = [Choice(host) for host in active]
        if self.standby_reads:
            standbys = sorted(
                (host for host in place.standbys if host != place.active),
                key=lambda host: (self._known_lag(host, place.partition), host),
            )
            choices += [Choice(host, stale=True) for host in [*standbys, *active]]
        return [choice for choice in choices if self._usable(choice.host, place.partition)]

    def _usable(self, host: Host, partition: int) -> bool:
        in_time = self.max_lag == NO_LIMIT or self._known_lag(host, partition) <= self.max_lag
        return in_time and self.alive(host)

    def _known_lag(self, host: Host, partition: int) -> int:
        # One that nothing is known of is no better than any.
        found = self.lag(host, partition)
        return NO_LIMIT if found is None else found

    def why_not(self, place: Place) -> str:
        """Why nobody may answer for a partition."""
        hosts = [h for h in (place.active, *place.standbys) if h is not None]
        if not hosts:
            return f"partition {place.partition} is with no node"
        told = []
        for host in dict.fromkeys(hosts):
            if not self.alive(host):
                told.append(f"{host} is dead")
            elif host != place.active and not self.standby_reads:
                told.append(f"{host} has a copy, but {STANDBY_READS} is false")
            elif self.max_lag != NO_LIMIT and self._known_lag(host, place.partition) > self.max_lag:
                told.append(f"{host} is further behind than {MAX_LAG}")
            else:
                told.append(f"{host} did not answer")
        return f"partition {place.partition}: {', '.join(told)}"


def spread(
    places: Sequence[Place], view: View, failed: Collection[Choice]
) -> tuple[dict[Choice, list[int]], list[Place]]:
    """The partitions that each node is to be asked for, and those that nobody is left for."""
    found: dict[Choice, list[int]] = {}
    left: list[Place] = []
    for place in places:
        choice = next((c for c in view.candidates(place) if c not in failed), None)
        if choice is None:
            left.append(place)
        else:
            found.setdefault(choice, []).append(place.partition)
    return found, left


@dataclass(frozen=True, slots=True)
class Ask:
    """One pull query on a table.

    ``read`` answers from this node's store, given partitions (None: all that are active here),
    whether copies will do, and whether rows are to be plain: one JSON array a line. ``framed``
    makes a node's plain rows those of the answer, of which there are at most ``limit`` unless that
    is negative. ``only`` are the partitions that another node asks this one for; then nothing is
    forwarded. ``active_only``: copies will not do, whatever the settings say.
    """

    table: str
    application: str
    reader: TableReader
    lookups: Sequence[Any] | None
    read: Callable[[Sequence[int] | None, bool, bool], bytes]
    framed: Callable[[Host, list[bytes]], bytes]
    failed: Callable[[], bool]
    statement: str
    properties: Mapping[str, str]
    settings: Mapping[str, str]
    applied: int
    limit: int = -1
    forwarded: bool = False
    only: tuple[int, ...] | None = None
    active_only: bool = False


@dataclass(slots=True)
class _Attempt:
    """What became of one attempt: an answer, or rows by node; and why they are not all."""

    answer: bytes | None = None
    rows: dict[Host, list[bytes]] = field(default_factory=dict)
    failed: dict[Choice, str] = field(default_factory=dict)
    problem: str | None = None
    hopeless: bool = False

    def add(self, host: Host, rows: list[bytes]) -> None:
        """Note a node's rows."""
        if rows:
            self.rows.setdefault(host, []).extend(rows)


class _NotNow(PeerFault):
    """A node has answered that it cannot now."""


def _framed(ask: Ask, rows: Mapping[Host, list[bytes]]) -> bytes:
    left = sys.maxsize if ask.limit < 0 else ask.limit
    parts = []
    for host, found in rows.items():
        taken = found[:left]
        left -= len(taken)
        if taken:
            parts.append(ask.framed(host, taken))
    return b"".join(parts)


class Router:
    """Answers pull queries on tables, wherever their rows are."""

    def __init__(
        self,
        peers: Peers,
        alive: Callable[[Host], bool],
        lag: Callable[[Host, str, str, int], int | None],
        lags_known: bool,
    ) -> None:
        self._peers = peers
        self._alive = alive
        self._lag = lag
        self._lags_known = lags_known
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(50, thread_name_prefix="forward")

    def answer(self, ask: Ask) -> bytes:
        """The rows of the whole table or of the keys asked for, framed.

        Raises:
            Unavailable: some partitions cannot be read now.
        """
        begun = time.monotonic()
        while True:
            attempt = self._attempt(ask)
            if attempt.answer is not None:
                return attempt.answer
            if attempt.problem is None:
                return _framed(ask, attempt.rows)
            patience = _DEAD_SECONDS if attempt.hopeless else _STORE_SECONDS
            late = time.monotonic() - begun > patience
            # Another node that asks has others to ask, and knows better when to try again.
            over = late or ask.forwarded or ask.failed()
            # Stores tell nobody when they open.
            pause = _PAUSE_SECONDS if not attempt.hopeless else 10 * _PAUSE_SECONDS
            if over or self._closing.wait(pause):
                raise Unavailable(f"Unable to execute pull query on {ask.table}: {attempt.problem}")

    def _attempt(self, ask: Ask) -> _Attempt:
        stale = ask.settings[STANDBY_READS].lower() == "true" and not ask.active_only
        max_lag = int(ask.settings[MAX_LAG]) if self._lags_known else NO_LIMIT
        attempt = _Attempt()
        try:
            if ask.forwarded or (max_lag == NO_LIMIT and ask.reader.alone()):
                attempt.answer = ask.read(ask.only, stale and ask.only is not None, False)
                return attempt
            places = [
                Place(
                    partition,
                    None if active is None else Host.parse(active),
                    tuple(map(Host.parse, standbys)),
                )
                for partition, (active, standbys) in ask.reader.places().items()
            ]
            wanted = None if ask.lookups is None else set(ask.reader.partitions(ask.lookups))
        except JavaFault as fault:
            attempt.problem = fault.message
            return attempt
        view = View(self._alive, self._lag_of(ask), stale, max_lag)
        if wanted is None:
            self._gather(ask, places, view, attempt)
            return attempt
        self._gather(ask, [p for p in places if p.partition in wanted], view, attempt)
        others = [p for p in places if p.partition not in wanted]
        if (
            attempt.problem is None
            and not attempt.rows
            and others
            and not ask.reader.repartitioned()
        ):
            # Producers may have chosen another partition for the key than Kafka's own would.
            self._gather(ask, others, view, attempt)
        return attempt

    def _lag_of(self, ask: Ask) -> Callable[[Host, int], int | None]:
        store = str(ask.reader.store)
        return lambda host, partition: self._lag(host, ask.application, store, partition)

    def _gather(self, ask: Ask, places: Sequence[Place], view: View, attempt: _Attempt) -> None:
        """Ask nodes until every partition is answered for, or nobody is left to be asked."""
        own = self._peers.own
        left = list(places)
        while left:
            chosen, nobody = spread(left, view, attempt.failed)
            if nobody:
                told = [view.why_not(place) for place in nobody]
                reasons = {choice.host: reason for choice, reason in attempt.failed.items()}
                told += [f"{host}: {reason}" for host, reason in reasons.items()]
                attempt.problem = "; ".join(told)
                attempt.hopeless = own not in reasons
                return
            remote = {
                choice: self._pool.submit(self._forward, choice, partitions, ask)
                for choice, partitions in chosen.items()
                if choice.host != own
            }
            done: set[int] = set()
            for choice, partitions in chosen.items():
                try:
                    if choice in remote:
                        rows = remote[choice].result()
                    else:
                        rows = ask.read(partitions, choice.stale, True).split(b"\n")[:-1]
                except _NotNow as fault:
                    attempt.failed[choice] = fault.message
                except PeerFault as fault:  # what does not answer has nothing older either
                    attempt.failed[choice] = fault.message
                    attempt.failed[Choice(choice.host, not choice.stale)] = fault.message
                except JavaFault as fault:
                    attempt.failed[choice] = fault.message
                else:
                    attempt.add(choice.host, rows)
                    done.update(partitions)
            left = [place for place in left if place.partition not in done]

    def _forward(self, choice: Choice, partitions: Sequence[int], ask: Ask) -> list[bytes]:
        """A node's rows of some partitions, one JSON array each.

        Raises:
            PeerFault: it does not answer.
        """
        answer = self._peers.post(
            choice.host,
            "/query-stream",
            {
                "sql": ask.statement,
                "properties": dict(ask.properties),
                "requestProperties": {
                    INTERNAL: True,
                    SKIP_FORWARDING: True,
                    PARTITIONS: ",".join(map(str, partitions)),
                    ACTIVE_ONLY: not choice.stale,
                },
                "commandSequenceNumber": ask.applied,
            },
            timeout_seconds=int(ask.settings[FORWARDING_TIMEOUT]) / 1000,
            accept="application/vnd.ksqlapi.delimited.v1",
        )
        if answer.status != 200:
            raise _NotNow(answer.reason())
        return answer.body.split(b"\n")[1:-1]

    def close(self) -> None:
        """Forward nothing more, and wait for nothing."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
