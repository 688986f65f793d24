"""What the description of a query's consumer group says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from lab.clients.kafka import GroupDescription

_STREAMS_CLIENT = re.compile(r".*-StreamThread-\d+-consumer")


def from_streams(group: GroupDescription | None, name: str) -> bool:
    """Whether all members are consumers of Kafka Streams' threads of the application ``name``.

    Kafka Streams names a thread's consumer <client id>-StreamThread-<n>-consumer, where the client
    id begins with the application id, and the members' assignor "stream" (in the protocol that
    Kafka has for Kafka Streams alone, the protocol tells). A group without members is not.
    """
    if group is None or not group.members:
        return False
    named = all(
        member.client_id.startswith(name) and _STREAMS_CLIENT.fullmatch(member.client_id)
        for member in group.members
    )
    return bool(named) and (group.assignor == "stream" or group.protocol == "STREAMS")


def not_owned_once(group: GroupDescription | None, topics: Mapping[str, int]) -> list[str]:
    """The partitions of ``topics`` (name → count) that do not have exactly one owner in the group.

    Also names partitions of other topics that a member has.
    """
    owners = Counter(
        (str(topic), int(partition))
        for member in (() if group is None else group.members)
        for topic, partition in member.assignment
    )
    wanted = {(str(topic), n) for topic, count in topics.items() for n in range(count)}
    wrong = [f"{t}-{n}: {owners[t, n]} owners" for t, n in sorted(wanted) if owners[t, n] != 1]
    return wrong + [f"{t}-{n}: not read" for t, n in sorted(set(owners) - wanted)]
