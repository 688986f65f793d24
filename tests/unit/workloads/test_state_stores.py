"""The layout of Kafka Streams' state folders, and what its stores and changelogs come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.workloads.state_stores import (
    RocksFolder,
    StoreRecord,
    StoreUnreadable,
    changelog_state,
    kind_of_file,
    parse,
    rocksdb_folders,
    stored_state,
    task_folders,
    task_partition,
    unwrap,
)

STORE = "Aggregate-Aggregate-Materialize"
TIME = 1_700_000_015_000


def databases(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)
        (root / folder / "CURRENT").write_text("MANIFEST-000005\n")


def test_databases_are_found_in_their_tasks(tmp_path: Path) -> None:
    databases(tmp_path, f"app_1/1_0/rocksdb/{STORE}", f"app_1/1_2/{STORE}/{STORE}.1699963200000")
    (tmp_path / "app_1/0_0").mkdir()
    (tmp_path / "app_1/global").mkdir()
    plain, segment = rocksdb_folders(tmp_path)
    assert (plain.application, plain.task, plain.partition) == ("app_1", "1_0", 0)
    assert (plain.store, plain.segment) == (STORE, "")
    assert (segment.store, segment.segment) == (STORE, "1699963200000")
    assert segment.partition == 2
    assert task_folders(tmp_path) == {"app_1": ["0_0", "1_0", "1_2"]}


def test_a_database_outside_of_a_task_is_told(tmp_path: Path) -> None:
    databases(tmp_path, "app_1")
    with pytest.raises(StoreUnreadable, match="outside"):
        rocksdb_folders(tmp_path)


def test_tasks_of_named_topologies_have_partitions_too() -> None:
    assert task_partition("__CTAS_X_1__1_4") == 4
    with pytest.raises(StoreUnreadable):
        task_partition("global")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("000010.sst", "SST"),
        ("000004.log", "WAL"),
        ("LOG", "LOG"),
        ("LOG.old.1700000000", "LOG"),
        ("MANIFEST-000005", "MANIFEST"),
        ("OPTIONS-000009", "OPTIONS"),
        ("CURRENT", "CURRENT"),
        ("x.sst", "other"),
    ],
)
def test_files_are_told_apart(name: str, kind: str) -> None:
    assert kind_of_file(name) == kind


def test_files_of_a_database_are_listed_with_their_sizes(tmp_path: Path) -> None:
    databases(tmp_path, f"app/1_0/rocksdb/{STORE}")
    (folder,) = rocksdb_folders(tmp_path)
    assert folder.files() == [("CURRENT", "CURRENT", 16)]


def test_values_are_unwrapped_by_their_column_family() -> None:
    stored = TIME.to_bytes(8, "big") + b"value"
    assert unwrap("default", b"value") == (None, b"value")
    assert unwrap("keyValueWithTimestamp", stored) == (TIME, b"value")
    assert unwrap("keyValueWithTimestampAndHeaders", b"\x04hh" + stored) == (TIME, b"value")


@pytest.mark.parametrize(
    ("family", "stored"),
    [
        ("keyValueWithNews", b"value"),
        ("keyValueWithTimestamp", b"short"),
        ("keyValueWithTimestampAndHeaders", b"\xff\xff\xff\xff\xff\xff"),
        ("keyValueWithTimestampAndHeaders", b"\x7f" + b"beyond the end"),
    ],
)
def test_what_no_store_holds_is_refused(family: str, stored: bytes) -> None:
    with pytest.raises(StoreUnreadable):
        unwrap(family, stored)


def test_the_readers_output_without_bookkeeping() -> None:
    folders = [RocksFolder(Path(), "app", f"1_{n}", STORE, "") for n in range(2)]
    stored = (TIME.to_bytes(8, "big") + b"v").hex()
    lines = [
        "0\tdefault",
        f"0\tkeyValueWithTimestamp\t{b'k'.hex()}\t{stored}",
        "0\toffsets\t00\t00",
        f"1\tkeyValueWithTimestamp\t{b'l'.hex()}\t{stored}",
    ]
    assert parse(lines, folders) == [
        StoreRecord(0, b"k", b"v", TIME),
        StoreRecord(1, b"l", b"v", TIME),
    ]


def test_a_key_that_stands_twice_is_told() -> None:
    record = StoreRecord(0, b"k", b"v", TIME)
    assert stored_state([record]) == {(0, b"k"): (TIME, b"v")}
    with pytest.raises(StoreUnreadable, match="twice"):
        stored_state([record, record])


def test_a_changelog_comes_to_its_latest_records() -> None:
    def record(partition: int, key: bytes, value: bytes | None) -> StoredRecord:
        place = PartitionId(partition)
        return StoredRecord(TopicName("t"), place, Offset(0), TIME, key, value)

    log = [
        record(0, b"a", b"1"),
        record(0, b"b", b"1"),
        record(1, b"a", b"other"),
        record(0, b"a", b"2"),
        record(0, b"b", None),
        record(0, b"never", None),
    ]
    assert changelog_state(log) == {(0, b"a"): (TIME, b"2"), (1, b"a"): (TIME, b"other")}
