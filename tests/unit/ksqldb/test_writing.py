"""Nodes that write to one command topic: nothing is lost, nothing is written twice."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field

import pytest

from lab.ksqldb.errors import ServerFault, StatementError
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Appended
from lab.ksqldb.runtime.writing import CommandWriter, Record


@dataclass
class Topic:
    """A command topic with one writer at a time, as transactions make it.

    What was sent and not committed keeps its offset: None.
    """

    records: list[bytes | None] = field(default_factory=list)
    writer: object = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Node:
    """A node: its log, and its reader, which has read what it last caught up with."""

    def __init__(self, topic: Topic, *, loses: float = 0.0, seed: int = 0) -> None:
        """``loses`` is how often the answer to a commit does not arrive."""
        self.topic = topic
        self.known = 0
        self.last_failure = "ProducerFencedException: there is a newer producer"
        self._mine = object()
        self._loses = loses
        self._random = random.Random(seed)

    def claim(self) -> int | None:
        with self.topic.lock:
            if self.topic.writer is self._mine:
                return None
            self._mine = object()
            self.topic.writer = self._mine
            return len(self.topic.records)

    def append(self, key: bytes, value: bytes) -> Appended:
        del key
        with self.topic.lock:
            offset = len(self.topic.records)
            fenced = self.topic.writer is not self._mine
            lost = self._random.random() < self._loses
            if lost or not fenced:
                self.topic.records.append(None if fenced else value)
            if lost:
                self.topic.writer = None
                return Appended(offset, certain=False)
            if not fenced:
                self.known = offset + 1
            return Appended(None if fenced else offset, certain=True)

    def catch_up(self, end: int, timeout_seconds: float) -> None:
        del timeout_seconds
        self.known = max(self.known, end)

    def has(self, offset: int) -> bool:
        return offset < self.known and self.topic.records[offset] is not None


def write(node: Node, writer: CommandWriter, value: bytes) -> int:
    """Append a value that says how many stood before it when it was planned."""

    def make() -> tuple[Record, None]:
        return Record(b"", b"%d after %d" % (int(value), node.known)), None

    offset, _ = writer.write(make)
    assert offset is not None
    return offset


@pytest.mark.parametrize("loses", [0.0, 0.3])
def test_every_statement_is_written_once_on_what_stood_before_it(loses: float) -> None:
    topic, each = Topic(), 100
    offsets: dict[int, int] = {}

    def run(number: int) -> None:
        node = Node(topic, loses=loses if number == 0 else 0.0, seed=number)
        writer = CommandWriter(node, node, threading.Event())
        for n in range(each):
            value = number * each + n
            offsets[value] = write(node, writer, b"%d" % value)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stood = {at: r.split(b" after ") for at, r in enumerate(topic.records) if r is not None}
    assert sorted(int(value) for value, _ in stood.values()) == list(range(2 * each))
    assert all(int(after) == at for at, (_, after) in stood.items())
    assert {int(value): at for at, (value, _) in stood.items()} == offsets


def test_what_is_refused_is_not_written() -> None:
    node = Node(Topic())
    writer = CommandWriter(node, node, threading.Event())

    def refuse() -> tuple[Record | None, None]:
        raise StatementError("no")

    with pytest.raises(StatementError):
        writer.write(refuse)
    assert writer.write(lambda: (None, "nothing to do")) == (None, "nothing to do")
    assert node.topic.records == []


def test_patience_ends_with_the_reason() -> None:
    class Alone(Node):
        def claim(self) -> int | None:
            raise JavaFault("TimeoutException", "no broker")

    node = Alone(Topic())
    writer = CommandWriter(node, node, threading.Event(), patience_seconds=0.05)
    with pytest.raises(ServerFault, match="Could not write the statement") as refused:
        writer.write(lambda: (Record(b"", b""), None))
    assert "may have been written" not in str(refused.value)


def test_what_may_have_been_written_is_said() -> None:
    class Cut(Node):
        def claim(self) -> int | None:
            if self.topic.records:
                raise JavaFault("TimeoutException", "no broker")
            return super().claim()

    node = Cut(Topic(), loses=1.0)
    writer = CommandWriter(node, node, threading.Event(), patience_seconds=0.05)
    with pytest.raises(ServerFault, match="It may have been written all the same"):
        write(node, writer, b"1")
