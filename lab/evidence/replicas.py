"""What brokers keep on disk of a partition, wherever it lies."""

from __future__ import annotations

from lab.targets.base import Target
from lab.wire.record_batch import RecordBatch
from lab.wire.segments import stored_batches


def batches_on_disk(target: Target, topic: str, partition: int) -> list[RecordBatch]:
    """The batches of the first broker that has any of the partition; none if none has.

    Raises CapabilityMissing where brokers' folders cannot be read.
    """
    capabilities = target.capabilities()
    capabilities.require("broker_logs")
    for broker in range(1, capabilities.brokers + 1):
        found = list(stored_batches(target.partition_dir(f"broker-{broker}", topic, partition)))
        if found:
            return found
    return []
