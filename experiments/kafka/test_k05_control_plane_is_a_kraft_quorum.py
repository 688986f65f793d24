"""K05. The control plane is a KRaft quorum that keeps the metadata as a log of its own; there is no
ZooKeeper.

Set-up    three nodes, each broker and controller; a topic whose only replica is on one of them
Action    the active controller is killed with SIGKILL, and a topic is created; then another node is
          killed, so that one of three is left
Observed  the metadata log lies on the disk of every node and holds the record of the topic; three
          voters are described; after the kill another one leads, in a later epoch, and the new
          topic is in its log; no config names ZooKeeper
Control   without a majority a topic cannot be created, and the error says that nobody answered in
          time, nor can the quorum be described; the broker that is left goes on taking and serving
          records; with the majority back the topic can be created
Limits    nodes are broker and controller at once, so that a dead controller is a dead broker too
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest

from lab.clients.admin_requests import Quorum
from lab.clients.errors import ClientError, TopicExists
from lab.clients.kafka import KafkaClient
from lab.clients.names import TopicName
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.cluster import Cluster
from lab.evidence.recorder import Evidence
from lab.wait import wait_until
from lab.wire.cluster_metadata import TopicRecord, decode_frame
from lab.wire.control_records import decode_leader_change, kind_of
from lab.wire.segments import stored_batches, stored_records

METADATA = TopicName("__cluster_metadata")


@claim("K05")
@pytest.mark.brokers(3)
def test_control_plane_is_a_kraft_quorum(cluster: Cluster, evidence: Evidence) -> None:
    cluster.faults.require("kill", "restart", "broker_logs")

    # Set-up
    before = evidence.act("admin", "describe the quorum", METADATA, cluster.quorum)
    active = before.leader
    second, survivor = (node for node in cluster.brokers if node != active)
    orders = cluster.topic("orders", assignment=[[survivor]])

    # Observed
    topic_ids = {node: topic_ids_in(cluster, node, orders) for node in cluster.brokers}
    evidence.observe(
        "whether every node's metadata log has the topic's record, and the same one",
        {
            "nodes": sorted(node for node, found in topic_ids.items() if len(found) == 1),
            "ids": len({topic_id for found in topic_ids.values() for topic_id in found}),
        },
        expected={"nodes": list(cluster.brokers), "ids": 1},
        says="the metadata log lies on the disk of all three nodes and has the topic's record",
    )
    evidence.observe(
        "the voters, and the last leader in the metadata log",
        {"voters": sorted(before.voters), "leader": leaders_in(cluster, survivor)[-1:]},
        expected={"voters": list(cluster.brokers), "leader": [active]},
        says=f"three voters, of whom {active} leads; its election is a record of the log",
    )
    evidence.observe(
        "configs that name ZooKeeper",
        [name for name in cluster.kafka.broker_config(survivor) if "zookeeper" in name.lower()],
        expected=[],
        says="no config names ZooKeeper",
    )

    # Action
    cluster.faults.kill(cluster.component(active))
    after = another_leads(cluster, before, survivor)
    evidence.record("admin", "describe the quorum", METADATA, answer=after)
    created = evidence.attempt(
        "admin",
        "create a topic",
        later := cluster.name("later"),
        partial(create_once_possible, cluster, later, survivor),
        refusal=ConditionTimeout,
    )

    # Observed
    evidence.observe(
        "the quorum after the active controller was killed",
        {
            "another leads": after.leader not in {active, -1},
            "later epoch": after.epoch > before.epoch,
            "topic": created,
            "in the log": len(wait_for_topic(cluster, survivor, later)),
        },
        expected={"another leads": True, "later epoch": True, "topic": "accepted", "in the log": 1},
        says=f"{active} was killed: {after.leader} leads, in epoch {after.epoch} after"
        f" {before.epoch}, and a topic was created",
    )

    # Control
    cluster.faults.kill(cluster.component(second))
    leaderless = evidence.act(
        "admin", "describe the quorum", METADATA, partial(nobody_leads, cluster, survivor)
    )
    never = cluster.name("never")
    refusal: list[str] = []

    def create() -> None:
        # A client of its own: others may still be connected to the node that was just killed.
        alone = KafkaClient(cluster.address(survivor))
        try:
            alone.create_topic(never, assignment=[[survivor]], timeout_seconds=6)
        except ClientError as error:
            refusal.append(error.message)
            raise

    answer = evidence.attempt("admin", "create a topic", never, create, refusal=ClientError)
    evidence.control(
        "creating a topic without a majority",
        {
            "answer": answer,
            "timed out": any("timed out" in text.lower() for text in refusal),
            "the quorum could not be described": bool(leaderless),
        },
        expected={
            "answer": "refused",
            "timed out": True,
            "the quorum could not be described": True,
        },
        says="one of three left: a topic could not be created: "
        + (refusal[0] if refusal else "no error"),
    )
    served = cluster.kafka.produce(orders, b"still here")
    evidence.control(
        "what the broker that is left takes and serves meanwhile",
        [record.value for record in cluster.kafka.read(orders, 0, start=served.offset)],
        expected=[b"still here"],
        says="while the broker that was left took and served records",
    )
    cluster.faults.restart(cluster.component(second))
    again = evidence.attempt(
        "admin",
        "create a topic",
        never,
        partial(cluster.kafka.ensure_topic, never),
        refusal=ClientError,
    )
    evidence.control(
        "creating the topic once the majority is back",
        again,
        expected="accepted",
        says="with the majority back it could",
    )


def create_once_possible(cluster: Cluster, topic: TopicName, broker: int) -> bool:
    """Create a topic as soon as that can be done. Raises ConditionTimeout.

    Until brokers have noticed a death, clients may be sent to the dead node with their request, and
    one that was sent there stays with it: each attempt is a client of its own.
    """

    def created() -> bool:
        # It exists if an earlier request was carried out and its answer came too late.
        with suppress(TopicExists):
            anew = KafkaClient(cluster.bootstrap_servers)
            anew.create_topic(topic, assignment=[[broker]], timeout_seconds=5)
        return True

    return wait_until("a topic can be created", created, timeout_seconds=60, ignore=(ClientError,))


def another_leads(cluster: Cluster, before: Quorum, asked: int) -> Quorum:
    """The quorum once another node leads it, asked of one that is alive."""

    def probe() -> Quorum | None:
        found = cluster.quorum(via=asked)
        return found if found.leader not in {before.leader, -1} else None

    return wait_until(
        "another controller leads",
        probe,
        timeout_seconds=60,
        every_seconds=0.1,
        ignore=(ClientError,),
    )


def nobody_leads(cluster: Cluster, asked: int) -> str:
    """What the node says instead of describing the quorum, once it knows that nobody leads.

    A leader without followers goes on leading until their silence has lasted too long.
    Raises ConditionTimeout.
    """

    def probe() -> str | None:
        try:
            cluster.quorum(via=asked)
        except ClientError as error:
            return error.message
        return None

    return wait_until("nobody leads the quorum", probe, timeout_seconds=60, every_seconds=0.1)


def topic_ids_in(cluster: Cluster, node: int, topic: TopicName) -> list[UUID]:
    """The ids under which the topic is in the node's copy of the metadata log."""
    folder = cluster.partition_dir(node, METADATA, 0)
    frames = (decode_frame(r.value) for r in stored_records(folder) if r.value is not None)
    return [f.topic_id for f in frames if isinstance(f, TopicRecord) and f.name == topic]


def wait_for_topic(cluster: Cluster, node: int, topic: TopicName) -> list[UUID]:
    """The same, once it is there."""
    return wait_until(
        f"the metadata log has {topic}",
        lambda: topic_ids_in(cluster, node, topic),
        timeout_seconds=15,
        every_seconds=0.1,
    )


def leaders_in(cluster: Cluster, node: int) -> list[int]:
    """Every leader of the quorum, in order, as the node's copy of the metadata log has them."""
    batches = stored_batches(cluster.partition_dir(node, METADATA, 0))
    return [
        decode_leader_change(record).leader_id
        for batch in batches
        if batch.control
        for record in batch.records or ()
        if kind_of(record) == "leader change"
    ]
