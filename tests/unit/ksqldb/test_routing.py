"""Which nodes a pull query asks, in which order, when some cannot answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lab.ksqldb.errors import Unavailable
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.runtime import routing
from lab.ksqldb.runtime.peers import ACTIVE_ONLY, Host, PeerAnswer, PeerFault
from lab.ksqldb.runtime.routing import NO_LIMIT, Ask, Router

A, B, C = (Host(name, 8088) for name in "abc")


class Nodes:
    """The other nodes: what each answers, by whether a copy will do; None is no answer at all."""

    own = A

    def __init__(self, **answers: Mapping[bool, int] | None) -> None:
        self._answers = answers
        self.asked: list[tuple[str, bool]] = []

    def post(self, host: Host, _path: str, body: Any, **_options: Any) -> PeerAnswer:
        stale = not body["requestProperties"][ACTIVE_ONLY]
        self.asked.append((host.host, stale))
        found = self._answers[host.host]
        if found is None:
            raise PeerFault("no route")
        if stale not in found:
            return PeerAnswer(503, b'{"message": "it restores"}')
        return PeerAnswer(200, f"{{}}\n[{found[stale]}]\n".encode())


class Reader:
    """Where one partition is, and a store that another table's would be as well."""

    store = "s"

    def __init__(self, active: Host, *standbys: Host) -> None:
        self._place = (str(active), tuple(map(str, standbys)))

    def alone(self) -> bool:
        return False

    def repartitioned(self) -> bool:
        return True

    def places(self) -> dict[int, tuple[str, tuple[str, ...]]]:
        return {0: self._place}


def answered(
    nodes: Nodes, reader: Reader, own: Mapping[bool, int], *, standbys: bool = True
) -> Any:
    """The row that a pull query on the node A gives; ``own`` is what A has itself."""

    def read(_partitions: Sequence[int] | None, stale: bool, _plain: bool) -> bytes:
        if stale not in own:
            raise JavaFault("InvalidStateStoreException", "it restores")
        return f"[{own[stale]}]\n".encode()

    settings = {
        "ksql.query.pull.enable.standby.reads": str(standbys).lower(),
        "ksql.query.pull.max.allowed.offset.lag": str(NO_LIMIT),
        "ksql.query.pull.forwarding.timeout.ms": "1000",
    }
    peers: Any = nodes
    played: Any = reader
    router = Router(peers, lambda _: True, lambda *_: None, lags_known=False)
    ask = Ask(
        "T", "app", played, None, read, lambda _, rows: b"".join(rows), lambda: False, "", {},
        settings, 0,
    )  # fmt: skip
    try:
        return json.loads(router.answer(ask))
    finally:
        router.close()


def test_the_owner_answers() -> None:
    nodes = Nodes(b={False: 1})
    assert answered(nodes, Reader(B, C), {}) == [1]
    assert nodes.asked == [("b", False)]


def test_a_copy_is_better_than_what_an_owner_has_restored_so_far() -> None:
    nodes = Nodes(b={True: 1}, c={True: 2})
    assert answered(nodes, Reader(B, C), {}) == [2]
    assert nodes.asked == [("b", False), ("c", True)]
    assert answered(nodes, Reader(A, C), {True: 1}) == [2]
    assert answered(nodes, Reader(B, A), {True: 3}) == [3]


def test_what_an_owner_has_restored_is_better_than_nothing() -> None:
    nodes = Nodes(b={True: 1}, c=None)
    assert answered(nodes, Reader(B, C), {}) == [1]
    assert nodes.asked == [("b", False), ("c", True), ("b", True)]
    assert answered(Nodes(), Reader(A), {True: 4}) == [4]


def test_a_node_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_DEAD_SECONDS", -1.0)
    nodes = Nodes(b=None)
    with pytest.raises(Unavailable, match="b:8088: no route"):
        answered(nodes, Reader(B), {})
    assert nodes.asked == [("b", False)]


def test_without_standby_reads_only_the_owner_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_DEAD_SECONDS", -1.0)
    nodes = Nodes(b={True: 1}, c={True: 2})
    with pytest.raises(Unavailable, match="reads is false"):
        answered(nodes, Reader(B, C), {}, standbys=False)
    assert nodes.asked == [("b", False)]
