"""What a query leaves on the broker: topics, groups, and every group that had a say in between.

A group that came and went between two listings still wrote into ``__consumer_offsets``: its name is
read from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lab.clients.errors import BrokerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.names import GroupName, Offset, PartitionId, TopicName
from lab.clients.records import StoredRecord
from lab.evidence.names import UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire.consumer_offsets import GroupMetadataKey, OffsetCommitKey, decode_key
from lab.wire.primitives import Reader

_OFFSETS = TopicName("__consumer_offsets")
_TOKEN = re.compile(r"(?<![0-9a-z])[a-z]\d\d[-_]([0-9a-f]{8})(?![0-9a-f])", re.IGNORECASE)


@dataclass(frozen=True)
class View:
    """The broker at one time. ``offsets`` are the ends of ``__consumer_offsets``, if readable."""

    topics: frozenset[TopicName]
    groups: frozenset[GroupName]
    offsets: dict[PartitionId, Offset]


@dataclass(frozen=True)
class Left:
    """What appeared since a view, without what experiments beside this one made.

    ``named`` are the groups that wrote into ``__consumer_offsets`` and were not there before; None
    where that topic cannot be read.
    """

    topics: tuple[str, ...]
    groups: tuple[str, ...]
    named: tuple[str, ...] | None

    @property
    def nothing(self) -> bool:
        """Whether nothing appeared, as far as could be seen."""
        return not self.topics and not self.groups and not self.named


class Traces:
    """Looks at the broker for one experiment, recorded."""

    def __init__(self, kafka: KafkaClient, names: UniqueNames, evidence: Evidence) -> None:
        self._kafka = kafka
        self._names = names
        self._evidence = evidence

    def look(self) -> View:
        """The broker as it is now."""
        try:
            offsets = self._kafka.end_offsets(_OFFSETS)
        except BrokerRefused as error:
            self._evidence.limit(f"{_OFFSETS} cannot be read here: {error}")
            offsets = {}
        return View(self._kafka.topics(), self._kafka.groups(), offsets)

    def since(self, before: View, *, about: str) -> Left:
        """What appeared since ``before``; ``about`` says in the history what was looked for."""
        now = self.look()
        named = None
        if before.offsets:
            named = new_groups(self._written(before, now), before.groups)
        left = Left(
            self._ours(now.topics - before.topics),
            self._ours(now.groups - before.groups),
            None if named is None else self._ours(named),
        )
        self._evidence.record("broker", f"what appeared with {about}", _OFFSETS, answer=left)
        return left

    def _written(self, before: View, now: View) -> Iterable[StoredRecord]:
        for partition, end in now.offsets.items():
            start = before.offsets.get(partition, Offset(0))
            if end > start:
                yield from self._kafka.read(_OFFSETS, partition, start=start)

    def _ours(self, found: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(name for name in found if not of_others(name, self._names)))


def of_others(name: str, names: UniqueNames) -> bool:
    """Whether a name was made by another experiment, or derived from such a name.

    A name that nobody's token stands in may well be a trace of ours.
    """
    return not names.mine(name) and _TOKEN.search(name) is not None


def new_groups(records: Iterable[StoredRecord], known: Iterable[str]) -> set[str]:
    """The groups that records of ``__consumer_offsets`` name, without those that were known.

    Raises DecodeError for a key that names no group.
    """
    return {_group_of(record.key or b"") for record in records if record.key} - set(known)


def _group_of(key: bytes) -> str:
    match decode_key(key):
        case OffsetCommitKey(group=group) | GroupMetadataKey(group=group):
            return group
        case other:
            # Every key of the newer protocols begins with the group's id, too.
            return Reader(other.payload).string()
