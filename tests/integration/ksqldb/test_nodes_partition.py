"""A node that cannot reach the broker, while the other can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2
from support.ksqldb_server import Server, until

from lab.wire.kafka_proxy import KafkaProxy

KEYS = [f"k{n}" for n in range(16)]
MEANWHILE = KEYS[:8]
"""What is sent once more while the node is cut off: to every partition of the source."""
PARTITIONS = {0, 1, 2, 3}
SETTINGS = (
    "ksql.heartbeat.enable=true",
    "ksql.heartbeat.missed.threshold.ms=20",
    "ksql.query.pull.enable.standby.reads=true",
    "ksql.query.pull.forwarding.timeout.ms=3000",
    "ksql.streams.num.standby.replicas=1",
    # The least that brokers take: after it the tasks move.
    "ksql.streams.consumer.session.timeout.ms=6000",
    "ksql.streams.consumer.heartbeat.interval.ms=500",
)


def test_a_node_cut_off_from_the_broker_and_back(
    make_server: Callable[..., Server], bootstrap: str, name: str
) -> None:
    """Nothing is answered to it, as in a network that loses every packet; then all is again.

    When it is back it reads on where it was, until it learns that its tasks have moved. What it
    makes of records that came meanwhile is thrown away exactly once, and counts at least once.
    """
    with KafkaProxy(bootstrap) as proxy:
        first = make_server(*SETTINGS)
        first.start()
        second = make_server(
            *SETTINGS, service_id=first.service_id, through=proxy.bootstrap_servers
        )
        second.start()
        both = (first, second)
        own, cut = (f"127.0.0.1:{s.port}" for s in both)
        first.ksql(
            f"CREATE STREAM {name} (ID INT KEY, G STRING) WITH (KAFKA_TOPIC='{name}',"
            " PARTITIONS=4, VALUE_FORMAT='JSON');"
        )
        for table, guarantee in (("EXACT", "exactly_once_v2"), ("LOOSE", "at_least_once")):
            first.ksql(
                f"CREATE TABLE {name}_{table} AS SELECT G, COUNT(*) AS N FROM {name} GROUP BY G;",
                **{"processing.guarantee": guarantee},
            )
        first.ksql("".join(f"INSERT INTO {name} VALUES ({n}, '{k}');" for n, k in enumerate(KEYS)))
        exact, loose = (partial(counts, table=f"{name}_{t}") for t in ("EXACT", "LOOSE"))
        before = dict.fromkeys(KEYS, 1)
        for node in both:
            until(partial(shared, node, {own, cut}), "tasks of both queries on both nodes", 60)
            until(partial(holds, exact, node, before), "rows exactly once", 60)
            until(partial(holds, loose, node, before), "rows at least once", 60)
        first.wait_until_committed()

        proxy.silence()
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(create, second, f"{name}_DOUBTFUL", name)
            # Records of before: whoever answers, now or after the tasks have moved, is right.
            for node in both:
                assert exact(node) == loose(node) == before
            until(lambda: shared(first, {own}), "all tasks on one node", 60)
            first.ksql(
                "".join(f"INSERT INTO {name} VALUES ({n}, '{k}');" for n, k in enumerate(MEANWHILE))
            )
            after = before | dict.fromkeys(MEANWHILE, 2)
            until(partial(holds, exact, first, after), "counts that went on, exactly once", 60)
            until(partial(holds, loose, first, after), "counts that went on, at least once", 60)
            assert create(first, f"{name}_MEANWHILE", name).status_code == 200
            for table in ("EXACT", "LOOSE"):
                answer = second.post("/query-stream", {"sql": f"SELECT G, N FROM {name}_{table};"})
                if answer.status_code == 200:  # from its copy, or from the other
                    told = counts(second, table=f"{name}_{table}")
                    assert told.keys() == set(KEYS)
                    assert all(before[key] <= n <= after[key] for key, n in told.items())
                else:
                    assert (answer.status_code, answer.json()["error_code"]) == (503, 50300)

            proxy.heal()
            doubtful = sent.result()
        for node in both:
            until(partial(shared, node, {own, cut}), "tasks on both nodes again", 90)
        first.wait_until_committed()
        for node in both:
            until(partial(holds, exact, node, after), "the same counts, exactly once", 60)
            told = loose(node)
            assert told.keys() == after.keys()
            assert all(told[key] >= 2 if key in MEANWHILE else told[key] == 1 for key in KEYS), told
        assert not proxy.problems

        agree_on_statements(both, name, doubtful)


def agree_on_statements(nodes: tuple[Server, Server], name: str, doubtful: Any) -> None:
    """A statement sent to the node that was cut off is everywhere, or nowhere if refused."""
    first, second = nodes
    assert create(second, f"{name}_AFTER", name).status_code == 200
    until(lambda: f"{name}_AFTER" in streams(first), "the statement of the one that is back")
    known = streams(second)
    assert streams(first) == known
    assert f"{name}_MEANWHILE" in known
    assert doubtful.status_code in {200, 500, 503}, doubtful.text
    if doubtful.status_code == 200:
        assert f"{name}_DOUBTFUL" in known
    elif "may have been written" not in doubtful.text:
        assert f"{name}_DOUBTFUL" not in known


def shared(server: Server, hosts: set[str]) -> bool:
    """Whether the partitions of every state are with just these nodes, as a node tells."""
    queries: dict[str, dict[str, set[int]]] = {}
    for host, status in server.get("/clusterStatus").json()["clusterStatus"].items():
        for query, members in status["activeStandbyPerQuery"].items():
            numbers = {
                p["partition"]
                for p in members["activePartitions"]
                if p["topic"].endswith("-repartition")
            }
            if numbers:
                queries.setdefault(query, {})[host] = numbers
    return len(queries) == 2 and all(
        held.keys() == hosts and set().union(*held.values()) == PARTITIONS
        for held in queries.values()
    )


def counts(server: Server, *, table: str) -> dict[str, int]:
    """The counts that a node tells."""
    return dict(server.select(f"SELECT G, N FROM {table};"))


def holds(read: Callable[[Server], dict[str, int]], server: Server, wanted: dict[str, int]) -> bool:
    """Whether a node tells just that."""
    return read(server) == wanted


def create(server: Server, stream: str, topic: str) -> Any:
    """Send a statement; more patient than the server is."""
    statement = (
        f"CREATE STREAM {stream} (K INT KEY) WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
    )
    return httpx2.post(f"{server.url}/ksql", json={"ksql": statement}, timeout=90)


def streams(server: Server) -> set[str]:
    """The streams that a node knows."""
    return {s["name"] for s in server.ksql("SHOW STREAMS;")[0]["streams"]}
