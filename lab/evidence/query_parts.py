"""The parts of a persistent query that can be seen from outside: group, topics, tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.clients.errors import UnknownGroup
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import GroupName, PartitionId, QueryId, ServiceId, TopicName
from lab.wait import wait_until

Place = tuple[TopicName, PartitionId]


@dataclass(frozen=True)
class QueryParts:
    """A query with its group, its sink, and the internal topics that have appeared for it."""

    id: QueryId
    group: GroupName
    sink: TopicName
    internal: tuple[TopicName, ...]

    def only(self, kind: str) -> TopicName:
        """The one internal topic of a kind ("repartition", "changelog"). Raises ValueError."""
        (found,) = [name for name in self.internal if name.endswith(f"-{kind}")]
        return found


def group_of(service: ServiceId, query: QueryId) -> GroupName:
    """The consumer group of a query, whose name its internal topics begin with."""
    return GroupName(f"_confluent-ksql-{service}query_{query}")


def wait_until_at_work(
    kafka: KafkaClient,
    group: GroupName,
    query: QueryId,
    sink: str,
    sources: Iterable[str],
    *,
    timeout_seconds: float = 90.0,
) -> QueryParts:
    """Wait until members of the group read every partition of its sources and repartition topics.

    Its internal topics are there by then. Raises ConditionTimeout.
    """
    listed = [TopicName(source) for source in sources]

    def probe() -> QueryParts | None:
        owned = set(owners(kafka, group))
        topics = kafka.topics()
        internal = tuple(sorted(name for name in topics if name.startswith(f"{group}-")))
        read = [*listed, *(name for name in internal if name.endswith("-repartition"))]
        wanted = {
            (topic, PartitionId(n))
            for topic in read
            for n in range(kafka.describe_topic(topic).partitions)
        }
        if sink not in topics or not wanted <= owned:
            return None
        return QueryParts(query, group, TopicName(sink), internal)

    return wait_until(
        f"{query} reads all its partitions",
        probe,
        timeout_seconds=timeout_seconds,
        ignore=(UnknownGroup,),
    )


def owners(kafka: KafkaClient, group: GroupName) -> dict[Place, str]:
    """Partition → the client id of the group's member that it is assigned to."""
    return {
        place: member.client_id
        for member in kafka.describe_group(group).members
        for place in member.assignment
    }


def tasks(ksqldb: KsqlClient, query: QueryId) -> dict[tuple[str, int], str]:
    """Partition → the task that reads it, as EXPLAIN tells; empty where that does not tell it."""
    found = ksqldb.execute(f"EXPLAIN {query};")[0].data.get("queryDescription")
    return told_tasks(found)


def told_tasks(description: object) -> dict[tuple[str, int], str]:
    """The tasks in a query's description."""
    told = description.get("tasksMetadata") if isinstance(description, Mapping) else None
    found: dict[tuple[str, int], str] = {}
    for task in told if isinstance(told, list) else ():
        match task:
            case {"taskId": str(name), "topicOffsets": list(offsets)}:
                for each in offsets:
                    match each:
                        case {"topicPartitionEntity": {"topic": str(t), "partition": int(n)}}:
                            found[t, n] = name
    return found
