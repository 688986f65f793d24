"""What became of a load: read back, and searched for in the segments before it is called lost."""

from __future__ import annotations

from lab.evidence.checkers import lost_acknowledged, run_checker
from lab.evidence.cluster import Cluster
from lab.evidence.model import Finding, Outcome
from lab.wire.segments import stored_records
from lab.workloads.log import WorkloadLog


def read_back(cluster: Cluster, topic: str, log: WorkloadLog) -> int:
    """Read the topic from its first offset to its end into the log; how many records there are."""
    records = cluster.kafka.read_all(topic)
    log.fetched(records)
    return len(records)


def search_segments(cluster: Cluster, topic: str, log: WorkloadLog) -> None:
    """Log every record that lies in a segment of the topic, on whichever broker."""
    partitions = cluster.kafka.describe_topic(topic).partitions
    for broker in cluster.brokers:
        for partition in range(partitions):
            folder = cluster.partition_dir(broker, topic, partition)
            log.found_in_segments(
                topic, partition, stored_records(folder), replica=cluster.component(broker)
            )
    log.searched(topic)


def judge_loss(cluster: Cluster, topic: str, log: WorkloadLog) -> Finding:
    """Whether acknowledged records are lost. Segments are searched if any was not delivered."""
    found = run_checker(lost_acknowledged, log.entries, topic=topic)
    if found.outcome is Outcome.UNKNOWN:
        search_segments(cluster, topic, log)
        found = run_checker(lost_acknowledged, log.entries, topic=topic)
    return found
