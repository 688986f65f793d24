"""What a statement will do, decided before anything happens."""

from __future__ import annotations

from dataclasses import dataclass

from lab.ksqldb.analysis.inference import Registration
from lab.ksqldb.analysis.topics import NewTopic, SandboxTopics
from lab.ksqldb.catalog import Catalog, QueryReference
from lab.ksqldb.names import TopicName
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.plan.upgrade import shape


@dataclass(frozen=True, slots=True)
class Distributed:
    """A statement that goes through the command topic.

    ``key`` is the command's id; ``message`` is the answer when it is done.
    """

    key: str
    command: Command
    message: str
    new_topic: NewTopic | None = None
    old_topic: TopicName | None = None
    registrations: tuple[Registration, ...] = ()
    old_subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Warned:
    """A statement that does nothing, with the reason."""

    message: str


def apply(command: Command, catalog: Catalog) -> None:
    """Change a catalog as a command says."""
    for query in command.terminate:
        catalog.remove_query(query)
    if command.drop is not None and catalog.source(command.drop) is not None:
        catalog.remove(command.drop)
    if command.create is not None:
        catalog.put(command.create)
    if command.query is not None:
        plan = command.query
        catalog.add_query(
            QueryReference(plan.id, plan.sources, plan.sink, plan.materializes, shape(plan))
        )
    if command.register is not None:
        catalog.put_type(command.register.name, command.register.type)
    if command.drop_type is not None:
        catalog.remove_type(command.drop_type)


def pretend(planned: Distributed, catalog: Catalog, topics: SandboxTopics) -> None:
    """Do on copies what a statement would do."""
    apply(planned.command, catalog)
    if planned.new_topic is not None:
        topics.make(planned.new_topic)
    if planned.old_topic is not None:
        topics.delete(planned.old_topic)
