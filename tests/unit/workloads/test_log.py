"""The log of a workload is a history, and the time without acknowledgements is read from it."""

from dataclasses import replace
from pathlib import Path

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.checkers import lost_acknowledged, run_checker
from lab.evidence.history import read_history
from lab.evidence.model import Outcome
from lab.evidence.workload import INVOKE, PRODUCE
from lab.wire.record_batch import Record
from lab.workloads.load import longest_silence
from lab.workloads.log import WorkloadLog


def a_log() -> WorkloadLog:
    log = WorkloadLog("test")
    for n, value in enumerate((b"a", b"b")):
        log.add("producer", INVOKE, "t", {"key": None, "value": value})
        log.add("producer", PRODUCE, "t", {"value": value, "partition": 0, "offset": n})
    log.fetched([StoredRecord(TopicName("t"), PartitionId(0), Offset(0), 5, None, b"a")])
    return log


def test_it_is_a_history_when_it_is_saved(tmp_path: Path) -> None:
    log = a_log()
    assert list(read_history(log.save(tmp_path / "load.jsonl"))) == log.entries


def test_checkers_read_it() -> None:
    log = a_log()
    assert run_checker(lost_acknowledged, log.entries).outcome is Outcome.UNKNOWN
    log.found_in_segments("t", 0, [Record(1, 5, None, b"b")], replica="broker-1")
    log.searched("t")
    assert "lie in a replica's log" in run_checker(lost_acknowledged, log.entries).says


def test_silence_is_the_longest_time_between_acknowledgements() -> None:
    acknowledged = next(entry for entry in a_log().entries if entry.action == PRODUCE)
    at = [0, 1_000_000_000, 4_500_000_000, 5_000_000_000]
    entries = [replace(acknowledged, seq=seq) for seq in at]
    unknown = replace(acknowledged, seq=3_000_000_000, outcome=Outcome.UNKNOWN)
    assert longest_silence([*entries, unknown]) == 3.5
    assert longest_silence([]) == 0
