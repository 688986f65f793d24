"""Entries of the processing log, and the checker that compares them with what was bad."""

import base64
import json

import pytest

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.checkers import CannotTell
from lab.evidence.model import Outcome
from lab.evidence.processing_log import UNPROCESSED, UNREADABLE, LogEntry, each_reported, entry

QUERY = "CSAS_OUT_3"
LOGGER = f"processing.{QUERY}.KsqlTopic.Source.deserializer"


def record(value: object) -> StoredRecord:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return StoredRecord(TopicName("log"), PartitionId(0), Offset(0), 0, None, data)


def test_an_unreadable_record_as_ksqldb_reports_it() -> None:
    found = entry(
        record(
            {
                "level": "ERROR",
                "logger": LOGGER,
                "time": 1,
                "message": {
                    "type": 0,
                    "deserializationError": {
                        "target": "value",
                        "errorMessage": "Error deserializing message from topic: in",
                        "recordB64": base64.b64encode(b"three").decode(),
                        "cause": ["not JSON", None],
                        "topic": "in",
                    },
                    "recordProcessingError": None,
                },
            }
        )
    )
    assert found == LogEntry(
        LOGGER,
        UNREADABLE,
        "Error deserializing message from topic: in",
        ("not JSON", "None"),
        "in",
        "value",
        b"three",
    )


def test_a_row_that_could_not_be_processed() -> None:
    message = {"type": 1, "recordProcessingError": {"errorMessage": "null", "record": "[1]"}}
    found = entry(record({"logger": "processing.Q.Aggregate", "message": message}))
    assert found == LogEntry("processing.Q.Aggregate", UNPROCESSED, "null")


@pytest.mark.parametrize(
    "value",
    [b"", b"nonsense", {}, [], {"logger": "x"}, {"logger": "x", "message": {"type": "0"}}],
)
def test_what_is_no_entry(value: object) -> None:
    assert entry(record(value)) is None


def test_an_entry_whose_particulars_are_missing_or_odd() -> None:
    assert entry(record({"logger": "x", "message": {"type": 9}})) == LogEntry("x", 9, "")
    message = {"type": 0, "deserializationError": {"recordB64": "no base64!"}}
    assert entry(record({"logger": "x", "message": message})) == LogEntry("x", 0, "")


def told(data: bytes | None, part: str = "value", topic: str = "in", kind: int = 0) -> LogEntry:
    return LogEntry(LOGGER, kind, "unreadable", (), topic, part, data)


BAD = [("value", b"a"), ("value", b"b"), ("key", b"c")]


@pytest.mark.parametrize("shown", [True, False])
def test_one_entry_for_each_unreadable_record(shown: bool) -> None:
    entries = [told(data if shown else None, part) for part, data in reversed(BAD)]
    others = [told(b"x", topic="other"), told(b"x", kind=UNPROCESSED)]
    found = each_reported([*entries, *others], topic="in", query=QUERY, unreadable=BAD)
    assert found.outcome is Outcome.OK


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([told(b"a"), told(b"b")], "2 entries about 3 unreadable records"),
        ([told(b"a"), told(b"b"), told(b"c", "key"), told(b"d")], "4 entries about 3"),
        ([told(b"a"), told(b"b"), told(b"c")], "no entry about the key"),
        ([told(b"a"), told(b"a"), told(b"c", "key")], "no entry about the value b'b'"),
    ],
)
def test_entries_that_are_others(entries: list[LogEntry], says: str) -> None:
    found = each_reported(entries, topic="in", query=QUERY, unreadable=BAD)
    assert found.outcome is Outcome.FAIL
    assert says in found.says


def test_without_entries_nobody_can_tell() -> None:
    with pytest.raises(CannotTell):
        each_reported([told(b"a")], topic="in", query="another", unreadable=BAD)
