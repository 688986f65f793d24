"""Requests that are written by hand: to the byte, and their answers."""

import pytest

from lab.wire import describe_quorum, group_configs, leave_group, writer
from lab.wire.control_records import decode_leader_change, decode_transaction_marker, kind_of
from lab.wire.errors import DecodeError, UnknownVersion
from lab.wire.record_batch import Record


@pytest.mark.parametrize(
    ("value", "encoded"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")]
)
def test_unsigned_varints(value: int, encoded: bytes) -> None:
    assert writer.unsigned_varint(value) == encoded


def test_the_quorum_is_asked_for_the_metadata_partition() -> None:
    expected = b"\x02" + b"\x13__cluster_metadata" + b"\x02" + b"\0\0\0\0" + b"\0" + b"\0" + b"\0"
    assert describe_quorum.encode_request() == expected


def test_a_described_quorum() -> None:
    def replica(node: int, end: int) -> bytes:
        return node.to_bytes(4) + end.to_bytes(8) + (5).to_bytes(8) + (6).to_bytes(8) + b"\0"

    partition = b"\0\0\0\0" + b"\0\0" + b"\0\0\0\x02" + b"\0\0\0\x07" + (99).to_bytes(8)
    voters = b"\x03" + replica(1, 98) + replica(2, 99)
    topic = b"\x13__cluster_metadata" + b"\x02" + partition + voters + b"\x01" + b"\0" + b"\0"
    found = describe_quorum.decode_answer(b"\0\0" + b"\x02" + topic + b"\0")
    assert (found.error, found.leader, found.epoch, found.high_watermark) == (0, 2, 7, 99)
    assert [(r.node_id, r.log_end_offset) for r in found.voters] == [(1, 98), (2, 99)]
    assert found.observers == ()
    assert describe_quorum.decode_answer(b"\x00\x06\x01\x00").error == 6


def test_group_configs_are_set_and_removed() -> None:
    resource = b"\x20" + b"\x02g" + b"\x03" + b"\x02a" + b"\0" + b"\x021" + b"\0"
    resource += b"\x02b" + b"\x01" + b"\0" + b"\0" + b"\0"
    encoded = group_configs.encode_request("g", {"a": "1", "b": None})
    assert encoded == b"\x02" + resource + b"\0" + b"\0"
    answer = b"\0\0\0\0" + b"\x02" + b"\x00\x28" + b"\x03no" + b"\x20" + b"\x02g" + b"\0" + b"\0"
    assert group_configs.decode_answer(answer) == (40, "no")


def test_static_members_are_removed_by_name() -> None:
    member = b"\x01" + b"\x02i" + b"\x13removed by the lab" + b"\0"
    assert leave_group.encode_request("g", ["i"]) == b"\x02g" + b"\x02" + member + b"\0"
    fine = b"\0\0\0\0" + b"\0\0" + b"\x02" + b"\x01" + b"\x02i" + b"\0\0" + b"\0" + b"\0"
    assert leave_group.decode_answer(fine) == 0
    unknown = fine.replace(b"\x02i\0\0", b"\x02i\0\x19")
    assert leave_group.decode_answer(unknown) == 25


def marker(kind: int, value: bytes) -> Record:
    return Record(0, 0, b"\0\0" + kind.to_bytes(2), value)


def test_control_records_are_told_apart() -> None:
    assert kind_of(marker(0, b"")) == "abort"
    assert decode_transaction_marker(marker(1, b"\0\0\0\0\0\x05")).coordinator_epoch == 5
    change = decode_leader_change(
        marker(2, b"\0\x01" + b"\0\0\0\x03" + (b"\x02\0\0\0\x01" + bytes(16) + b"\0") * 2 + b"\0")
    )
    assert (change.leader_id, change.voters, change.granting_voters) == (3, (1,), (1,))
    with pytest.raises(DecodeError, match="no transaction marker"):
        decode_transaction_marker(marker(2, b""))
    with pytest.raises(DecodeError, match="no change of leader"):
        decode_leader_change(marker(1, b""))
    with pytest.raises(UnknownVersion):
        kind_of(marker(99, b""))
    with pytest.raises(UnknownVersion):
        decode_leader_change(marker(2, b"\0\x09"))
