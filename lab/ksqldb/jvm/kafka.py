"""The broker, the command topic and the processing log, through the JVM's clients."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.analysis.topics import NewTopic, Topic
from lab.ksqldb.errors import StatementError
from lab.ksqldb.jvm.errors import JavaFault, translated
from lab.ksqldb.names import TopicName

_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_UNFIT_TOPIC = {
    "InvalidConfigurationException",
    "InvalidPartitionsException",
    "InvalidReplicationFactorException",
    "InvalidTopicException",
    "PolicyViolationException",
}
"""What a broker says of topics that it makes for nobody."""


def java_map(values: Mapping[str, object]) -> Any:
    """A java.util.HashMap of strings."""
    made = jpype.JClass("java.util.HashMap")()
    for key, value in values.items():
        made.put(key, str(value))
    return made


@dataclass(frozen=True, slots=True)
class GroupOffset:
    """Where a group stands in a partition."""

    topic: str
    partition: int
    start: int
    end: int
    committed: int


class Broker:
    """One admin client and one producer. Every method may block; none is for the event loop."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        with translated():
            self.java: Any = jpype.JClass("lab.ksqldb.client.Broker")(java_map(settings))

    def cluster_id(self, timeout_ms: int) -> str:
        """The cluster's id.

        Raises:
            JavaFault: no answer in time.
        """
        with translated():
            return str(self.java.clusterId(timeout_ms))

    def topics(self) -> dict[str, list[int]]:
        """Replica counts by partition of every topic."""
        with translated():
            found: dict[str, list[int]] = json.loads(str(self.java.topics()))
            return found

    def find(self, name: str) -> Topic | None:
        """A topic's shape.

        Raises:
            StatementError: no topic can have that name.
        """
        if not _TOPIC.fullmatch(name):
            raise StatementError(f"Not a name for a topic: '{name}'")
        with translated():
            found = self.java.topic(name)
        if found is None:
            return None
        return Topic(TopicName(name), int(found[0]), int(found[1]), int(found[2]))

    def latest_time(self, topic: str) -> int:
        """The latest time of a topic's records in ms, or -1."""
        with translated():
            return int(self.java.latestTime(topic))

    def create(self, topic: NewTopic) -> None:
        """Create a topic.

        Raises:
            StatementError: the broker refuses its shape.
        """
        try:
            with translated():
                self.java.create(
                    topic.name, topic.partitions, topic.replicas, java_map(dict(topic.configs))
                )
        except JavaFault as fault:
            if fault.kind not in _UNFIT_TOPIC:
                raise
            raise StatementError(
                f"Failed to guarantee existence of topic {topic.name}\nCaused by: {fault.message}"
            ) from None

    def delete(self, *names: str) -> None:
        """Delete topics; missing ones are no error."""
        with translated():
            self.java.delete(jpype.JClass("java.util.ArrayList")(list(names)))

    def delete_prefixed(self, prefix: str) -> None:
        """Delete every topic whose name begins so."""
        with translated():
            self.java.deletePrefixed(prefix)

    def members(self, group: str) -> int:
        """How many members a consumer group has."""
        with translated():
            return int(self.java.members(group))

    def delete_group(self, group: str) -> None:
        """Delete a consumer group."""
        with translated():
            self.java.deleteGroup(group)

    def offsets(self, group: str) -> list[GroupOffset]:
        """Where a group stands, by topic and partition."""
        with translated():
            return [GroupOffset(*row) for row in json.loads(str(self.java.offsets(group)))]

    def readers(self) -> dict[str, tuple[int, int]]:
        """How many groups and members read each topic."""
        with translated():
            found = json.loads(str(self.java.readers()))
        return {topic: (pair[0], pair[1]) for topic, pair in found.items()}

    def produce(self, topic: str, key: Any, value: Any, timestamp_ms: int | None) -> None:
        """Produce one record (Java byte arrays or None) and wait for its acknowledgement."""
        stamp = None if timestamp_ms is None else jpype.JLong(timestamp_ms)
        with translated():
            self.java.produce(topic, key, value, stamp)

    def processing_log(self, topic: str, *, rows: bool) -> Any:
        """The processing log's writer, a Java object; ``rows`` says whether it shows records."""
        return jpype.JClass("lab.ksqldb.client.ProcessingLog")(self.java, topic, rows)

    def close(self) -> None:
        """Close the clients."""
        with translated():
            self.java.close()


def unread(log: Any, topic: str) -> tuple[float, float, float] | None:
    """What a processing log was told of a topic's unreadable records: per second, in all, and the
    last one's time in ms; None when there was none."""
    found = log.unread(topic)
    return None if found is None else (float(found[0]), float(found[1]), float(found[2]))


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the command topic."""

    offset: int
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of an append: the record's offset, or None if it was certainly not written.

    Without ``certain``, whether the record is at that offset is settled by the next claim.
    """

    offset: int | None
    certain: bool


class CommandLog:
    """The command topic. One node of a cluster is its writer at a time."""

    def __init__(self, broker: Broker, topic: TopicName, writer_id: str) -> None:
        self._java: Any = jpype.JClass("lab.ksqldb.client.CommandLog")(
            broker.java, topic, writer_id
        )

    def open(self, replicas: int) -> None:
        """Make the topic if it is missing; read from its beginning."""
        with translated():
            self._java.open(replicas)

    def end(self) -> int:
        """The offset after the last committed record."""
        with translated():
            return int(self._java.end())

    def position(self) -> int:
        """The offset of the next record to be read."""
        with translated():
            return int(self._java.position())

    def poll(self, wait_ms: int) -> Sequence[Entry]:
        """The next records, after waiting for the first."""
        with translated():
            return [
                Entry(int(e.offset), bytes(e.key), bytes(e.value)) for e in self._java.poll(wait_ms)
            ]

    def claim(self) -> int | None:
        """Become the topic's one writer; up to which offset it must be read before an append.

        None if this node has been the writer since that was last asked.

        Raises:
            JavaFault: the broker refuses or does not answer.
        """
        with translated():
            end = int(self._java.claim())
        return None if end < 0 else end

    def append(self, key: bytes, value: bytes) -> Appended:
        """Append a record in a transaction of its own."""
        with translated():
            result = int(self._java.append(_bytes(key), _bytes(value)))
        if result >= 0:
            return Appended(result, certain=True)
        if result == -1:
            return Appended(None, certain=True)
        return Appended(-2 - result, certain=False)

    @property
    def last_failure(self) -> str:
        """Why the last claim or append failed."""
        return str(self._java.lastFailure())

    def wakeup(self) -> None:
        """Make a waiting poll return."""
        self._java.wakeup()

    def close_reader(self) -> None:
        """Close the reader, from the thread that polls."""
        with translated():
            self._java.closeReader()

    def close_writer(self) -> None:
        """Close the writer."""
        with translated():
            self._java.closeWriter()


def _bytes(data: bytes) -> Any:
    return jpype.JArray(jpype.JByte)(data)
