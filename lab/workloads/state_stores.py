"""What Kafka Streams keeps on a node's disk: task folders, RocksDB databases, and their records.

The layout is Kafka Streams': ``<application id>/<subtopology>_<partition>/…``, with one RocksDB
folder per store, or per segment of a windowed store. Records are read by the RocksDB library that
Kafka Streams itself uses, read-only, from a copy: ``java/ReadStores.java``. The write-ahead log is
off in Kafka Streams, so that files hold what was flushed: all of it once the node was stopped.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.clients.records import StoredRecord
from lab.config import Settings
from lab.embedded.fetching import outfitter
from lab.embedded.java_program import command
from lab.errors import LabError

SOURCE = Path(__file__).with_name("java") / "ReadStores.java"
OFFSETS = "offsets"
"""The column family in which Kafka Streams 4.3 keeps how far the changelog is in the store."""
_PLAIN = "default"
_TIMESTAMPED = "keyValueWithTimestamp"
_WITH_HEADERS = "keyValueWithTimestampAndHeaders"
_TASK = re.compile(r"(?:__.+__)?(?P<subtopology>\d+)_(?P<partition>\d+)")
_KINDS = (
    (re.compile(r"CURRENT"), "CURRENT"),
    (re.compile(r"IDENTITY"), "IDENTITY"),
    (re.compile(r"LOCK"), "LOCK"),
    (re.compile(r"LOG(\.old\.\d+)?"), "LOG"),
    (re.compile(r"MANIFEST-\d+"), "MANIFEST"),
    (re.compile(r"OPTIONS-\d+(\.dbtmp)?"), "OPTIONS"),
    (re.compile(r"\d+\.sst"), "SST"),
    (re.compile(r"\d+\.log"), "WAL"),
)
_TIMEOUT_SECONDS = 60


class StoreUnreadable(LabError):
    """A state store could not be read, or holds what Kafka Streams' stores do not."""


@dataclass(frozen=True)
class RocksFolder:
    """A RocksDB database on disk. ``segment`` is empty unless the store is windowed."""

    path: Path
    application: str
    task: str
    store: str
    segment: str

    @property
    def partition(self) -> int:
        """The partition that the task works on."""
        return task_partition(self.task)

    def files(self) -> list[tuple[str, str, int]]:
        """Each file's name, what it is to RocksDB, and its size in bytes."""
        return [
            (path.name, kind_of_file(path.name), path.stat().st_size)
            for path in sorted(self.path.iterdir())
            if path.is_file()
        ]


@dataclass(frozen=True)
class StoreRecord:
    """A record of a state store. ``timestamp_ms`` is None in stores that keep no timestamps."""

    partition: int
    key: bytes
    value: bytes
    timestamp_ms: int | None


def task_folders(state: Path) -> dict[str, list[str]]:
    """The task folders under each application's folder; both by name."""
    return {
        application.name: sorted(
            task.name
            for task in application.iterdir()
            if task.is_dir() and _TASK.fullmatch(task.name)
        )
        for application in sorted(state.iterdir())
        if application.is_dir()
    }


def task_partition(task: str) -> int:
    """The partition in a task folder's name. Raises StoreUnreadable."""
    match = _TASK.fullmatch(task)
    if match is None:
        raise StoreUnreadable(f"{task!r} is no task folder")
    return int(match["partition"])


def rocksdb_folders(state: Path) -> list[RocksFolder]:
    """Every RocksDB database under a state folder: whatever has a CURRENT file."""
    found = []
    for current in sorted(state.rglob("CURRENT")):
        path = current.parent
        parts = path.relative_to(state).parts
        if len(parts) < 3:
            raise StoreUnreadable(f"{path}: a database outside of a task's folder")
        store, segment = path.name, ""
        if parts[-2] != "rocksdb" and path.name.startswith(f"{parts[-2]}."):
            store, segment = parts[-2], path.name.removeprefix(f"{parts[-2]}.")
        found.append(RocksFolder(path, parts[0], parts[1], store, segment))
    return found


def kind_of_file(name: str) -> str:
    """What a file in a RocksDB folder is: "SST", "WAL", "MANIFEST", …; "other" if unknown."""
    return next((kind for pattern, kind in _KINDS if pattern.fullmatch(name)), "other")


def read_stores(folders: Sequence[RocksFolder], scratch: Path) -> list[StoreRecord]:
    """Every record of these databases, in the order of their keys.

    ``scratch`` is a folder for a file that the reader is given. Raises StoreUnreadable.
    """
    if not folders:
        return []
    wanted = scratch / "stores.txt"
    wanted.write_text("".join(f"{folder.path}\n" for folder in folders), encoding="utf-8")
    outfit = outfitter(Settings.from_env())()
    try:
        done = subprocess.run(
            command(SOURCE, outfit, [str(wanted)]),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreUnreadable(f"no answer in {_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise StoreUnreadable(f"RocksDB: {done.stderr.strip()[-2000:]}")
    return parse(done.stdout.splitlines(), folders)


def parse(lines: Iterable[str], folders: Sequence[RocksFolder]) -> list[StoreRecord]:
    """The records in the reader's output, without Kafka Streams' own bookkeeping."""
    found = []
    for line in lines:
        place, family, *record = line.split("\t")
        if family == OFFSETS or not record:
            continue
        key, stored = (bytes.fromhex(text) for text in record)
        timestamp, value = unwrap(family, stored)
        found.append(StoreRecord(folders[int(place)].partition, key, value, timestamp))
    return found


def unwrap(family: str, stored: bytes) -> tuple[int | None, bytes]:
    """The timestamp and the value in what a store of this column family has under a key.

    Raises StoreUnreadable for a column family that no known version of Kafka Streams has.
    """
    if family == _PLAIN:
        return None, stored
    if family == _WITH_HEADERS:
        size, begin = _varint(stored)
        stored = stored[begin + size :] if size >= 0 else b""
    elif family != _TIMESTAMPED:
        raise StoreUnreadable(f"a column family of unknown layout: {family!r}")
    if len(stored) < 8:
        raise StoreUnreadable(f"{family}: {len(stored)} bytes are no timestamp and value")
    return int.from_bytes(stored[:8], "big", signed=True), stored[8:]


def _varint(data: bytes) -> tuple[int, int]:
    """A zigzag variable-length number at the start, and where it ends."""
    number = 0
    for at, byte in enumerate(data[:5]):
        number |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at + 1
    raise StoreUnreadable("no variable-length number")


State = dict[tuple[int, bytes], tuple[int | None, bytes]]
"""Partition and key → timestamp and value."""


def stored_state(records: Iterable[StoreRecord]) -> State:
    """What the stores hold. Raises StoreUnreadable if a key stands there twice."""
    found: State = {}
    for record in records:
        place = (record.partition, record.key)
        if place in found:
            raise StoreUnreadable(f"partition {record.partition} has {record.key!r} twice")
        found[place] = (record.timestamp_ms, record.value)
    return found


def changelog_state(records: Iterable[StoredRecord]) -> State:
    """What a changelog comes to: each key's latest record; a tombstone removes its key."""
    found: State = {}
    for record in records:
        place = (int(record.partition), record.key or b"")
        if record.value is None:
            found.pop(place, None)
        else:
            found[place] = (record.timestamp_ms, record.value)
    return found
