"""Q18. Nodes with one service id share the work, and one answers for another that died.

Set-up    a server with a service id of its own counts orders by region; then a second one is
          started under the same service id; each table's state has one copy on standby
Action    regions are looked up on both nodes; the first is killed with -9, and the regions are
          looked up on the other; more orders come; the first is started again
Observed  the coordinator has one owner for every partition at each stage: one node alone, both,
          the one that is left, both again; each node has a part of the state and answers for all
          of it, before and after the death, its copies having been up to date by the lags told
Control   a server with another service id knows nothing of the table, and the same statements
          make a group of its own there, which has every partition for itself
Limits    two nodes on one machine; which node answered for which region is not looked at
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.clients.errors import ClientError, KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.names import TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.servers import Node, Servers
from lab.evidence.tables import Cell
from lab.evidence.workload import produce
from lab.targets.base import Target
from lab.wait import wait_until

PARTITIONS = 4
REGIONS = 12
ORDERS = 60
PATIENCE_SECONDS = 90
PROPERTIES = {
    "ksql.heartbeat.enable": "true",
    "ksql.heartbeat.missed.threshold.ms": "15",
    "ksql.lag.reporting.enable": "true",
    "ksql.lag.reporting.send.interval.ms": "500",
    "ksql.query.pull.enable.standby.reads": "true",
    "ksql.streams.num.standby.replicas": "1",
    "ksql.streams.auto.offset.reset": "earliest",
    "ksql.streams.commit.interval.ms": "200",
    "ksql.streams.consumer.session.timeout.ms": "6000",
    "ksql.streams.consumer.heartbeat.interval.ms": "1500",
}
"""What makes nodes notice a death soon, and keep a copy of each other's state."""

Owners = dict[str, list[int]]
Counts = dict[str, int]


class Cluster:
    """Servers under one service id, by this experiment's names for them.

    ``hosts`` is what they call each other (host and port), which need not be the address that this
    machine sees.
    """

    def __init__(self, servers: Servers, service_id: str) -> None:
        self._servers = servers
        self.service_id = service_id
        self.nodes: dict[str, Node] = {}
        self.hosts: dict[str, str] = {}

    def join(self, name: str) -> Node:
        """Start a server; the one host that it tells of and nobody did before is itself.

        Raises ConditionTimeout.
        """
        node = self._servers(service_id=self.service_id, properties=PROPERTIES)

        def probe() -> str | None:
            found = status(node).keys() - set(self.hosts.values())
            return found.pop() if len(found) == 1 else None

        self.hosts[name] = wait_until(
            f"{node.component} tells of one host beside {sorted(self.hosts.values())}",
            probe,
            timeout_seconds=PATIENCE_SECONDS,
            every_seconds=0.2,
            ignore=(requests.RequestException,),
        )
        self.nodes[name] = node
        return node


@dataclass
class Table:
    """The counted table of one ksqlDB cluster, seen from outside."""

    kafka: KafkaClient
    topic: str
    name: SourceName
    group: str
    hosts: dict[str, str]

    def owners(self) -> Owners:
        """The source partitions of each member that has any, as the coordinator assigned them."""
        found = {
            member.member_id: sorted(
                int(n) for topic, n in member.assignment if topic == self.topic
            )
            for member in self.kafka.describe_group(self.group).members
        }
        return {member: owned for member, owned in found.items() if owned}

    def owned_by(self, nodes: Mapping[str, Node]) -> dict[str, list[int]]:
        """The state's partitions that each node works on, as the nodes themselves tell."""
        asked = next(iter(nodes.values()))
        told = status(asked)
        return {
            name: sorted(
                {
                    found["partition"]
                    for query in told.get(self.hosts[name], {})
                    .get("activeStandbyPerQuery", {})
                    .values()
                    for found in query["activePartitions"]
                    if found["topic"].endswith("-repartition")
                }
            )
            for name in nodes
        }

    def when_shared(self, nodes: Mapping[str, Node], *, by: set[str]) -> dict[str, list[int]]:
        """Wait until exactly these nodes have parts of the state, all of it; who has what.

        The coordinator has one owner for each source partition by then. Raises ConditionTimeout.
        """

        def probe() -> dict[str, list[int]] | None:
            shared = {name: owned for name, owned in self.owned_by(nodes).items() if owned}
            every = sorted(n for owned in shared.values() for n in owned)
            given = sorted(n for owned in self.owners().values() for n in owned)
            settled = every == given == list(range(PARTITIONS))
            return shared if settled and set(shared) == by else None

        return wait_until(
            f"the nodes {sorted(by)} share the partitions",
            probe,
            timeout_seconds=PATIENCE_SECONDS,
            every_seconds=0.2,
            ignore=(ClientError, requests.RequestException),
        )

    def count(self, ksqldb: KsqlClient, region: str) -> int | None:
        """A region's count by a pull query."""
        rows = ksqldb.pull(f"SELECT n FROM {self.name} WHERE region = '{region}';").rows
        return int(str(rows[0][0])) if rows else None

    def counts(self, ksqldb: KsqlClient) -> dict[str, int | None]:
        """Every region's count, one pull query each."""
        return {region: self.count(ksqldb, region) for region in regions()}

    def when_counted(self, ksqldb: KsqlClient, truth: Counts) -> float:
        """Wait until a node answers all regions as they are; the seconds that it took.

        Raises ConditionTimeout.
        """
        begun = time.monotonic()
        wait_until(
            f"{ksqldb.url} answers with the counts of {sum(truth.values())} orders",
            lambda: self.counts(ksqldb) == truth,
            timeout_seconds=PATIENCE_SECONDS,
            every_seconds=0.05,
            ignore=(ClientError,),
        )
        return round(time.monotonic() - begun, 1)


@claim("Q18")
@pytest.mark.disruptive
def test_nodes_share_the_work(
    lab: Target,
    kafka: KafkaClient,
    topic: TopicFactory,
    unique: UniqueNames,
    servers: Servers,
    faults: Faults,
    evidence: Evidence,
    tmp_path: Path,
) -> None:
    faults.require("kill", "restart", "more_ksqldb_servers", "ksqldb_state")

    # Set-up
    source = topic("orders", partitions=PARTITIONS)
    send(evidence, kafka, source, 0, ORDERS)
    cluster = Cluster(servers, servers.service_id("shared"))
    nodes, first = cluster.nodes, cluster.join("first")
    table = count_orders(evidence, kafka, cluster, unique, source)
    table.when_counted(first.ksqldb, counted(kafka, source))
    stages = {"one node": table.when_shared(nodes, by={"first"})}
    begun = time.monotonic()
    second = cluster.join("second")
    stages["two nodes"] = table.when_shared(nodes, by={"first", "second"})
    took = {"a second node to have tasks": round(time.monotonic() - begun, 1)}
    evidence.record("experiment", "two nodes share", table.group, answer=stages)

    # Action
    truth = counted(kafka, source)
    copies = copies_when_caught_up(nodes, table)
    table.when_counted(second.ksqldb, truth)
    answers = {
        f"{name} of two": evidence.act(
            "user", "looks up every region", name, partial(table.counts, node.ksqldb)
        )
        for name, node in nodes.items()
    }
    kept = {name: task_folders(lab, node, table, tmp_path / name) for name, node in nodes.items()}
    faults.kill(first.component)
    took["the other to answer for all regions"] = table.when_counted(second.ksqldb, truth)
    answers["second, the first being dead"] = evidence.act(
        "user", "looks up every region", "second", partial(table.counts, second.ksqldb)
    )
    dead = wait_until(
        "the second node tells that the first is dead",
        lambda: [name for name in nodes if not told_alive(second, cluster.hosts[name])],
        timeout_seconds=PATIENCE_SECONDS,
        every_seconds=0.1,
    )
    begun = time.monotonic()
    stages["the first killed"] = table.when_shared(
        {"second": second, "first": first}, by={"second"}
    )
    took["its tasks to move"] = round(time.monotonic() - begun, 1)
    send(evidence, kafka, source, ORDERS, 2 * ORDERS)
    more = counted(kafka, source)
    table.when_counted(second.ksqldb, more)
    begun = time.monotonic()
    faults.restart(first.component)
    stages["the first back"] = table.when_shared(nodes, by={"first", "second"})
    took["the killed one to have tasks again"] = round(time.monotonic() - begun, 1)
    back = {}
    for name, node in nodes.items():
        table.when_counted(node.ksqldb, more)
        back[name] = evidence.act(
            "user", "looks up every region", name, partial(table.counts, node.ksqldb)
        )

    # Observed
    lay_out(evidence, stages, copies, took)
    evidence.observe(
        "who has the partitions of the state",
        {stage: sorted(owned) for stage, owned in stages.items()},
        expected={
            "one node": ["first"],
            "two nodes": ["first", "second"],
            "the first killed": ["second"],
            "the first back": ["first", "second"],
        },
        says="one node had all tasks, two shared them, the one left had all, then both again",
    )
    evidence.observe(
        "each partition's owners at each stage",
        [sorted(n for owned in stage.values() for n in owned) for stage in stages.values()],
        expected=[list(range(PARTITIONS))] * len(stages),
        says="every partition had exactly one owner at each stage",
    )
    evidence.observe(
        "the counts by pull queries on each node, and those of the topic's records",
        answers,
        expected=dict.fromkeys(answers, truth),
        says="each node answered for every region, also when the other was dead",
    )
    evidence.observe(
        "which node the other told to be dead, and how far behind the copies were before",
        {"dead": dead, "behind": sorted(set(copies.values()))},
        expected={"dead": ["first"], "behind": [0]},
        says="the other knew of the death; its copies had been 0 records behind",
    )
    evidence.observe(
        "the task folders on each node's disk, and the partitions of the tasks that it works on",
        {name: set(stages["two nodes"][name]) <= kept[name] for name in nodes},
        expected=dict.fromkeys(nodes, True),
        says="each node keeps the state of its tasks in folders of its own"
        + (
            ", and copies of the other's"
            if all(len(k) == PARTITIONS for k in kept.values())
            else ""
        ),
    )
    evidence.observe(
        "the counts after more orders and the return of the first",
        back,
        expected=dict.fromkeys(back, more),
        says="more orders were counted meanwhile, and both nodes answered alike again",
    )

    # Control
    elsewhere = Cluster(servers, servers.service_id("other"))
    other = elsewhere.join("other")
    known_to_another(evidence, other, table)
    own = count_orders(evidence, kafka, elsewhere, unique, source)
    own.when_counted(other.ksqldb, more)
    alone = own.when_shared({"other": other}, by={"other"})
    evidence.control(
        "who has the partitions of its own table, and of the shared one",
        {
            "its own": alone,
            "one group": own.group == table.group,
            "shared": sorted(table.when_shared(nodes, by=set(nodes))),
        },
        expected={
            "its own": {"other": list(range(PARTITIONS))},
            "one group": False,
            "shared": ["first", "second"],
        },
        says="the same statements there: another group, with every partition for that server alone",
    )


def known_to_another(evidence: Evidence, other: Node, table: Table) -> None:
    """Note what a server with another service id knows of a table."""
    known = [str(query.query_id) for query in other.ksqldb.queries()]
    refused = evidence.attempt(
        "user",
        "looks up a region",
        "a server with another service id",
        lambda: table.counts(other.ksqldb),
        refusal=KsqlRefused,
    )
    evidence.control(
        "the queries that it knows, and a pull query there",
        {"queries": known, "pull query": refused},
        expected={"queries": [], "pull query": "refused"},
        says="a server with another service id knew neither the query nor the table",
    )


def regions() -> list[str]:
    """The regions' names."""
    return [f"region-{n}" for n in range(REGIONS)]


def send(evidence: Evidence, kafka: KafkaClient, topic: str, start: int, end: int) -> None:
    """Produce orders of all regions to all partitions."""
    for n in range(start, end):
        value = json.dumps({"region": f"region-{n % REGIONS}"}).encode()
        produce(evidence, kafka, topic, value, key=f"o{n}".encode(), partition=n % PARTITIONS)


def counted(kafka: KafkaClient, topic: str) -> Counts:
    """How many orders of each region are in the topic."""
    values = (json.loads(record.value or b"{}") for record in kafka.read_all(topic))
    return dict(sorted(Counter(str(value["region"]) for value in values).items()))


def count_orders(
    evidence: Evidence, kafka: KafkaClient, cluster: Cluster, unique: UniqueNames, source: str
) -> Table:
    """Have a cluster count the orders by region; the names are the same for every cluster."""
    node = next(iter(cluster.nodes.values()))
    orders, sink = unique.of_source("orders"), unique.of_source("by_region")
    node.ksqldb.execute(
        f"CREATE STREAM {orders} (id VARCHAR KEY, region VARCHAR)"
        f" WITH (KAFKA_TOPIC='{source}', VALUE_FORMAT='JSON');"
    )
    sink_topic = unique.of(f"by-region-{cluster.service_id}")
    statement = (
        f"CREATE TABLE {sink} WITH (KAFKA_TOPIC='{sink_topic}') AS SELECT region, COUNT(*) AS n"
        f" FROM {orders} GROUP BY region EMIT CHANGES;"
    )
    query = evidence.act(
        "user", statement, node.component, partial(node.ksqldb.start_query, statement)
    )
    group = f"_confluent-ksql-{cluster.service_id}query_{query}"
    return Table(kafka, source, sink, group, cluster.hosts)


def told_alive(asked: Node, host: str) -> bool:
    """Whether a node says of another, or of itself, that it is alive."""
    return bool(status(asked).get(host, {}).get("hostAlive", False))


def status(node: Node) -> dict[str, dict[str, Any]]:
    """What a node says of all nodes (/clusterStatus)."""
    answer = requests.get(f"{node.url}/clusterStatus", timeout=10)
    answer.raise_for_status()
    found = answer.json()["clusterStatus"]
    assert isinstance(found, dict)
    return found


def copies_when_caught_up(nodes: Mapping[str, Node], table: Table) -> dict[str, int]:
    """Wait until each node has a copy of what the other works on, up to date; lags by copy.

    Raises ConditionTimeout.
    """
    second = nodes["second"]

    def probe() -> dict[str, int] | None:
        told = status(second)
        found = {}
        owned = table.owned_by(nodes)
        for name in nodes:
            lags = told[table.hosts[name]]["hostStoreLags"]["stateStoreLags"]
            for store, partitions in lags.items():
                for partition, lag in partitions["lagByPartition"].items():
                    if store.startswith(table.group) and int(partition) not in owned[name]:
                        found[f"{name}, partition {partition}"] = int(lag["offsetLag"])
        return found if len(found) == PARTITIONS and not any(found.values()) else None

    return wait_until(
        "each node has a copy of the other's state",
        probe,
        timeout_seconds=PATIENCE_SECONDS,
        every_seconds=0.2,
        ignore=(KeyError, requests.RequestException),
    )


def task_folders(lab: Target, node: Node, table: Table, into: Path) -> set[int]:
    """The partitions of the tasks with a state store in a node's state folder."""
    lab.copy_state(node.component, into)
    stores = (into / table.group).glob("*_*/rocksdb")
    return {int(store.parent.name.rpartition("_")[2]) for store in stores}


def lay_out(
    evidence: Evidence,
    stages: Mapping[str, dict[str, list[int]]],
    copies: Mapping[str, int],
    took: Mapping[str, float],
) -> None:
    """Who had what, how far behind the copies were, and how long changes took."""
    evidence.table(
        "Who works on which partitions of the state",
        ["stage", "first node", "second node"],
        [
            [stage, *(Cell(shown(owned.get(name, []))) for name in ("first", "second"))]
            for stage, owned in stages.items()
        ],
        "as the nodes tell; the group's coordinator has an owner for every source partition too",
    )
    evidence.table(
        "Copies on standby before the death",
        ["copy on", "records behind"],
        [[copy, str(lag)] for copy, lag in sorted(copies.items())],
        "as reported by the nodes",
    )
    evidence.table(
        "How long it took",
        ["for", "seconds"],
        [[what, str(seconds)] for what, seconds in took.items()],
        "evidence, not a promise: machines differ",
    )


def shown(partitions: list[int]) -> str:
    """Partitions for a reader."""
    return ", ".join(map(str, partitions)) or "none"
