"""Log segments as they lie in a broker's log directory.

Source: "Log" under "Implementation" in Kafka's documentation: a partition is a folder
``<topic>-<partition>``, its segments are files named after their first offset in twenty digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.wire.record_batch import Record, RecordBatch, decode_batches


def partition_dir(log_dir: Path, topic: str, partition: int) -> Path:
    """Where a broker keeps the partition, whether it has it or not."""
    return log_dir / f"{topic}-{partition}"


def segment_files(folder: Path) -> list[Path]:
    """The partition's segments, by offset; empty if the broker does not have the partition."""
    return sorted(folder.glob("[0-9]" * 20 + ".log"))


def raw_log(folder: Path) -> bytes:
    """The bytes of all segments, one after the other. A segment that goes meanwhile is left out."""
    found = []
    for file in segment_files(folder):
        try:
            found.append(file.read_bytes())
        except FileNotFoundError:
            continue
    return b"".join(found)


def stored_batches(folder: Path) -> Iterator[RecordBatch]:
    """The batches of the partition as stored; one that is being written is left out."""
    return decode_batches(raw_log(folder), partial_end=True)


def stored_records(folder: Path) -> Iterator[Record]:
    """The partition's records as stored, without control records."""
    for batch in stored_batches(folder):
        if not batch.control:
            yield from batch.records or ()
