"""K07. Committed offsets live in __consumer_offsets, an internal, compacted topic.

Set-up    a topic with six records, and a consumer group that has read three of them
Action    the group commits offset 3 and leaves; the brokers are restarted; a new member joins
Observed  exactly one partition of __consumer_offsets holds the commit, the one that the hash of
          the group's name selects; its bytes decode to the offset that the admin API reports; the
          topic is internal and compacted; the new member goes on at offset 3
Control   a second group reads and never commits: no record of it is in any partition, the admin
          API reports nothing, and where it starts is up to auto.offset.reset
Limits    classic group protocol, default retention of offsets; compaction is read from the topic's
          configuration and not waited for; where brokers cannot be restarted the new member joins
          without a restart, which the report then says
"""

from __future__ import annotations

from functools import partial

import pytest

from lab.clients.errors import BrokerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.names import GroupName, Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.endpoints import Capabilities
from lab.evidence import claim
from lab.evidence.names import GroupFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import fetched, produce
from lab.targets.base import Target
from lab.wire.consumer_offsets import OffsetCommitKey, decode_key, decode_offset_commit_value
from lab.wire.java_hash import partition_of_group

OFFSETS = TopicName("__consumer_offsets")


@claim("K07")
@pytest.mark.disruptive
def test_offsets_live_in_consumer_offsets(
    lab: Target,
    capabilities: Capabilities,
    kafka: KafkaClient,
    topic: TopicFactory,
    group: GroupFactory,
    evidence: Evidence,
) -> None:
    # Set-up
    orders, committing, silent = topic("orders"), group("committing"), group("silent")
    for n in range(6):
        produce(evidence, kafka, orders, f"order {n}".encode())
    with kafka.member(committing, [orders]) as member, kafka.member(silent, [orders]) as other:
        fetched(evidence, member.poll(3), actor=committing)
        fetched(evidence, other.poll(3), actor=silent)
        ends_before = kafka.end_offsets(OFFSETS)

        # Action
        evidence.act(committing, "commit offset 3", orders, lambda: member.commit(orders, 0, 3))
    restart_brokers(lab, capabilities, evidence)
    with kafka.member(committing, [orders], auto_offset_reset="error") as member:
        resumed = fetched(evidence, member.poll(1), actor=committing)[0]

    # Observed
    new_records = read_since(kafka, ends_before)
    commits = commits_in(new_records, committing)
    for record in commits:
        evidence.record(OFFSETS, "holds", committing, answer=record)
    evidence.observe(
        "the partitions that hold the commit",
        sorted({record.partition for record in commits}),
        expected=[partition_of_group(committing, len(ends_before))],
        says=f"the commit is a record in partition {commits[-1].partition if commits else '?'}"
        f" of {len(ends_before)}, the one that the group's hash selects",
    )
    decoded = {
        (found.topic, found.partition): decode_offset_commit_value(record.value or b"").offset
        for record in commits
        if isinstance(found := decode_key(record.key or b""), OffsetCommitKey)
    }
    by_admin = {place: found.offset for place, found in kafka.committed(committing).items()}
    evidence.observe(
        "the decoded offset, and what the admin API reports",
        {"decoded": decoded, "admin": by_admin},
        expected={"decoded": {(orders, 0): 3}, "admin": {(orders, 0): 3}},
        says="it decodes to offset 3, as the admin API says",
    )
    evidence.observe(
        "the kind of topic",
        (kafka.is_internal(OFFSETS), kafka.topic_config(OFFSETS)["cleanup.policy"]),
        expected=(True, "compact"),
        says="the topic is internal and compacted",
    )
    evidence.observe(
        "where the group goes on",
        (resumed.offset, resumed.value),
        expected=(3, b"order 3"),
        says="the group went on at offset 3",
    )

    # Control
    evidence.control(
        "commits of the silent group, in bytes and by the admin API",
        (commits_in(new_records, silent), kafka.committed(silent)),
        expected=([], {}),
        says="the group without a commit has no record",
    )
    evidence.control(
        "where the silent group starts under auto.offset.reset",
        {policy: start_of(kafka, silent, orders, policy) for policy in ("earliest", "error")},
        expected={"earliest": 0, "error": "_AUTO_OFFSET_RESET"},
        says="and starts by auto.offset.reset",
    )


def restart_brokers(lab: Target, capabilities: Capabilities, evidence: Evidence) -> None:
    """Restart every broker where that can be asked; say so where it cannot."""
    if not capabilities.restart:
        reason = capabilities.reasons.get("restart", "this target does not offer it")
        evidence.limit(f"the brokers were not restarted: {reason}")
        return
    for component in lab.components():
        if component.role == "broker":
            restart = partial(lab.restart, component.name)
            evidence.act("experiment", "restart", component.name, restart)


def read_since(kafka: KafkaClient, ends: dict[PartitionId, Offset]) -> list[StoredRecord]:
    """Every record that came into __consumer_offsets after these end offsets were seen."""
    return [
        record
        for partition, end in ends.items()
        for record in kafka.read(OFFSETS, partition, start=end)
    ]


def commits_in(records: list[StoredRecord], group: GroupName) -> list[StoredRecord]:
    """The records whose key is a committed offset of this group."""
    return [
        record
        for record in records
        if isinstance(key := decode_key(record.key or b""), OffsetCommitKey) and key.group == group
    ]


def start_of(kafka: KafkaClient, group: GroupName, topic: TopicName, policy: str) -> Offset | str:
    """The first offset that a new member gets under this policy, or the name of its error."""
    with kafka.member(group, [topic], auto_offset_reset=policy) as member:
        try:
            return member.poll(1)[0].offset
        except BrokerRefused as error:
            return error.name
