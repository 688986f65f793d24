"""The checker of a record's way, shown what it must catch."""

from pathlib import Path

import pytest

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.clients.tail import Arrival
from lab.evidence.checkers import run_checker
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.recorder import Evidence
from lab.evidence.ways import WRITE, one_way, record_arrival

THROUGH = ["repartition", "changelog", "sink"]


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return Evidence("Q13", tmp_path / "history.jsonl", test="x")


def came(
    evidence: Evidence, topic: str, partition: int = 2, time: int = 1000, action: str = WRITE
) -> Entry:
    record = StoredRecord(
        TopicName(topic), PartitionId(partition), Offset(7), time, b"north", b'{"N":1}'
    )
    return record_arrival(evidence, Arrival(record, 5), actor="task 1_2", action=action)


def judged(evidence: Evidence) -> Finding:
    return run_checker(
        one_way, evidence.history, source="orders", through=THROUGH, names={"sink": "BY_REGION"}
    )


def test_a_way_is_told_place_by_place(evidence: Evidence) -> None:
    came(evidence, "orders", 0, action="produce")
    for topic in [*THROUGH, "another query's sink"]:
        came(evidence, topic)
    found = judged(evidence)
    assert found.outcome is Outcome.OK
    assert found.says == (
        "orders, partition 0, offset 7 → repartition, partition 2, offset 7"
        " → changelog, partition 2, offset 7 → BY_REGION, partition 2, offset 7"
    )


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ([("repartition", 2, 1000), ("changelog", 2, 1000)], "0 records came to BY_REGION"),
        (
            [
                ("repartition", 2, 1000),
                ("changelog", 2, 1000),
                ("sink", 2, 1000),
                ("sink", 2, 1000),
            ],
            "2 records came to BY_REGION",
        ),
        (
            [("repartition", 2, 1000), ("changelog", 1, 1000), ("sink", 2, 1000)],
            "different partitions",
        ),
        (
            [("repartition", 2, 1000), ("changelog", 2, 1000), ("sink", 2, 999)],
            "has the timestamp 999, the source's record 1000",
        ),
    ],
)
def test_what_is_not_one_way_is_caught(
    evidence: Evidence, places: list[tuple[str, int, int]], says: str
) -> None:
    came(evidence, "orders", 0, action="produce")
    for topic, partition, time in places:
        came(evidence, topic, partition, time)
    found = judged(evidence)
    assert found.outcome is Outcome.FAIL
    assert says in found.says


def test_without_the_source_nobody_can_tell(evidence: Evidence) -> None:
    for topic in THROUGH:
        came(evidence, topic)
    assert judged(evidence).outcome is Outcome.UNKNOWN
    came(evidence, "orders", action="produce")
    assert judged(evidence).outcome is Outcome.OK
    came(evidence, "orders", action="produce")
    assert judged(evidence).outcome is Outcome.UNKNOWN


def test_a_step_without_a_place_cannot_be_judged(evidence: Evidence) -> None:
    came(evidence, "orders", action="produce")
    evidence.record("task 1_2", WRITE, "sink", answer="something")
    assert judged(evidence).outcome is Outcome.UNKNOWN
