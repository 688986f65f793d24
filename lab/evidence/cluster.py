"""A lab of several brokers, as an experiment that breaks them holds it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from lab.clients.admin_requests import Quorum, describe_quorum
from lab.clients.errors import ClientError
from lab.clients.kafka import KafkaClient, TopicDescription
from lab.clients.names import PartitionId, TopicName
from lab.endpoints import Capabilities
from lab.evidence.faults import Faults
from lab.evidence.names import CleanUp, UniqueNames
from lab.evidence.recorder import Evidence
from lab.targets.base import Target
from lab.wait import wait_until

Condition = Callable[[TopicDescription], bool]

ISR_SECONDS = 90.0
"""Time for a set of in-sync replicas to change: a dead broker is noticed after 9 s by default."""


class Cluster:
    """Brokers 1 to n, of which the experiment may kill and pause what it likes."""

    def __init__(self, target: Target, evidence: Evidence, names: UniqueNames) -> None:
        self.target = target
        self.capabilities: Capabilities = target.capabilities()
        self.bootstrap_servers = target.endpoints().bootstrap_servers
        self.kafka = KafkaClient(self.bootstrap_servers)
        # A paused broker keeps its connections: whoever asks it must not wait long.
        self._looking = KafkaClient(self.bootstrap_servers, config={"socket.timeout.ms": 2_000})
        self._looking.timeout_seconds = 2.0
        self.faults = Faults(target, evidence)
        self._names = names

    def describe(self, evidence: Evidence, *, start_seconds: float | None) -> None:
        """Record what the lab is, how long it took to start, and the memory that it takes now.

        ``start_seconds`` is None if it ran already.
        """
        components = self.target.components()
        memory = [self.target.memory_of(found.name) for found in components]
        known = [size for size in memory if size is not None]
        evidence.record(
            "lab",
            "several brokers",
            self.bootstrap_servers,
            answer={
                "components": components,
                "start_seconds": start_seconds,
                "resident_mib": sum(known) // 2**20 if len(known) == len(memory) else None,
            },
        )

    @property
    def brokers(self) -> tuple[int, ...]:
        """The ids of all brokers, dead or alive."""
        return tuple(range(1, self.capabilities.brokers + 1))

    def topic(
        self,
        name: str,
        *,
        partitions: int = 1,
        replication: int = 3,
        config: Mapping[str, str] | None = None,
        assignment: list[list[int]] | None = None,
    ) -> TopicName:
        """Create a topic with a unique name; it is deleted when the test is over.

        ``assignment`` names the brokers of each partition, the preferred leader first.
        """
        created = self.kafka.create_topic(
            self._names.of(name),
            partitions=partitions,
            replication=replication,
            config=config,
            assignment=assignment,
        )
        self.when(
            f"every partition of {created} has a leader and its replicas in sync",
            created,
            lambda found: (
                len(found.leaders) > 0
                and all(leader >= 0 for leader in found.leaders.values())
                and all(set(found.in_sync[n]) == set(found.replicas[n]) for n in found.replicas)
            ),
        )
        return created

    def name(self, name: str) -> TopicName:
        """A unique name for a topic that may come to be created; it is deleted all the same."""
        return TopicName(self._names.of(name))

    def component(self, broker: int) -> str:
        """The lab's name for a broker."""
        return f"broker-{broker}"

    def address(self, broker: int) -> str:
        """Where a broker answers."""
        return self.bootstrap_servers.split(",")[broker - 1]

    def partition_dir(self, broker: int, topic: str, partition: int) -> Path:
        """The folder in which a broker keeps a partition, as it is now.

        Raises CapabilityMissing where it cannot be read.
        """
        self.capabilities.require("broker_logs")
        return self.target.partition_dir(self.component(broker), topic, partition)

    def quorum(self, *, via: int | None = None) -> Quorum:
        """The controllers' quorum as its leader describes it; asked of the broker ``via``.

        Raises ClientError.
        """
        addresses = [self.address(via)] if via else self.bootstrap_servers.split(",")
        return describe_quorum(addresses)

    def when(
        self,
        condition: str,
        topic: str,
        holds: Condition,
        *,
        timeout_seconds: float = ISR_SECONDS,
    ) -> TopicDescription:
        """Wait until the topic's description is so, and return it. Raises ConditionTimeout."""

        def probe() -> TopicDescription | None:
            found = self._looking.describe_topic(topic)
            return found if holds(found) else None

        return wait_until(
            condition,
            probe,
            timeout_seconds=timeout_seconds,
            every_seconds=0.1,
            ignore=(ClientError,),
        )

    def when_led(self, topic: str, *, in_sync: Collection[int], partition: int = 0) -> int:
        """Wait until exactly these brokers are in sync and one of them leads; which one it is.

        Raises ConditionTimeout.
        """
        one = PartitionId(partition)
        found = self.when(
            f"{topic}-{partition} is in sync on {sorted(in_sync)}",
            topic,
            lambda found: set(found.in_sync[one]) == set(in_sync) and found.leaders[one] in in_sync,
        )
        return found.leaders[one]

    def clean_up(self) -> None:
        """Mend what is broken, then delete what was created. Raises LabError."""
        self.faults.undo()
        clean_up = CleanUp(self._names)
        clean_up.topics_and_groups(self.kafka)
        clean_up.finish()
