"""What compaction may leave of a log, and what it may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.compaction import compacted, latest_by_key
from lab.evidence.model import Outcome


def record(offset: int, key: bytes, value: bytes | None, partition: int = 0) -> StoredRecord:
    return StoredRecord(
        TopicName("log"), PartitionId(partition), Offset(offset), 1_000 + offset, key, value
    )


LOG = [
    record(0, b"a", b"1"),
    record(1, b"b", b"1"),
    record(2, b"a", b"2"),
    record(3, b"b", None),
    record(0, b"a", b"1", partition=1),
]


def test_latest_records_are_kept() -> None:
    finding = compacted(LOG, LOG[2:])
    assert finding.outcome is Outcome.OK
    assert "5 records became 3" in finding.says
    assert "3 keys" in finding.says
    assert "1 of them a tombstone" in finding.says


def test_part_of_what_was_replaced_may_stay() -> None:
    assert compacted(LOG, LOG[1:]).outcome is Outcome.OK


def test_a_log_that_stayed_as_it_was_is_not_compacted() -> None:
    finding = compacted(LOG, LOG)
    assert finding.outcome is Outcome.FAIL
    assert "still there" in finding.says


@pytest.mark.parametrize("lost", [2, 3, 4])
def test_the_latest_record_of_a_key_must_stay(lost: int) -> None:
    after = [each for each in LOG[2:] if each is not LOG[lost]]
    finding = compacted(LOG, after)
    assert finding.outcome is Outcome.FAIL
    assert f"@{LOG[lost].offset} is gone" in finding.says


def test_what_stays_must_be_unchanged() -> None:
    for other in (replace(LOG[2], value=b"3"), replace(LOG[2], timestamp_ms=0)):
        assert compacted(LOG, [other, *LOG[3:]]).outcome is Outcome.FAIL


def test_a_record_out_of_nowhere_is_told() -> None:
    assert compacted(LOG, [*LOG[2:], record(9, b"c", b"1")]).outcome is Outcome.FAIL


def test_a_log_with_nothing_to_remove_tells_nothing() -> None:
    assert compacted(LOG[3:], LOG[3:]).outcome is Outcome.UNKNOWN


def test_latest_by_key_is_by_partition() -> None:
    assert set(latest_by_key(LOG)) == {(0, b"a"), (0, b"b"), (1, b"a")}
    assert latest_by_key(LOG)[0, b"a"].value == b"2"
