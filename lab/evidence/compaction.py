"""What compaction may do to a log: remove records that a later one of the same key replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lab.clients.records import StoredRecord
from lab.evidence.checkers import finding_of
from lab.evidence.model import Finding, Outcome

Place = tuple[int, int]


def latest_by_key(log: Iterable[StoredRecord]) -> dict[tuple[int, bytes], StoredRecord]:
    """The latest record of each key in each partition; tombstones are records too."""
    return {(int(record.partition), record.key or b""): record for record in log}


def compacted(before: Sequence[StoredRecord], after: Sequence[StoredRecord]) -> Finding:
    """The second look at a log shows what compaction may leave of the first, and less than that.

    Every key's latest record is still there; what is left stands at its offset, unchanged;
    everything that is gone had a later record of its key. ``unknown`` if there was nothing to
    remove.
    """
    latest = latest_by_key(before)
    replaced = len(before) - len(latest)
    if not replaced:
        return Finding(Outcome.UNKNOWN, "no record had a later one of its key: nothing to remove")
    first, second = _by_place(before), _by_place(after)
    wrong = [f"{_told(r)} is not what stood there" for p, r in second.items() if first.get(p) != r]
    wrong += [
        f"{_told(record)} is gone, the latest of its key"
        for record in latest.values()
        if _place(record) not in second
    ]
    gone = len(first.keys() - second.keys())
    if not gone and not wrong:
        wrong = [f"all {len(before)} records are still there"]
    tombstones = sum(record.value is None for record in latest.values())
    return finding_of(
        wrong,
        f"{len(before)} records became {len(after)}, the latest of each of {len(latest)} keys was"
        f" kept at its offset, {tombstones} of them a tombstone",
        "compaction did something else",
    )


def _by_place(log: Iterable[StoredRecord]) -> Mapping[Place, StoredRecord]:
    return {_place(record): record for record in log}


def _place(record: StoredRecord) -> Place:
    return (int(record.partition), int(record.offset))


def _told(record: StoredRecord) -> str:
    return f"{record.topic}-{record.partition}@{record.offset}"
