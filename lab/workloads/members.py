"""Members of consumer groups that poll and do nothing else, and note what was given and taken.

``python -m lab.workloads.members '{…}'`` runs one member per group in a process of its own, to be
killed together; see Options.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from confluent_kafka import Consumer, TopicPartition

from lab.clients.kafka_border import Setting, border, connection
from lab.wait import wait_until
from lab.workloads.program import options


@dataclass
class Change:
    """Partitions that a member was given, or had to give up."""

    kind: str
    partitions: list[int]


class Member:
    """A member in a thread of this process, inside the ``with`` block; it leaves at its end."""

    def __init__(
        self, bootstrap_servers: str, topic: str, group: str, settings: Mapping[str, Setting]
    ) -> None:
        self.changes: list[Change] = []
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        with border(f"join group {group}"):
            self._consumer = Consumer(
                connection(
                    bootstrap_servers,
                    {"auto.offset.reset": "earliest", **settings, "group.id": group},
                )
            )
            self._consumer.subscribe(
                [topic],
                on_assign=self._noted("given"),
                on_revoke=self._noted("taken"),
                on_lost=self._noted("lost"),
            )
        self._thread = threading.Thread(target=self._run, name=f"member of {group}")

    def taken(self, *, since: int = 0) -> list[int]:
        """The partitions that it had to give up, from the change with this number on."""
        return sorted(n for c in self.changes[since:] if c.kind != "given" for n in c.partitions)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._consumer.poll(0.1)
        except BaseException as error:
            self._failure = error

    def _noted(self, kind: str):  # type: ignore[no-untyped-def]  # the library's own callback type
        def changed(_consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self.changes.append(Change(kind, sorted(p.partition for p in partitions)))

        return changed


@dataclass(frozen=True)
class Options:
    """One member for each group, with the settings of that group."""

    bootstrap_servers: str
    topic: str
    groups: dict[str, dict[str, Setting]] = field(default_factory=dict)


def main(given: Options) -> None:
    """Be a member of every group until killed."""
    members = [
        Member(given.bootstrap_servers, given.topic, group, settings)
        for group, settings in given.groups.items()
    ]
    for member in members:
        member.__enter__()
    wait_until("somebody kills this process", lambda: False, timeout_seconds=600)


if __name__ == "__main__":
    main(Options(**options()))  # type: ignore[arg-type]  # JSON has the fields' types
