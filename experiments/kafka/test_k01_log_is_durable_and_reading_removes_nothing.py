"""K01. The log is durable, and reading it removes nothing.

Set-up    a topic of three partitions with acknowledged records, one of which is a tombstone
Action    two groups read all of it; the brokers are killed with SIGKILL and started again
Observed  before and after, both groups and a reader that begins at the first offset get the same
          bytes at the same offsets, and these are the acknowledged ones
Control   records below an offset are deleted by request: these can no longer be fetched by anybody
Limits    a process is killed, not a machine: what the operating system had not yet written to disk
          survives here; retention by time deletes the same way and is not waited for
"""

from __future__ import annotations

import pytest

from lab.clients.kafka import KafkaClient
from lab.clients.names import GroupName, TopicName
from lab.clients.records import StoredRecord
from lab.evidence import claim
from lab.evidence.checkers import bytes_changed, lost_acknowledged
from lab.evidence.faults import Faults
from lab.evidence.names import GroupFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import fetched, produce
from lab.targets.base import Target

PARTITIONS = 3
RECORDS = 12


@claim("K01")
@pytest.mark.disruptive
def test_log_is_durable_and_reading_removes_nothing(
    lab: Target,
    faults: Faults,
    kafka: KafkaClient,
    topic: TopicFactory,
    group: GroupFactory,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")

    # Set-up
    orders = topic("orders", partitions=PARTITIONS)
    for n in range(RECORDS - 1):
        value = f"order {n}".encode() + bytes([n])
        produce(evidence, kafka, orders, value, key=bytes([n]), partition=n % PARTITIONS)
    produce(evidence, kafka, orders, None, key=b"gone", partition=2)

    # Action
    billing, shipping = group("billing"), group("shipping")
    before = {
        reader: everything_for(kafka, orders, reader, evidence) for reader in (billing, shipping)
    }
    for component in lab.components():
        if component.role == "broker":
            faults.kill(component.name)
            faults.restart(component.name)
    after = {
        reader: everything_for(kafka, orders, group(f"{reader}-again"), evidence)
        for reader in (billing, shipping)
    }
    from_the_start = in_order(fetched(evidence, kafka.read_all(orders)))

    # Observed
    evidence.observe(
        "acknowledged records that nobody can fetch",
        finding=evidence.finding(lost_acknowledged, topic=orders),
        says=f"all {RECORDS} acknowledged records were there after the brokers' SIGKILL",
    )
    evidence.observe(
        "bytes at the acknowledged offsets",
        finding=evidence.finding(bytes_changed, topic=orders),
        says="byte for byte, at the acknowledged offsets",
    )
    evidence.observe(
        "what either group got, before and after",
        [before[billing], before[shipping], after[billing], after[shipping]],
        expected=[from_the_start] * 4,
        says="two groups got all of them, and two more after the restart: reading removed nothing",
    )

    # Control
    kept_from = {n: found.start + 2 for n, found in kafka.ranges(orders).items()}
    for partition, offset in kept_from.items():
        kafka.delete_records(orders, partition, before=offset)
    evidence.record("experiment", "delete records below", orders, answer=kept_from)
    left = in_order(kafka.read_all(orders))
    evidence.control(
        "what can be fetched after deletion",
        left,
        expected=[r for r in from_the_start if r.offset >= kept_from[r.partition]],
        says=f"once deleted by request they were gone: {len(left)} of {RECORDS} were left",
    )


def everything_for(
    kafka: KafkaClient, topic: TopicName, reader: GroupName, evidence: Evidence
) -> list[StoredRecord]:
    """What a new member of the group gets, up to the number of records that there are."""
    with kafka.member(reader, [topic]) as member:
        return in_order(fetched(evidence, member.poll(RECORDS), actor=reader))


def in_order(records: list[StoredRecord]) -> list[StoredRecord]:
    """By partition and offset: across partitions there is no order to compare."""
    return sorted(records, key=lambda record: (record.partition, record.offset))
