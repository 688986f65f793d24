"""Requests whose answers tell which rights one has, and that change nothing: they are about names
that nothing has. Brokers look at rights before they look for the thing.

Source: the message schemas of each request in Kafka's protocol guide, in the lowest versions that
brokers of 2.3 and of 4.x both know; none of them is flexible.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from lab.wire import writer
from lab.wire.primitives import Reader

REFUSALS = frozenset({29, 30, 31, 53})
"""The error codes of a missing right: topic, group, cluster, transactional id."""

_ONE = writer.int32(1)
_NONE = writer.int32(0)


@dataclass(frozen=True)
class Question:
    """What to ask to know of a right; ``error`` reads the error code from an answer's body."""

    resource: str
    operation: str
    api: str
    version: int
    body: Callable[[str], bytes]
    error: Callable[[Reader], int]


def _int64(value: int) -> bytes:
    return struct.pack(">q", value)


def _produce(topic: str) -> bytes:
    """No transaction, acks of all, no time; no records."""
    head = writer.int16(-1) + writer.int16(-1) + writer.int32(1000)
    return head + _ONE + writer.string(topic) + _ONE + _NONE + _NONE


def _fetch(topic: str) -> bytes:
    head = writer.int32(-1) + _NONE + _NONE + writer.int32(1024) + writer.int8(0)
    return head + _ONE + writer.string(topic) + _ONE + _NONE + _int64(0) + writer.int32(1024)


def _list_offsets(topic: str) -> bytes:
    return writer.int32(-1) + _ONE + writer.string(topic) + _ONE + _NONE + _int64(-1)


def _delete_records(topic: str) -> bytes:
    return _ONE + writer.string(topic) + _ONE + _NONE + _int64(0) + writer.int32(1000)


def _describe_configs(topic: str) -> bytes:
    return _ONE + writer.int8(2) + writer.string(topic) + _NONE + writer.int8(0)


def _heartbeat(group: str) -> bytes:
    return writer.string(group) + _NONE + writer.string("")


def _names(name: str) -> bytes:
    return _ONE + writer.string(name)


def _end_transaction(name: str) -> bytes:
    return writer.string(name) + _int64(0) + writer.int16(0) + writer.int8(0)


def _of_partition(*, throttled: bool, before: int = 0) -> Callable[[Reader], int]:
    """The error of the first partition of the first topic; ``before`` it are so many bytes."""

    def read(reader: Reader) -> int:
        if throttled:
            reader.int32()
        reader.int32()
        reader.string()
        reader.int32()
        reader.take(4 + before)
        return reader.int16()

    return read


def _first(reader: Reader) -> int:
    return reader.int16()


def _after(*sizes: int) -> Callable[[Reader], int]:
    def read(reader: Reader) -> int:
        reader.take(sum(sizes))
        return reader.int16()

    return read


def _of_group(reader: Reader) -> int:
    reader.take(8)
    reader.string()
    return reader.int16()


QUESTIONS: tuple[Question, ...] = (
    Question("topic", "WRITE", "Produce", 3, _produce, _of_partition(throttled=False)),
    Question("topic", "READ", "Fetch", 4, _fetch, _of_partition(throttled=True)),
    Question("topic", "DESCRIBE", "ListOffsets", 1, _list_offsets, _of_partition(throttled=False)),
    # The one request about a topic's content for which the right to delete is looked at first.
    Question(
        "topic",
        "DELETE",
        "DeleteRecords",
        0,
        _delete_records,
        _of_partition(throttled=True, before=8),
    ),
    Question("topic", "DESCRIBE_CONFIGS", "DescribeConfigs", 1, _describe_configs, _after(4, 4)),
    Question("group", "READ", "Heartbeat", 0, _heartbeat, _first),
    Question("group", "DESCRIBE", "DescribeGroups", 0, _names, _after(4)),
    Question("group", "DELETE", "DeleteGroups", 0, _names, _of_group),
    Question("transactional id", "WRITE", "EndTxn", 0, _end_transaction, _after(4)),
)
