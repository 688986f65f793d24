"""What a query left on a broker: groups between the listings, and other experiments' names."""

import struct

import pytest

from lab.clients.names import Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.names import UniqueNames
from lab.evidence.traces import Left, new_groups, of_others
from lab.wire.errors import DecodeError


def record(key: bytes | None) -> StoredRecord:
    return StoredRecord(TopicName("__consumer_offsets"), PartitionId(0), Offset(0), 0, key, b"")


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def test_a_group_that_came_and_went_is_found_by_what_it_wrote() -> None:
    commit = struct.pack(">h", 1) + text("passing") + text("orders") + struct.pack(">i", 0)
    joined = struct.pack(">h", 2) + text("there before")
    newer = struct.pack(">h", 3) + text("of the new protocol")
    member = struct.pack(">h", 5) + text("with members") + text("m-1")
    found = new_groups(map(record, (commit, joined, newer, member, None)), ["there before"])
    assert found == {"passing", "of the new protocol", "with members"}


def test_a_key_without_a_group_is_an_error_and_not_nothing() -> None:
    with pytest.raises(DecodeError):
        new_groups([record(b"\x00\x03\x00\x09short")], [])


def test_names_of_other_experiments_are_told_from_ours_and_from_anybodys() -> None:
    names = UniqueNames("Q08")
    mine = f"_confluent-ksql-default_transient_{names.of_source('orders')}_17"
    assert not of_others(mine, names)
    assert of_others("_confluent-ksql-default_transient_K01_00AA11BB_ORDERS_17", names)
    assert of_others("q09-00aa11bb-orders", names)
    assert not of_others("_confluent-ksql-default_transient_17", names)
    assert not of_others("console-consumer-12345678", names)


def test_something_in_between_is_not_nothing() -> None:
    assert Left((), (), ()).nothing
    assert Left((), (), None).nothing
    assert not Left((), (), ("passing",)).nothing
    assert not Left(("t",), (), ()).nothing
    assert not Left((), ("g",), ()).nothing
