"""A member of a consumer group that polls and commits only when it is told to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Self

from confluent_kafka import Consumer, KafkaError, TopicPartition

from lab.clients.errors import Unreachable
from lab.clients.kafka_border import Setting, border, translate
from lab.clients.names import GroupName
from lab.clients.records import StoredRecord, stored


class GroupMember:
    """One consumer in ``group``. Use it as a context manager: leaving the group is part of it.

    Not safe for use from several threads at once.
    """

    def __init__(
        self, settings: Mapping[str, Setting], group: GroupName, topics: Sequence[str]
    ) -> None:
        self.group = group
        with border(f"join group {group}"):
            self._consumer = Consumer(
                {
                    "enable.auto.commit": False,
                    "allow.auto.create.topics": False,
                    **settings,
                    "group.id": group,
                }
            )
            self._consumer.subscribe(list(topics))

    def poll(self, count: int, *, timeout_seconds: float = 20.0) -> list[StoredRecord]:
        """Exactly ``count`` records, in the order in which they arrive.

        Raises Unreachable when fewer arrive within ``timeout_seconds``; those are then lost to the
        caller but not committed.
        """
        doing = f"poll as a member of {self.group}"
        deadline = time.monotonic() + timeout_seconds
        found: list[StoredRecord] = []
        while len(found) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unreachable(
                    f"{doing}: {len(found)} of {count} records within {timeout_seconds:g} s"
                )
            with border(doing):
                message = self._consumer.poll(left)
            if message is None:
                continue
            error = message.error()
            if error is None:
                found.append(stored(message))
            elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                raise translate(error, doing)
        return found

    def commit(self, topic: str, partition: int, next_offset: int, *, metadata: str = "") -> None:
        """Commit ``next_offset``, the offset of the record to be read next, and wait for it."""
        with border(f"commit as a member of {self.group}"):
            answers = self._consumer.commit(
                offsets=[TopicPartition(topic, partition, next_offset, metadata)],
                asynchronous=False,
            )
        for answer in answers:
            if answer.error is not None:
                raise translate(answer.error, f"commit {topic}-{partition} for {self.group}")

    def close(self) -> None:
        """Leave the group."""
        with border(f"leave group {self.group}"):
            self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
