"""What experiments ask a broker: topics, configs, offsets, groups; and records (see records.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from lab.clients.admin_requests import remove_members
from lab.clients.errors import TopicExists, UnknownGroup, UnknownTopic
from lab.clients.group import GroupMember
from lab.clients.kafka_border import Setting, border, result
from lab.clients.names import GroupName, Offset, PartitionId, TopicName
from lab.clients.records import PartitionRange, RecordClient, StoredRecord

_NOT_COMMITTED = -1001


@dataclass(frozen=True)
class TopicDescription:
    """A topic as the brokers' metadata has it; replicas and ISR are broker ids per partition."""

    name: TopicName
    partitions: int
    replicas: Mapping[PartitionId, tuple[int, ...]]
    in_sync: Mapping[PartitionId, tuple[int, ...]]
    leaders: Mapping[PartitionId, int]


@dataclass(frozen=True)
class CommittedOffset:
    """A group's committed offset for one partition: the next record that it wants.

    The commit's metadata is not here: confluent-kafka reads past the end of one that the broker
    has sent without a zero byte, as that of Kafka Streams. It stands in the committed record.
    """

    topic: TopicName
    partition: PartitionId
    offset: Offset
    leader_epoch: int | None


@dataclass(frozen=True)
class MemberDescription:
    """A member of a group, with what the coordinator assigned to it."""

    member_id: str
    client_id: str
    host: str
    assignment: tuple[tuple[TopicName, PartitionId], ...]
    instance_id: str | None = None


@dataclass(frozen=True)
class GroupDescription:
    """A group as its coordinator describes it; ``state`` in the coordinator's words."""

    group: GroupName
    state: str
    protocol: str
    coordinator: int
    members: tuple[MemberDescription, ...] = field(default=())
    assignor: str = ""


class KafkaClient(RecordClient):
    """Admin calls and records of one cluster. Methods raise the errors of lab.clients.errors."""

    timeout_seconds = 15.0

    @cached_property
    def _admin(self) -> AdminClient:
        with border("create an admin client"):
            return AdminClient(self.connection())

    def topics(self) -> frozenset[TopicName]:
        """The names of all topics, internal ones too."""
        with border("list topics"):
            metadata = self._admin.list_topics(timeout=self.timeout_seconds)
        return frozenset(TopicName(name) for name in metadata.topics)

    def has_topic(self, name: str) -> bool:
        """Whether there is a topic of this name."""
        return name in self.topics()

    def brokers(self) -> tuple[int, ...]:
        """The ids of the brokers that are alive."""
        with border("list brokers"):
            metadata = self._admin.list_topics(timeout=self.timeout_seconds)
        return tuple(sorted(metadata.brokers))

    def create_topic(
        self,
        name: str,
        *,
        partitions: int = 1,
        replication: int = -1,
        config: Mapping[str, str] | None = None,
        assignment: Sequence[Sequence[int]] | None = None,
        timeout_seconds: float | None = None,
    ) -> TopicName:
        """Create a topic; ``replication`` -1 takes the broker's default.

        ``assignment`` names the brokers of each partition instead. Raises TopicExists when there
        is one of that name.
        """
        seconds = self.timeout_seconds if timeout_seconds is None else timeout_seconds
        if assignment is None:
            new = NewTopic(name, partitions, replication, config=dict(config or {}))
        else:
            new = NewTopic(
                name,
                len(assignment),
                replica_assignment=[list(brokers) for brokers in assignment],
                config=dict(config or {}),
            )
        answer = self._admin.create_topics(
            [new], operation_timeout=seconds, request_timeout=seconds
        )
        result(answer[name], f"create topic {name}", seconds + 5)
        return TopicName(name)

    def ensure_topic(self, name: str, *, partitions: int = 1) -> TopicName:
        """Create the topic unless it exists."""
        try:
            return self.create_topic(name, partitions=partitions)
        except TopicExists:
            return TopicName(name)

    def delete_topics(self, names: Iterable[str]) -> None:
        """Delete topics; one that does not exist is deleted enough."""
        wanted = sorted(set(names))
        if not wanted:
            return
        answers = self._admin.delete_topics(wanted, operation_timeout=self.timeout_seconds)
        for name, answer in answers.items():
            try:
                result(answer, f"delete topic {name}", self.timeout_seconds)
            except UnknownTopic:
                continue

    def describe_topic(self, name: str) -> TopicDescription:
        """Partitions, replicas and leaders. Raises UnknownTopic."""
        with border(f"describe topic {name}"):
            # Asking for all topics never makes a broker create the missing one.
            metadata = self._admin.list_topics(timeout=self.timeout_seconds)
        if name not in metadata.topics:
            raise UnknownTopic(
                f"describe topic {name}",
                code=3,
                name="UNKNOWN_TOPIC_OR_PART",
                text="not in the metadata",
            )
        found = metadata.topics[name].partitions
        return TopicDescription(
            name=TopicName(name),
            partitions=len(found),
            replicas={PartitionId(n): tuple(p.replicas) for n, p in found.items()},
            in_sync={PartitionId(n): tuple(p.isrs) for n, p in found.items()},
            leaders={PartitionId(n): p.leader for n, p in found.items()},
        )

    def is_internal(self, name: str) -> bool:
        """Whether the brokers call the topic internal. Raises UnknownTopic."""
        answer = self._admin.describe_topics(
            TopicCollection([name]), request_timeout=self.timeout_seconds
        )
        found = result(answer[name], f"describe topic {name}", self.timeout_seconds)
        return bool(found.is_internal)

    def topic_config(self, name: str) -> dict[str, str]:
        """Every config of the topic in force, defaults included. Raises UnknownTopic."""
        return self._config_of(ConfigResource(ResourceType.TOPIC, name), f"configs of topic {name}")

    def alter_topic_config(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set configs of the topic; None takes one back. Raises UnknownTopic, BrokerRefused."""
        self._alter_config(ResourceType.TOPIC, name, changes, f"alter configs of topic {name}")

    def alter_broker_config(self, broker: int, changes: Mapping[str, str | None]) -> None:
        """Set configs of a running broker; None takes one back. Raises BrokerRefused."""
        doing = f"alter configs of broker {broker}"
        self._alter_config(ResourceType.BROKER, str(broker), changes, doing)

    def _alter_config(
        self, kind: ResourceType, name: str, changes: Mapping[str, str | None], doing: str
    ) -> None:
        entries = [
            ConfigEntry(
                config,
                value,
                incremental_operation=AlterConfigOpType.DELETE
                if value is None
                else AlterConfigOpType.SET,
            )
            for config, value in changes.items()
        ]
        resource = ConfigResource(kind, name, incremental_configs=entries)
        answer = self._admin.incremental_alter_configs(
            [resource], request_timeout=self.timeout_seconds
        )
        result(answer[resource], doing, self.timeout_seconds)

    def broker_config(self, broker: int) -> dict[str, str]:
        """Every config of the broker that it is willing to show."""
        return self._config_of(
            ConfigResource(ResourceType.BROKER, str(broker)), f"configs of broker {broker}"
        )

    def _config_of(self, resource: ConfigResource, doing: str) -> dict[str, str]:
        answer = self._admin.describe_configs([resource], request_timeout=self.timeout_seconds)
        entries = result(answer[resource], doing, self.timeout_seconds)
        return {name: entry.value for name, entry in entries.items() if entry.value is not None}

    def ranges(self, topic: str) -> dict[PartitionId, PartitionRange]:
        """First and end offset of every partition. Raises UnknownTopic."""
        return self.ranges_of(topic, range(self.describe_topic(topic).partitions))

    def end_offsets(self, topic: str) -> dict[PartitionId, Offset]:
        """The end offset of every partition. Raises UnknownTopic."""
        return {n: found.end for n, found in self.ranges(topic).items()}

    def end_offset(self, topic: str, partition: int = 0) -> Offset:
        """The end offset of one partition. Raises UnknownTopic."""
        return self.range_of(topic, partition).end

    def read_all(self, topic: str, *, committed: bool = False) -> list[StoredRecord]:
        """Every record of the topic, partition after partition. Raises UnknownTopic."""
        count = self.describe_topic(topic).partitions
        return [record for n in range(count) for record in self.read(topic, n, committed=committed)]

    def groups(self) -> frozenset[GroupName]:
        """The ids of all consumer groups."""
        doing = "list consumer groups"
        answer = self._admin.list_consumer_groups(request_timeout=self.timeout_seconds)
        listing = result(answer, doing, self.timeout_seconds)
        return frozenset(GroupName(group.group_id) for group in listing.valid)

    def describe_group(self, group: str) -> GroupDescription:
        """State, coordinator and members.

        A group that never was is either described as dead or refused (UnknownGroup), as the broker
        pleases.
        """
        answer = self._admin.describe_consumer_groups([group], request_timeout=self.timeout_seconds)
        found = result(answer[group], f"describe group {group}", self.timeout_seconds)
        return GroupDescription(
            group=GroupName(found.group_id),
            state=found.state.name,
            protocol=found.type.name,
            coordinator=found.coordinator.id,
            members=tuple(
                MemberDescription(
                    member_id=member.member_id,
                    client_id=member.client_id,
                    host=member.host,
                    assignment=tuple(
                        (TopicName(p.topic), PartitionId(p.partition))
                        for p in member.assignment.topic_partitions
                    ),
                    instance_id=member.group_instance_id,
                )
                for member in found.members
            ),
            assignor=found.partition_assignor or "",
        )

    def committed(self, group: str) -> dict[tuple[TopicName, PartitionId], CommittedOffset]:
        """What the group has committed; empty when it has committed nothing or does not exist."""
        doing = f"committed offsets of group {group}"
        answer = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)], request_timeout=self.timeout_seconds
        )
        try:
            found = result(answer[group], doing, self.timeout_seconds)
        except UnknownGroup:
            return {}
        return {
            (TopicName(p.topic), PartitionId(p.partition)): CommittedOffset(
                TopicName(p.topic),
                PartitionId(p.partition),
                Offset(p.offset),
                p.leader_epoch,
            )
            for p in found.topic_partitions
            if p.offset != _NOT_COMMITTED
        }

    def remove_static_members(self, group: str) -> None:
        """Remove the group's static members, who otherwise stay until their session times out."""
        found = self.describe_group(group)
        instances = [member.instance_id for member in found.members if member.instance_id]
        if instances:
            with border(f"find the coordinator of group {group}"):
                metadata = self._admin.list_topics(timeout=self.timeout_seconds)
            broker = metadata.brokers[found.coordinator]
            remove_members(f"{broker.host}:{broker.port}", group, instances)

    def delete_groups(self, groups: Sequence[str]) -> None:
        """Delete groups; one that does not exist is deleted enough. Members must have left."""
        if not groups:
            return
        answers = self._admin.delete_consumer_groups(
            list(groups), request_timeout=self.timeout_seconds
        )
        for group, answer in answers.items():
            try:
                result(answer, f"delete group {group}", self.timeout_seconds)
            except UnknownGroup:
                continue

    def stable_offset(self, topic: str, partition: int = 0) -> Offset:
        """The last stable offset: everything before it belongs to transactions that ended."""
        wanted = TopicPartition(topic, partition)
        answer = self._admin.list_offsets(
            {wanted: OffsetSpec.latest()},  # type: ignore[no-untyped-call]  # the library has no type
            isolation_level=IsolationLevel.READ_COMMITTED,
            request_timeout=self.timeout_seconds,
        )
        doing = f"last stable offset of {topic}-{partition}"
        return Offset(result(answer[wanted], doing, self.timeout_seconds).offset)

    def delete_records(self, topic: str, partition: int, *, before: int) -> None:
        """Delete the partition's records below the offset ``before``."""
        wanted = TopicPartition(topic, partition, before)
        answer = self._admin.delete_records([wanted], request_timeout=self.timeout_seconds)
        result(answer[wanted], f"delete records of {topic}-{partition}", self.timeout_seconds)

    def member(
        self,
        group: str,
        topics: Sequence[str],
        *,
        auto_offset_reset: str = "earliest",
        config: Mapping[str, Setting] | None = None,
    ) -> GroupMember:
        """A new member of ``group``, subscribed to ``topics``; commits only when told to."""
        return GroupMember(
            self.connection({"auto.offset.reset": auto_offset_reset, **(config or {})}),
            GroupName(group),
            topics,
        )
