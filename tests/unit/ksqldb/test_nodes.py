"""Which node answers for which partition, who is alive, and what nodes tell of each other."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from support.ksqldb_server import until
from support.ports import next_port

from lab.ksqldb.config import ServerConfig, unusable_value
from lab.ksqldb.errors import BadRequest
from lab.ksqldb.names import ServiceId
from lab.ksqldb.rest import cluster
from lab.ksqldb.runtime.cluster import Cluster
from lab.ksqldb.runtime.heartbeats import MOST_NODES, Heartbeats, HeartbeatSettings, is_alive
from lab.ksqldb.runtime.lags import HostLags
from lab.ksqldb.runtime.peers import Host, Peers
from lab.ksqldb.runtime.routing import NO_LIMIT, Choice, Place, View, spread

A, B, C = (Host(name, 8088) for name in "abc")


def view(
    *,
    dead: tuple[Host, ...] = (),
    lags: dict[Host, int] | None = None,
    standby_reads: bool = True,
    max_lag: int = NO_LIMIT,
) -> View:
    known = lags or {}
    return View(
        lambda host: host not in dead, lambda host, _: known.get(host), standby_reads, max_lag
    )


PLACE = Place(0, A, (B, C))
A_NOW, B_NOW, C_NOW = Choice(A), Choice(B), Choice(C)
A_OLD, B_OLD, C_OLD = Choice(A, stale=True), Choice(B, stale=True), Choice(C, stale=True)


def test_the_active_node_answers_while_it_lives() -> None:
    assert view().candidates(PLACE)[0] == A_NOW
    assert view(standby_reads=False).candidates(PLACE) == [A_NOW]


def test_one_that_still_restores_is_the_last_choice() -> None:
    assert view(lags={B: 0, C: 1}).candidates(PLACE) == [A_NOW, B_OLD, C_OLD, A_OLD]


def test_a_copy_answers_for_a_dead_node_the_nearest_first() -> None:
    behind = {B: 500, C: 3}
    assert view(dead=(A,), lags=behind).candidates(PLACE) == [C_OLD, B_OLD]
    assert view(dead=(A, C), lags=behind).candidates(PLACE) == [B_OLD]
    assert view(dead=(A,), lags={B: 500}).candidates(PLACE) == [B_OLD, C_OLD]
    assert view(dead=(A,), standby_reads=False).candidates(PLACE) == []


def test_nodes_too_far_behind_are_passed_over() -> None:
    behind = {A: 0, B: 500, C: 3}
    assert view(lags=behind, max_lag=10).candidates(PLACE) == [A_NOW, C_OLD, A_OLD]
    assert view(lags=behind | {A: 11}, max_lag=10).candidates(PLACE) == [C_OLD]
    # Nothing is known of A: it may be any distance behind.
    assert view(lags={C: 3}, max_lag=10).candidates(PLACE) == [C_OLD]
    assert view(lags={C: 3}, dead=(C,), max_lag=10).candidates(PLACE) == []


def test_partitions_are_spread_over_those_that_have_not_failed() -> None:
    places = [Place(0, A, (B,)), Place(1, B, (A,)), Place(2, None, (C,)), Place(3, C)]
    assert spread(places, view(), ()) == (
        {A_NOW: [0], B_NOW: [1], C_OLD: [2], C_NOW: [3]},
        [],
    )
    assert spread(places, view(), {A_NOW}) == (
        {B_OLD: [0], B_NOW: [1], C_OLD: [2], C_NOW: [3]},
        [],
    )
    gone = view(dead=(A,))
    assert spread(places, gone, {B_NOW, B_OLD}) == ({C_OLD: [2], C_NOW: [3]}, places[:2])


def test_why_nobody_answers_is_said() -> None:
    assert view(dead=(A, B), lags={}).why_not(Place(7, A, (B,))) == (
        "partition 7: a:8088 is dead, b:8088 is dead"
    )
    assert "with no node" in view().why_not(Place(1, None))
    assert "standby.reads is false" in view(standby_reads=False, dead=(A,)).why_not(PLACE)
    assert "further behind" in view(lags={A: 9}, max_lag=1).why_not(Place(0, A))
    assert "did not answer" in view().why_not(Place(0, A))


@pytest.mark.parametrize(
    ("silent", "alive"),
    [(0.0, True), (0.19, True), (0.29, True), (0.31, False), (2.5, False)],
)
def test_three_heartbeats_missed_are_a_death(silent: float, *, alive: bool) -> None:
    assert is_alive(100.0 + silent, 100.0, HeartbeatSettings(enabled=True)) is alive


def test_heartbeats_out_of_the_window_do_not_count() -> None:
    slow = HeartbeatSettings(enabled=True, send=10.0, window=2.0, missed=3)
    assert is_alive(101.0, 100.0, slow)
    assert not is_alive(103.0, 100.0, slow)


def test_a_node_is_alive_until_the_contrary_is_seen(tmp_path: Path) -> None:
    heartbeats = Heartbeats(HeartbeatSettings(enabled=True), Peers(config(tmp_path), list))
    heartbeats.check()
    assert heartbeats.alive(A)
    assert heartbeats.statuses() == {}


def config(tmp_path: Path, **properties: str) -> ServerConfig:
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return ServerConfig("b:9092", "0.0.0.0", 8088, ServiceId("x_"), tmp_path, properties=named)


def test_a_node_is_known_by_the_address_that_it_advertises(tmp_path: Path) -> None:
    assert config(tmp_path).address != "0.0.0.0:8088"
    own = config(tmp_path, ksql_advertised_listener="http://node-1.example:9000")
    assert own.address == "node-1.example:9000"
    others = Peers(own, lambda: ["b:1", "node-1.example:9000", "a:2", "b:1"]).others()
    assert others == [Host("a", 2), Host("b", 1)]
    for wrong in ("node-1:9000", "http://node-1", "ftp://node-1:9000", "http://node-1:port"):
        assert unusable_value("ksql.advertised.listener", wrong) is not None


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("ksql.heartbeat.enable", "yes", "TRUE"),
        ("ksql.heartbeat.send.interval.ms", "0", "100"),
        ("ksql.heartbeat.send.interval.ms", "often", "100"),
        ("ksql.lag.reporting.send.interval.ms", "-1", "5000"),
        ("ksql.query.pull.max.allowed.offset.lag", "-1", "0"),
    ],
)
def test_settings_are_checked(name: str, wrong: str, right: str) -> None:
    assert name in (unusable_value(name, wrong) or "")
    assert unusable_value(name, right) is None


def test_strangers_do_not_fill_the_memory(tmp_path: Path) -> None:
    heartbeats = Heartbeats(HeartbeatSettings(enabled=True), Peers(config(tmp_path), list))
    for n in range(2 * MOST_NODES):
        heartbeats.received(Host("stranger", n))
    assert len(heartbeats._last) == MOST_NODES


def test_a_node_that_is_gone_for_good_is_forgotten(tmp_path: Path) -> None:
    gone = f"127.0.0.1:{next_port()}"
    nodes = [gone]
    settings = HeartbeatSettings(enabled=True, send=0.01, window=0.01, forget=0.1)
    heartbeats = Heartbeats(settings, Peers(config(tmp_path), lambda: nodes))

    def senders() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t.name == f"heartbeat-{gone}"]

    def dead() -> bool:
        heartbeats.check()
        return not heartbeats.alive(Host.parse(gone))

    def forgotten() -> bool:
        heartbeats.check()
        heartbeats.discover()
        return heartbeats.statuses() == {} and not senders()

    try:
        heartbeats.discover()
        assert len(senders()) == 1
        until(dead, "its death")
        named_until = time.monotonic() + 2 * settings.forget
        while time.monotonic() < named_until:  # dead, but a query still names it
            assert not forgotten()
        nodes.clear()
        until(forgotten, "the end of what is sent to it")
        nodes.append(gone)
        heartbeats.discover()
        assert list(heartbeats.statuses()) == [Host.parse(gone)]
        assert len(senders()) == 1
    finally:
        heartbeats.stop()
    until(lambda: not senders(), "the end of the sender")


def test_the_internal_listener_is_bound_and_advertised(tmp_path: Path) -> None:
    own = config(tmp_path, listeners="http://0.0.0.0:8088", ksql_internal_listener="https://n:9")
    assert [str(one) for one in own.bound] == ["http://0.0.0.0:8088", "https://n:9"]
    assert (own.address, own.advertised.secure) == ("n:9", True)
    named = config(
        tmp_path,
        ksql_internal_listener="http://0.0.0.0:9",
        ksql_advertised_listener="http://n:10",
    )
    assert (named.address, len(named.bound)) == ("n:10", 2)
    same = config(tmp_path, listeners="http://a:1,http://b:2", ksql_internal_listener="http://b:2")
    assert (same.internal, len(same.bound)) == (None, 2)
    for wrong in ("n:9", "http://n", "http://a:1,http://b:2", ""):
        assert "internal" in (unusable_value("ksql.internal.listener", wrong) or "")


LAGS = {
    "stateStoreLags": {
        "app#store": {
            "lagByPartition": {
                "1": {"currentOffsetPosition": 5, "endOffsetPosition": 9, "offsetLag": 4}
            }
        }
    },
    "updateTimeMs": 17,
}


def test_lags_are_told_as_they_were_taken() -> None:
    taken = HostLags.of_entity(LAGS)
    assert taken.stores["app#store"][1].lag == 4
    assert taken.entity() == LAGS


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ksqlHost": {"host": "a", "port": 1}},
        {"ksqlHost": {"host": "a", "port": "x"}, "hostStoreLags": LAGS},
        {"ksqlHost": {"host": "a", "port": 1}, "hostStoreLags": {"stateStoreLags": 3}},
        {"ksqlHost": {"host": "a", "port": 1}, "hostStoreLags": [1]},
    ],
)
def test_what_is_no_report_is_refused(body: dict[str, object]) -> None:
    nobody = object.__new__(Cluster)
    with pytest.raises(BadRequest):
        cluster.lag(nobody, body)
    with pytest.raises(BadRequest, match="hostInfo"):
        cluster.heartbeat(nobody, body)


def test_the_queries_of_all_nodes_are_counted() -> None:
    def query(id_: str, kind: str = "PERSISTENT", state: str = "RUNNING") -> dict[str, object]:
        return {"id": id_, "queryType": kind, "statusCount": {state: 1}, "state": state}

    own = [query("Q1"), query("P1", "PUSH")]
    others = [[query("Q1"), query("P2", "PUSH")], [query("Q1", state="ERROR")]]
    found = {q["id"]: q["statusCount"] for q in cluster.all_queries(own, others, 1)}
    assert found == {
        "Q1": {"RUNNING": 2, "ERROR": 1, "UNRESPONSIVE": 1},
        "P1": {"RUNNING": 1},
        "P2": {"RUNNING": 1},
    }
    assert own[0]["statusCount"] == {"RUNNING": 1}
    one = cluster.all_queries([query("Q1")], [[query("Q1", state="ERROR")]], 1)
    assert one[0]["state"] == "ERROR"
    assert cluster.all_queries([query("Q1")], [], 1)[0]["state"] == "RUNNING"


def test_the_descriptions_of_all_nodes_are_one() -> None:
    def described(host: Host, task: str) -> dict[str, object]:
        return {
            "id": "Q1",
            "queryType": "PERSISTENT",
            "ksqlHostQueryStatus": {str(host): "RUNNING"},
            "tasksMetadata": [task],
            "queryErrors": [],
        }

    found = cluster.all_descriptions([described(A, "0_0")], [[described(B, "0_1")]], [C])
    assert len(found) == 1
    assert found[0]["ksqlHostQueryStatus"] == {
        "a:8088": "RUNNING",
        "b:8088": "RUNNING",
        "c:8088": "UNRESPONSIVE",
    }
    assert found[0]["tasksMetadata"] == ["0_0", "0_1"]
    assert found[0]["state"] == "RUNNING"
    failing = described(B, "0_1") | {"ksqlHostQueryStatus": {str(B): "ERROR"}}
    told = cluster.all_descriptions([described(A, "0_0")], [[failing]], [])
    assert told[0]["state"] == "ERROR"
