"""K03. Partitions are replicated to other brokers.

Set-up    three brokers; a topic with replication factor 3, another with only one replica
Action    records are produced with acks=all while one broker is killed with SIGKILL; later it is
          started again
Observed  the set of in-sync replicas shrinks without the dead broker and grows when it is back, and
          the metadata log says so; producing goes on; in the end the log directories of all three
          brokers hold the same bytes, with every acknowledged record in them
Control   the partition with one replica is offline as soon as its broker is dead: it has no leader
          and takes no record
Limits    one partition of each kind; brokers on one machine, so that a lost disk is not looked at
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from lab.clients.errors import ClientError
from lab.clients.names import TopicName
from lab.evidence import claim
from lab.evidence.checkers import duplicates, run_checker
from lab.evidence.cluster import Cluster
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.wire.cluster_metadata import PartitionChangeRecord, TopicRecord, decode_frame
from lab.wire.segments import raw_log, stored_records
from lab.workloads.load import SAFE, Load
from lab.workloads.log import WorkloadLog
from lab.workloads.loss import judge_loss, read_back

METADATA = TopicName("__cluster_metadata")
SAFE_TOPIC = {"min.insync.replicas": "2"}


@claim("K03")
@pytest.mark.brokers(3)
def test_partitions_are_replicated(cluster: Cluster, evidence: Evidence, scale: Scale) -> None:
    cluster.faults.require("kill", "restart", "broker_logs")
    for number in range(1, scale.rounds + 1):
        # Set-up
        first, second, third = rotated(cluster.brokers, number)
        orders = cluster.topic(
            f"orders-{number}", assignment=[[first, second, third]], config=SAFE_TOPIC
        )
        alone = cluster.topic(f"alone-{number}", assignment=[[third]])
        log = WorkloadLog()

        # Action
        with Load(
            cluster.kafka.connection(SAFE),
            orders,
            log,
            count=scale.records,
            per_second=scale.records / 2,
            prefix=f"order-{number}",
        ) as load:
            load.wait_for(scale.records // 2)
            cluster.faults.kill(cluster.component(third))
            cluster.when_led(orders, in_sync={first, second})
            offline = cluster.when(
                f"{alone} has no leader", alone, lambda found: max(found.leaders.values()) < 0
            )
            refused = evidence.attempt(
                "producer",
                "produce to the partition whose only broker is dead",
                alone,
                partial(cluster.kafka.produce, alone, b"x", timeout_seconds=3),
                refusal=ClientError,
            )
            load.finish()
        cluster.faults.restart(cluster.component(third))
        cluster.when_led(orders, in_sync={first, second, third})
        read_back(cluster, orders, log)
        lost = judge_loss(cluster, orders, log)
        log.save(evidence.folder / f"{orders}.jsonl")

        # Observed
        evidence.observe(
            "the sets of in-sync replicas, as the metadata log has them",
            in_sync_history(cluster, first, orders),
            expected=[sorted([first, second]), sorted([first, second, third])],
            says="the in-sync replicas shrank to two with the broker's death, then grew to three",
        )
        on_disk = {broker: log_on(cluster, broker, orders) for broker in cluster.brokers}
        evidence.observe(
            "size and digest of the log in every broker's log directory",
            sorted(on_disk.values()),
            expected=[on_disk[first]] * 3,
            says=f"the three log directories hold the same {on_disk[first][0]} bytes",
        )
        evidence.observe(
            "the number of records in them",
            {
                broker: sum(1 for _ in stored_records(folder_of(cluster, broker, orders)))
                for broker in cluster.brokers
            },
            expected=dict.fromkeys(cluster.brokers, load.acknowledged),
            says=f"each with {load.acknowledged} acknowledged records",
        )
        evidence.observe("acknowledged records that are lost", finding=lost, says="none is lost")
        evidence.observe(
            "records that stand there twice",
            finding=run_checker(duplicates, log.entries, topic=orders),
            says="and none stands there twice",
        )

        # Control
        evidence.control(
            "the partition with one replica while its broker was dead",
            {"leader": list(offline.leaders.values()), "produce": refused},
            expected={"leader": [-1], "produce": "refused"},
            says="with one replica the partition was offline at once and took no record",
        )


def rotated(brokers: tuple[int, ...], number: int) -> tuple[int, ...]:
    """The brokers in turn, so that each round kills another one."""
    start = number % len(brokers)
    return brokers[start:] + brokers[:start]


def folder_of(cluster: Cluster, broker: int, topic: TopicName) -> Path:
    """Where a broker keeps the topic's only partition."""
    return cluster.partition_dir(broker, topic, 0)


def log_on(cluster: Cluster, broker: int, topic: TopicName) -> tuple[int, str]:
    """The size and digest of a broker's copy."""
    data = raw_log(folder_of(cluster, broker, topic))
    return len(data), sha256(data).hexdigest()


def in_sync_history(cluster: Cluster, broker: int, topic: TopicName) -> list[list[int]]:
    """Every change of the topic's in-sync replicas, read from the metadata log on one broker."""
    records = [
        decode_frame(record.value)
        for record in stored_records(cluster.partition_dir(broker, METADATA, 0))
        if record.value is not None
    ]
    topic_ids = {r.topic_id for r in records if isinstance(r, TopicRecord) and r.name == topic}
    return [
        sorted(record.in_sync)
        for record in records
        if isinstance(record, PartitionChangeRecord)
        and record.topic_id in topic_ids
        and record.in_sync is not None
    ]
