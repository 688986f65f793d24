"""Several nodes of one cluster."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import httpx2
from support.ksqldb_server import Server, until

EACH = 20


def sources(server: Server) -> dict[str, str]:
    """The streams of a node, with their statements."""
    answer = server.ksql("SHOW STREAMS EXTENDED;")[0]["sourceDescriptions"]
    return {s["name"]: s["statement"] for s in answer}


def test_statements_sent_to_both_nodes_reach_both_once(
    make_server: Callable[..., Server], name: str
) -> None:
    first = make_server()
    first.start()
    second = make_server(service_id=first.service_id)
    second.start()
    first.ksql(f"CREATE STREAM {name} (K INT KEY, V INT) WITH (KAFKA_TOPIC='{name}',"
               " PARTITIONS=1, VALUE_FORMAT='JSON');")  # fmt: skip

    answers: dict[str, Any] = {}

    def send(server: Server, source: str) -> None:
        with_ = f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON')"
        statement = f"CREATE STREAM {source} (K INT KEY, V INT) {with_};"
        try:
            answers[f"{source} {server.port}"] = server.post(
                "/ksql", {"ksql": statement, "streamsProperties": {}}
            )
        except httpx2.HTTPError as error:
            answers[f"{source} {server.port}"] = error

    def run(server: Server, prefix: str) -> None:
        for n in range(EACH):
            send(server, f"{name}_{prefix}{n}")
            if n % 10 == 0:  # the same name from both: one of them is refused
                send(server, f"{name}_BOTH{n}")

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, "A"), (second, "B"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = [key for key, a in answers.items() if a.status_code != 200]
    assert len(refused) == EACH // 10, [answers[k].text for k in refused]
    assert all("already exists" in answers[key].text for key in refused)
    done = [a.json()[0] for a in answers.values() if a.status_code == 200]
    number = max(entity["commandSequenceNumber"] for entity in done)
    for node in (first, second):
        after = {"ksql": "SHOW STREAMS;", "streamsProperties": {}, "commandSequenceNumber": number}
        assert node.post("/ksql", after).status_code == 200
    assert sources(first) == sources(second)
    assert len([s for s in sources(first) if s.startswith(f"{name}_")]) == 2 * EACH + EACH // 10

    # One is killed in the middle of it.
    answers.clear()
    begun = threading.Event()

    def run_on(server: Server, prefix: str) -> None:
        for n in range(EACH):
            send(server, f"{name}_{prefix}{n}")
            if prefix == "D" and n == EACH // 4:
                begun.set()

    threads = [threading.Thread(target=run_on, args=pair) for pair in ((first, "C"), (second, "D"))]
    for thread in threads:
        thread.start()
    assert begun.wait(120)
    second.kill()
    for thread in threads:
        thread.join()
    acknowledged = {
        key.split()[0]
        for key, answer in answers.items()
        if isinstance(answer, httpx2.Response) and answer.status_code == 200
    }
    assert {f"{name}_C{n}" for n in range(EACH)} <= acknowledged
    assert len(acknowledged) < 2 * EACH
    made = {s for s in sources(first) if s.startswith((f"{name}_C", f"{name}_D"))}
    assert acknowledged <= made
    assert len(made - acknowledged) <= 1  # the one that nobody was told of any more
    second.start()
    assert sources(second) == sources(first)


HIGHLY_AVAILABLE = (
    "ksql.heartbeat.enable=true",
    "ksql.heartbeat.missed.threshold.ms=20",
    "ksql.lag.reporting.enable=true",
    "ksql.lag.reporting.send.interval.ms=300",
    "ksql.query.pull.enable.standby.reads=true",
    "ksql.streams.num.standby.replicas=1",
    "ksql.streams.main.consumer.session.timeout.ms=10000",
)
KEYS = [f"k{n}" for n in range(24)]


def hosts_of(server: Server, kind: str) -> dict[str, set[int]]:
    """The partitions that each node has, active or standby, of all queries together."""
    found: dict[str, set[int]] = {}
    for host, status in server.get("/clusterStatus").json()["clusterStatus"].items():
        for query in status["activeStandbyPerQuery"].values():
            partitions = {p["partition"] for p in query[f"{kind}Partitions"]}
            found.setdefault(host, set()).update(partitions)
    return {host: partitions for host, partitions in found.items() if partitions}


def alive(server: Server) -> dict[str, bool]:
    """Which nodes a node takes to be alive."""
    statuses = server.get("/clusterStatus").json()["clusterStatus"]
    return {host: status["hostAlive"] for host, status in statuses.items()}


def status_counts(server: Server) -> list[dict[str, int]]:
    """How many nodes run each persistent query, by state."""
    return [q["statusCount"] for q in server.ksql("SHOW QUERIES;")[0]["queries"]]


def on_each(nodes: Sequence[Server], holds: Callable[[Server], bool], what: str) -> None:
    """Wait until something holds on each node."""
    for node in nodes:
        until(partial(holds, node), f"{what}, on {node.url}", 60)


def test_nodes_share_queries_and_stand_in_for_each_other(  # noqa: PLR0915 - one story
    make_server: Callable[..., Server], name: str
) -> None:
    first = make_server(*HIGHLY_AVAILABLE)
    first.start()
    second = make_server(*HIGHLY_AVAILABLE, service_id=first.service_id)
    second.start()
    both = (first, second)
    own, other = (f"127.0.0.1:{s.port}" for s in both)
    first.ksql(
        f"CREATE STREAM {name} (ID INT KEY, G STRING) WITH (KAFKA_TOPIC='{name}', PARTITIONS=4,"
        " VALUE_FORMAT='JSON');"
        f"CREATE TABLE {name}_T AS SELECT G, COUNT(*) AS N FROM {name} GROUP BY G;"
        f"CREATE TABLE {name}_W AS SELECT G, COUNT(*) AS N FROM {name}"
        " WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY G;"
    )
    first.ksql(
        "".join(f"INSERT INTO {name} VALUES ({n}, '{key}');" for n, key in enumerate(KEYS * 2))
    )

    # Shared
    every = {0, 1, 2, 3}
    on_each(both, lambda node: alive(node) == {own: True, other: True}, "both alive")
    on_each(both, lambda node: len(hosts_of(node, "active")) == 2, "tasks on both nodes")
    on_each(
        both,
        lambda node: set().union(*hosts_of(node, "standBy").values()) == every,
        "a copy of each partition",
    )
    for node in both:
        assert set().union(*hosts_of(node, "active").values()) == every

    # Answered by either
    table = f"SELECT G, N FROM {name}_T"
    windows = f"SELECT G, N FROM {name}_W"
    expected = [[key, 2] for key in sorted(KEYS)]
    on_each(both, lambda node: sorted(node.select(f"{table};")) == expected, "all rows")
    on_each(both, lambda node: sorted(node.select(f"{windows};")) == expected, "all windows")
    for node in both:
        for select in (table, windows):
            assert [node.select(f"{select} WHERE G='{key}';") for key in KEYS[:8]] == [
                [[key, 2]] for key in KEYS[:8]
            ]
        some = "G IN ('k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'nobody')"
        assert sorted(node.select(f"{table} WHERE {some};")) == [[f"k{n}", 2] for n in range(6)]
        assert node.select(f"{table} WHERE G='nobody';") == []
        assert len(node.select(f"{table} LIMIT 5;")) == 5
        assert len(node.select(f"{table} WHERE N > 1 LIMIT 24;")) == 24
        shown = node.post(
            "/query",
            {
                "ksql": f"{table};",
                "requestProperties": {"request.ksql.debug.request": True},
            },
        ).json()
        hosts = {f"{r['sourceHost']['host']}:{r['sourceHost']['port']}" for r in shown[1:]}
        assert hosts == {own, other}
        refused = node.post("/query-stream", {"sql": f"SELECT X FROM {name}_T;"})
        assert refused.status_code == 400

    # Told of by either
    for node in both:
        assert status_counts(node) == [{"RUNNING": 2}, {"RUNNING": 2}]
        for query in node.ksql("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"]:
            assert query["ksqlHostQueryStatus"] == {own: "RUNNING", other: "RUNNING"}
            tasks = [t["taskId"] for t in query["tasksMetadata"]]
            assert len(tasks) == len(set(tasks)) == 8
        stores = node.get("/clusterStatus").json()["clusterStatus"][other]["hostStoreLags"]
        assert len(stores["stateStoreLags"]) == 2

    # Each tells the same statistics: those of the nodes that had records so far, itself or not.
    told = [
        {
            (each["host"], each["name"])
            for source in (name, f"{name}_T")
            for each in node.ksql(f"DESCRIBE {source} EXTENDED;")[0]["sourceDescription"][
                "clusterStatistics"
            ]
        }
        for node in both
    ]
    assert told[0]
    assert told[0] == told[1]
    assert {host for host, _ in told[0]} <= {own, other}

    # Stopped in its tracks
    assert second._process is not None
    second._process.send_signal(signal.SIGSTOP)
    until(lambda: not alive(first)[other], "the other is known not to answer")
    assert sorted(first.select(f"{table};")) == expected
    assert status_counts(first) == [{"RUNNING": 1, "UNRESPONSIVE": 1}] * 2
    second._process.send_signal(signal.SIGCONT)
    until(lambda: alive(first)[other], "the other answers again")

    # Killed
    second.kill()
    until(lambda: sorted(first.select(f"{table};")) == expected, "all rows without the other", 60)
    until(lambda: not alive(first)[other], "the other's death")
    for key in KEYS[:4]:
        assert first.select(f"{table} WHERE G='{key}';") == [[key, 2]]
    lagging = {"ksql.query.pull.max.allowed.offset.lag": "0"}
    assert sorted(first.select(f"{table};", **lagging)) == expected
    until(lambda: hosts_of(first, "active").get(own) == every, "all tasks on one node", 60)
    first.ksql(f"INSERT INTO {name} VALUES (1, 'k0');")
    until(lambda: first.select(f"{table} WHERE G='k0';") == [["k0", 3]], "a count going on", 60)

    # Back
    second.start()
    on_each(both, lambda node: len(hosts_of(node, "active")) == 2, "tasks on both again")
    one = f"{table} WHERE G='k0';"
    on_each(both, lambda node: node.select(one) == [["k0", 3]], "the same answer")
    on_each(both, lambda node: status_counts(node) == [{"RUNNING": 2}] * 2, "two that run")

    # Ended by one
    ended = first.post("/terminate", {})
    assert ended.status_code == 200, ended.text
    show = {"ksql": "SHOW STREAMS;"}
    on_each(both, lambda node: node.post("/ksql", show).status_code == 503, "an end for both")


def test_a_dead_node_without_a_copy_is_named(make_server: Callable[..., Server], name: str) -> None:
    first = make_server()
    first.start()
    second = make_server(service_id=first.service_id)
    second.start()
    first.ksql(
        f"CREATE STREAM {name} (ID INT KEY, G STRING) WITH (KAFKA_TOPIC='{name}', PARTITIONS=4,"
        " VALUE_FORMAT='JSON');"
        f"CREATE TABLE {name}_T AS SELECT ID, COUNT(*) AS N FROM {name} GROUP BY ID;"
    )
    first.ksql("".join(f"INSERT INTO {name} VALUES ({n}, 'x');" for n in range(20)))
    select = f"SELECT ID, N FROM {name}_T;"
    expected = [[n, 1] for n in range(20)]
    until(lambda: sorted(second.select(select)) == expected, "all rows", 60)
    until(lambda: status_counts(first) == [{"RUNNING": 2}], "two nodes", 60)
    until(lambda: sorted(first.select(select)) == expected, "all rows", 60)
    assert first.get("/clusterStatus").status_code == 404
    assert first.post("/heartbeat", {}).status_code == 404
    assert first.post("/lag", {}).status_code == 404

    second.kill()
    answer = first.post("/query-stream", {"sql": select})
    assert answer.status_code == 503, answer.text
    assert answer.json()["error_code"] == 50300
    assert f"127.0.0.1:{second.port}" in answer.json()["message"]
    assert status_counts(first) == [{"RUNNING": 1, "UNRESPONSIVE": 1}]
