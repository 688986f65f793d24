"""K06. The members of a consumer group share the partitions among themselves while members come and
go.

Set-up    a topic of six partitions; groups of two members under the classic protocol with eager and
          with cooperative assignment, under the newer protocol (KIP-848), and with static members
Action    a third member joins each group, then it is killed with SIGKILL; the static one is started
          again under its name
Observed  at every stage the coordinator has exactly one owner for every partition; the partitions
          of the dead go to the others; a new member makes eager ones give up all that they have,
          the others only what moves; a static member that comes back in time finds its partitions
          waiting, and nobody else lost any
Control   two groups on the topic each receive every record
Limits    six partitions and three members; a group's time-out is set to 6 s where the broker allows
          that
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from lab.clients.admin_requests import set_group_config
from lab.clients.errors import BrokerRefused, ClientError
from lab.clients.kafka import GroupDescription, KafkaClient
from lab.clients.kafka_border import Setting
from lab.clients.names import GroupName, TopicName
from lab.evidence import claim
from lab.evidence.names import GroupFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import fetched, produce
from lab.wait import wait_until
from lab.workloads import members
from lab.workloads.members import Member
from lab.workloads.program import Program

PARTITIONS = 6
QUICK: dict[str, Setting] = {"session.timeout.ms": 6_000, "heartbeat.interval.ms": 1_000}
KINDS: dict[str, dict[str, Setting]] = {
    "eager": {**QUICK, "partition.assignment.strategy": "range"},
    "cooperative": {**QUICK, "partition.assignment.strategy": "cooperative-sticky"},
    "newer": {"group.protocol": "consumer"},
    "static": {"session.timeout.ms": 45_000, "partition.assignment.strategy": "range"},
}
MORTAL = ("eager", "cooperative", "newer")
EXPECTED_PROTOCOLS = {
    "eager": ("CLASSIC", "range"),
    "cooperative": ("CLASSIC", "cooperative-sticky"),
    "newer": ("CONSUMER", "uniform"),
    "static": ("CLASSIC", "range"),
}

Owners = dict[str, list[int]]


@dataclass
class Groups:
    """One group per kind, each with two members in this process."""

    kafka: KafkaClient
    topic: TopicName
    names: dict[str, GroupName]
    members: dict[str, list[Member]] = field(default_factory=dict)

    def settings(self, kind: str, member: str) -> dict[str, Setting]:
        """A member's settings; static ones have a name that outlives them."""
        instance = {"group.instance.id": member} if kind == "static" else {}
        return {**KINDS[kind], "client.id": member, **instance}

    def describe(self, kind: str) -> GroupDescription:
        """The group as its coordinator has it."""
        return self.kafka.describe_group(self.names[kind])

    def owners_once(self, kind: str, owners: set[str]) -> Owners:
        """Who owns what once exactly these members have partitions, none left over or doubled.

        Raises ConditionTimeout.
        """

        def probe() -> Owners | None:
            found = owners_in(self.describe(kind))
            owned = sorted(n for partitions in found.values() for n in partitions)
            settled = set(found) == owners and all(found.values())
            return found if settled and owned == list(range(PARTITIONS)) else None

        return wait_until(
            f"the members {sorted(owners)} own the partitions of the group {kind!r}",
            probe,
            timeout_seconds=75,
            every_seconds=0.1,
            ignore=(ClientError,),
        )

    def wait_until_given(self, kind: str, owners: Owners) -> None:
        """Wait until the members in this process have been told what the coordinator decided."""
        for name, member in zip(("a", "b"), self.members[kind], strict=True):
            wait_until(
                f"member {name} of {kind!r} has its partitions",
                lambda member=member, name=name: held(member) == set(owners[name]),  # type: ignore[misc]
                timeout_seconds=30,
            )


@claim("K06")
def test_members_of_a_group_share_the_partitions(
    kafka: KafkaClient, topic: TopicFactory, group: GroupFactory, evidence: Evidence
) -> None:
    # Set-up
    orders = topic("orders", partitions=PARTITIONS)
    groups = Groups(kafka, orders, {kind: group(kind) for kind in KINDS})
    with shorter_time_out(kafka, groups.names["newer"], evidence), ExitStack() as alive:
        for kind in KINDS:
            groups.members[kind] = [
                alive.enter_context(
                    Member(
                        kafka.bootstrap_servers, orders, groups.names[kind],
                        groups.settings(kind, name),
                    )
                )
                for name in ("a", "b")
            ]  # fmt: skip
        two = {kind: groups.owners_once(kind, {"a", "b"}) for kind in KINDS}
        for kind in KINDS:
            groups.wait_until_given(kind, two[kind])
        evidence.record("coordinator", "two members", orders, answer=two)
        before = {kind: [len(m.changes) for m in groups.members[kind]] for kind in KINDS}

        # Action
        with third_members(groups, tuple(KINDS), evidence) as program:
            three = {kind: groups.owners_once(kind, {"a", "b", "c"}) for kind in KINDS}
            for kind in KINDS:
                groups.wait_until_given(kind, three[kind])
            evidence.record("coordinator", "three members", orders, answer=three)
            taken = {kind: taken_since(groups, kind, before[kind]) for kind in KINDS}
            described = {kind: groups.describe(kind) for kind in KINDS}
            settled = [len(m.changes) for m in groups.members["static"]]
            evidence.act("experiment", "kill -9", "the third members", program.kill)
        waiting = owners_in(groups.describe("static"))
        with third_members(groups, ("static",), evidence):
            left = {kind: groups.owners_once(kind, {"a", "b"}) for kind in MORTAL}
            evidence.record("coordinator", "one was killed", orders, answer=left)
            back = groups.owners_once("static", {"a", "b", "c"})
            disturbed = taken_since(groups, "static", settled)

    # Observed
    evidence.observe(
        "the protocol and the assignor, as the coordinator has them",
        {kind: (found.protocol, found.assignor) for kind, found in described.items()},
        expected=EXPECTED_PROTOCOLS,
        says="classic and newer protocol (KIP-848), as the coordinator says",
    )
    evidence.observe(
        "the number of owners of every partition, with two, three and again two members",
        [{kind: owned(found) for kind, found in stage.items()} for stage in (two, three, left)],
        expected=[
            {kind: list(range(PARTITIONS)) for kind in kinds} for kinds in (KINDS, KINDS, MORTAL)
        ],
        says="with two, three and again two members every partition had exactly one owner",
    )
    evidence.observe(
        "whether the dead members' partitions are owned by the others",
        {kind: set(three[kind]["c"]) <= set(left[kind]["a"] + left[kind]["b"]) for kind in MORTAL},
        expected=dict.fromkeys(MORTAL, True),
        says="the dead member's partitions went to the other two",
    )
    evidence.observe(
        "what members a and b gave up when c joined",
        {kind: taken[kind] for kind in MORTAL},
        expected={
            "eager": [two["eager"]["a"], two["eager"]["b"]],
            "cooperative": moved(two["cooperative"], three["cooperative"]),
            "newer": moved(two["newer"], three["newer"]),
        },
        says="a new member made eager ones give up all they had, the others only what moved",
    )
    evidence.observe(
        "a static group while its member was dead, when it was back, and what the others gave up",
        {"dead": waiting, "back": back, "given up": disturbed},
        expected={"dead": three["static"], "back": three["static"], "given up": [[], []]},
        says="a static member that came back found its partitions waiting; nobody else lost any",
    )

    # Control
    for n in range(PARTITIONS):
        produce(evidence, kafka, orders, f"order {n}".encode(), partition=n)
    got = {}
    for reader in (group("billing"), group("shipping")):
        with kafka.member(reader, [orders]) as member:
            records = fetched(evidence, member.poll(PARTITIONS), actor=reader)
        got[reader] = sorted((record.value or b"").decode() for record in records)
    evidence.control(
        "what each of two groups received",
        list(got.values()),
        expected=[[f"order {n}" for n in range(PARTITIONS)]] * 2,
        says="two groups on the topic each received every record",
    )


@contextmanager
def shorter_time_out(kafka: KafkaClient, group: GroupName, evidence: Evidence) -> Iterator[None]:
    """Have the broker give up on a silent member of the newer protocol after 6 s, not 45 s."""
    address = kafka.bootstrap_servers.split(",")[0]
    wanted = {"consumer.session.timeout.ms": "6000", "consumer.heartbeat.interval.ms": "2000"}
    try:
        set_group_config(address, group, wanted)
    except BrokerRefused as error:
        evidence.limit(f"a silent member is given up after the broker's own time: {error.message}")
        yield
        return
    yield
    set_group_config(address, group, dict.fromkeys(wanted))


@contextmanager
def third_members(groups: Groups, kinds: tuple[str, ...], evidence: Evidence) -> Iterator[Program]:
    """A process with one more member, c, for each of these groups."""
    options = members.Options(
        groups.kafka.bootstrap_servers,
        groups.topic,
        {groups.names[kind]: groups.settings(kind, "c") for kind in kinds},
    )
    errors = evidence.folder / f"{groups.topic}-members.err"
    with Program(members.__name__, vars(options), errors=errors) as program:
        evidence.record("experiment", "start", "the third members", answer=list(kinds))
        yield program


def owners_in(found: GroupDescription) -> Owners:
    """The partitions of each member, by its client id."""
    return {
        member.client_id: sorted(int(partition) for _, partition in member.assignment)
        for member in found.members
    }


def owned(owners: Owners) -> list[int]:
    """Every ownership of a partition; one that has two owners is there twice."""
    return sorted(n for partitions in owners.values() for n in partitions)


def moved(before: Owners, after: Owners) -> list[list[int]]:
    """What a and b had before and have no more."""
    return [sorted(set(before[name]) - set(after[name])) for name in ("a", "b")]


def taken_since(groups: Groups, kind: str, since: list[int]) -> list[list[int]]:
    """What a and b had to give up after so many changes."""
    return [
        member.taken(since=number)
        for member, number in zip(groups.members[kind], since, strict=True)
    ]


def held(member: Member) -> set[int]:
    """What a member has after all that was given and taken."""
    partitions: set[int] = set()
    for change in member.changes:
        if change.kind == "given":
            partitions |= set(change.partitions)
        else:
            partitions -= set(change.partitions)
    return partitions
