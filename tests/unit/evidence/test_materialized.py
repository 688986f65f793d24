"""The changelog's view of a table."""

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.materialized import aggregates, fields, latest


def records(*pairs: tuple[bytes | None, bytes | None]) -> list[StoredRecord]:
    return [
        StoredRecord(TopicName("t"), PartitionId(0), Offset(n), 0, key, value)
        for n, (key, value) in enumerate(pairs)
    ]


def test_the_last_value_counts_and_a_tombstone_removes() -> None:
    found = latest(
        records((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"b", None), (None, b"3"), (b"c", b"4"))
    )
    assert found == {b"a": b"2", b"c": b"4"}


def test_what_comes_after_a_tombstone_is_there_again() -> None:
    assert latest(records((b"a", b"1"), (b"a", None), (b"a", b"3"))) == {b"a": b"3"}


def test_states_of_another_form_are_not_guessed_at() -> None:
    value = b'{"REGION": "x", "KSQL_AGG_VARIABLE_0": 2, "KSQL_AGG_VARIABLE_1": null}'
    assert aggregates(value, ["N", "TOTAL"]) == {"N": 2, "TOTAL": None}
    assert aggregates(value, ["N", "TOTAL", "MORE"]) is None
    assert aggregates(b"\x00\x00\x00\x00\x01", ["N"]) is None
    assert aggregates(b"2", ["N"]) is None


def test_columns_of_a_sink() -> None:
    assert fields(b'{"N": 2, "M": 3}', ["N"]) == {"N": 2}
    assert fields(b'{"N": 2}', ["N", "M"]) is None
    assert fields(b"x", ["N"]) is None
