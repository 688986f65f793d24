"""Names that no other test uses, and the removal of what was created under them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

from lab.clients.errors import BrokerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import GroupName, SourceName, SubjectName, TopicName
from lab.clients.schema_registry import SchemaRegistryClient
from lab.errors import CapabilityMissing, LabError
from lab.wait import wait_until

T = TypeVar("T")

Note = Callable[[str, str], None]
"""Called with a kind ("topic", "subject", …) and a name, before anything of that name is made."""


class UniqueNames:
    """Names with one beginning: "k08-1f2e3d4c-orders", and "K08_1F2E3D4C_ORDERS" for ksqlDB.

    ``token`` is the part that tells one test from another; it stands in every name in lower or
    upper case, also in the names that ksqlDB derives. ``prefix`` comes before all of it. ``note``
    is told kind and name of what is about to be created: first of the beginning of all names, as
    "stem".
    """

    def __init__(self, about: str, *, prefix: str = "", note: Note | None = None) -> None:
        self.token = secrets.token_hex(4)
        self._about = f"{prefix}{about.lower()}"
        self._note = note
        self.note("stem", f"{self._about}-{self.token}")

    def note(self, kind: str, name: str) -> None:
        """Say that something of this name is about to be created."""
        if self._note is not None:
            self._note(kind, name)

    def of(self, name: str) -> str:
        """A name for topics, groups and subjects."""
        return f"{self._about}-{self.token}-{name}"

    def of_source(self, name: str) -> SourceName:
        """A name for a stream or a table, which needs no quoting."""
        return SourceName(f"{self._about}_{self.token}_{name}".upper().replace("-", "_"))

    def mine(self, name: str) -> bool:
        """Whether ``name`` was made here or derived from a name that was."""
        return self.token in name.lower()


class TopicFactory:
    """``topic("orders", partitions=3)`` creates a topic with a unique name and returns that."""

    def __init__(self, names: UniqueNames, kafka: KafkaClient) -> None:
        self._names = names
        self._kafka = kafka

    def __call__(
        self, name: str = "topic", *, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> TopicName:
        """Create a topic and wait until brokers tell of it; deleted when the test is over.

        The controller acknowledges a topic before the brokers have heard of it.
        """
        self._names.note("topic", self._names.of(name))
        made = self._kafka.create_topic(self._names.of(name), partitions=partitions, config=config)
        wait_until(
            f"topic {made} is in the metadata",
            lambda: self._kafka.has_topic(made),
            every_seconds=0.01,
        )
        return made

    def name(self, name: str) -> TopicName:
        """A name for a topic that somebody else will create; it is deleted all the same."""
        self._names.note("topic", self._names.of(name))
        return TopicName(self._names.of(name))


class SubjectFactory:
    """``subject("orders-value")`` returns a unique subject name.

    It is the one that the topic name strategy makes for ``topic("orders")`` in the same test.
    """

    def __init__(self, names: UniqueNames) -> None:
        self._names = names
        self.made: list[SubjectName] = []

    def __call__(self, name: str) -> SubjectName:
        """A name; the subject is deleted for good when the test is over."""
        return self.named(self._names.of(name))

    def named(self, name: str) -> SubjectName:
        """A subject that a client names by itself; it is deleted for good all the same."""
        made = SubjectName(name)
        self._names.note("subject", name)
        self.made.append(made)
        return made


class SourceFactory:
    """``source_name("orders")`` returns a unique name for a stream or a table."""

    def __init__(self, names: UniqueNames) -> None:
        self._names = names
        self.made: list[SourceName] = []

    def __call__(self, name: str) -> SourceName:
        """A name; queries into the source end and it is dropped when the test is over."""
        made = self._names.of_source(name)
        self._names.note("source", made)
        self.made.append(made)
        return made


class GroupFactory:
    """``group("readers")`` returns a unique name for a consumer group."""

    def __init__(self, names: UniqueNames) -> None:
        self._names = names

    def __call__(self, name: str) -> GroupName:
        """A name; the group is deleted when the test is over."""
        self._names.note("group", self._names.of(name))
        return GroupName(self._names.of(name))


class CleanUpFailed(LabError):
    """Something that a test created could not be removed; the message lists all of it."""


class CleanUp:
    """Removes what a test left behind: sources, then topics and groups, then subjects.

    Every part is tried; what failed is raised together as CleanUpFailed.
    """

    def __init__(self, names: UniqueNames) -> None:
        self._names = names
        self._problems: list[str] = []

    def sources(self, ksqldb: KsqlClient, made: list[SourceName]) -> None:
        """Terminate the queries that write to the sources, then drop these, newest first."""
        if not made:
            return
        for query in self._try(ksqldb.queries) or []:
            if any(sink in made for sink in query.sinks):
                self._try(partial(ksqldb.execute, f"TERMINATE {query.query_id};"))
        kinds = self._try(ksqldb.sources) or {}
        for name in reversed(made):
            if name in kinds:
                self._try(partial(ksqldb.execute, f"DROP {kinds[name]} IF EXISTS {name};"))

    def topics_and_groups(self, kafka: KafkaClient) -> None:
        """Delete every topic and every group of this test, those that ksqlDB derived too."""
        topics = self._try(kafka.topics) or frozenset()
        self._try(partial(kafka.delete_topics, filter(self._names.mine, topics)))
        for group in filter(self._names.mine, self._try(kafka.groups) or ()):
            self._try(partial(_delete_group, kafka, group))

    def subjects(self, registry: SchemaRegistryClient, made: list[SubjectName]) -> None:
        """Delete the subjects for good."""
        for subject in made:
            self._try(partial(registry.forget, subject))

    def finish(self) -> None:
        """Raise CleanUpFailed if anything is left."""
        if self._problems:
            raise CleanUpFailed("clean-up: " + "; ".join(self._problems))

    def _try(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except LabError as error:
            self._problems.append(str(error))
            return None


def _delete_group(kafka: KafkaClient, group: str) -> None:
    def deleted() -> bool:
        try:
            kafka.delete_groups([group])
        except BrokerRefused:
            with suppress(CapabilityMissing):  # then they leave when their session times out
                kafka.remove_static_members(group)
            raise
        return True

    # A group cannot be deleted while members are leaving.
    wait_until(f"group {group} is deleted", deleted, timeout_seconds=60, ignore=(BrokerRefused,))
