"""Addresses in answers are replaced, and not a byte else."""

import pytest

from lab.wire import writer
from lab.wire.errors import UnknownVersion
from lab.wire.kafka_addresses import (
    DESCRIBE_CLUSTER,
    FIND_COORDINATOR,
    METADATA,
    Address,
    with_addresses,
)

FROM, TO = ("broker", 9092), ("127.0.0.1", 40001)
REST = b"whatever follows"


def moved(address: Address) -> Address:
    assert address == FROM
    return TO


def address(where: Address, *, flexible: bool) -> bytes:
    host, port = where
    text = writer.compact_string(host) if flexible else writer.string(host)
    return text + writer.int32(port)


def metadata(version: int, where: Address) -> bytes:
    flexible = version >= 9
    broker = writer.int32(1) + address(where, flexible=flexible)
    if version >= 1:
        broker += b"\0" if flexible else writer.int16(-1)
    brokers = (
        writer.compact_array([broker + writer.NO_TAGS] * 2)
        if flexible
        else writer.int32(2) + broker * 2
    )
    head = writer.int32(7) + (writer.NO_TAGS if flexible else b"")
    throttle = writer.int32(0) if version >= 3 else b""
    return head + throttle + brokers + REST


def coordinator(version: int, where: Address) -> bytes:
    flexible = version >= 3
    head = writer.int32(7) + (writer.NO_TAGS if flexible else b"")
    throttle = writer.int32(0) if version >= 1 else b""
    if version >= 4:
        one = (
            writer.compact_string("group")
            + writer.int32(1)
            + address(where, flexible=True)
            + writer.int16(0)
            + writer.compact_string(None)
            + writer.NO_TAGS
        )
        return head + throttle + writer.compact_array([one]) + REST
    message = (b"\0" if flexible else writer.int16(-1)) if version >= 1 else b""
    found = writer.int16(0) + message + writer.int32(1) + address(where, flexible=flexible)
    return head + throttle + found + REST


def cluster(version: int, where: Address) -> bytes:
    broker = writer.int32(1) + address(where, flexible=True) + writer.compact_string("rack")
    broker += (writer.int8(0) if version >= 2 else b"") + writer.NO_TAGS
    return (
        writer.int32(7)
        + writer.NO_TAGS
        + writer.int32(0)
        + writer.int16(0)
        + writer.compact_string(None)
        + (writer.int8(1) if version >= 1 else b"")
        + writer.compact_string("cluster")
        + writer.int32(1)
        + writer.compact_array([broker])
        + REST
    )


@pytest.mark.parametrize("version", range(14))
def test_metadata(version: int) -> None:
    changed = with_addresses(metadata(version, FROM), METADATA, version, moved)
    assert changed == metadata(version, TO)


@pytest.mark.parametrize("version", range(7))
def test_coordinators(version: int) -> None:
    changed = with_addresses(coordinator(version, FROM), FIND_COORDINATOR, version, moved)
    assert changed == coordinator(version, TO)


@pytest.mark.parametrize("version", range(3))
def test_described_clusters(version: int) -> None:
    changed = with_addresses(cluster(version, FROM), DESCRIBE_CLUSTER, version, moved)
    assert changed == cluster(version, TO)


def test_an_answer_without_a_coordinator_has_no_address_to_move() -> None:
    nobody = coordinator(2, ("", -1))
    assert with_addresses(nobody, FIND_COORDINATOR, 2, moved) == nobody


def test_other_answers_pass_as_they_are() -> None:
    assert with_addresses(b"anything", 0, 99, moved) == b"anything"


def test_a_newer_layout_is_refused_rather_than_let_through() -> None:
    with pytest.raises(UnknownVersion, match="14"):
        with_addresses(metadata(9, FROM), METADATA, 14, moved)
