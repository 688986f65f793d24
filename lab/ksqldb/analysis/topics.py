"""What analysis asks about topics, and the copy on which statements are validated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from lab.ksqldb.errors import StatementError
from lab.ksqldb.names import TopicName


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic's shape. ``retention_ms`` of -1 is for ever."""

    name: TopicName
    partitions: int
    replicas: int
    retention_ms: int


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to be made; ``replicas`` of -1 is the broker's default."""

    name: TopicName
    partitions: int
    replicas: int
    configs: tuple[tuple[str, str], ...]


class Topics(Protocol):
    """Topics as analysis sees them."""

    def find(self, name: str) -> Topic | None:
        """The topic, or None."""


@dataclass(slots=True)
class SandboxTopics:
    """The real topics, with changes that happen only here."""

    real: Topics
    _made: dict[str, Topic | None] = field(default_factory=dict)

    def find(self, name: str) -> Topic | None:
        """The topic as the statements before this one would leave it."""
        if name in self._made:
            return self._made[name]
        return self.real.find(name)

    def make(self, topic: NewTopic) -> None:
        """Pretend to create a topic."""
        configs = dict(topic.configs)
        self._made[topic.name] = Topic(
            topic.name,
            topic.partitions,
            max(topic.replicas, 1),
            int(configs.get("retention.ms", "604800000")),
        )

    def delete(self, name: str) -> None:
        """Pretend to delete a topic."""
        self._made[name] = None


def check_topic(
    found: Topic, *, partitions: int | None, replicas: int | None, retention_ms: int | None
) -> None:
    """Refuse to use a topic as it is; None asks for nothing. More replicas are welcome.

    Raises:
        StatementError: it has another shape.
    """
    if (
        partitions in {None, found.partitions}
        and (replicas is None or replicas <= found.replicas)
        and retention_ms in {None, found.retention_ms}
    ):
        return
    asked = (
        ("partitions", partitions, found.partitions),
        ("replication factor", replicas, found.replicas),
        ("retention", retention_ms, found.retention_ms),
    )
    shown = [
        f"{actual if wanted is None else wanted} {what} (topic has {actual})"
        for what, wanted, actual in asked
    ]
    raise StatementError(
        f"A Kafka topic with the name '{found.name}' already exists, with different "
        "partition/replica/retention configuration than required. KSQL expects "
        f"{shown[0]}, {shown[1]}, and {shown[2]}."
    )
