"""Who asked the registry what: each client through a door of its own, and all of it in one log.

What came through the registry's own recording proxy and through none of the doors was asked by
somebody else: a broker, for instance, if brokers did ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lab.evidence.names import UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire.exchange_log import read_exchanges
from lab.wire.registry_door import Asked, RegistryDoor, asked


class Doors:
    """``doors("serializer")`` is a door to the registry for this one; it is shut after the test.

    ``access_log`` is the log of the registry's own proxy, None where the target has none.
    """

    def __init__(self, registry_url: str, folder: Path, access_log: Path | None) -> None:
        self._registry_url = registry_url
        self._folder = folder
        self._access_log = access_log
        self._start = access_log.stat().st_size if access_log and access_log.exists() else 0
        self.opened: list[RegistryDoor] = []

    def __call__(self, name: str) -> RegistryDoor:
        """Open a door for the client called ``name``."""
        log = self._folder / f"{len(self.opened)}.jsonl"
        door = RegistryDoor(name, self._registry_url, log)
        self.opened.append(door)
        return door

    def close(self) -> None:
        """Shut all doors."""
        for door in self.opened:
            door.close()

    @property
    def watched(self) -> bool:
        """Whether the target has a log of everything that the registry was asked."""
        return self._access_log is not None

    def by_others(self, about: UniqueNames, ids: Iterable[int] = ()) -> list[str]:
        """What was asked about this test's names or schema ids through none of the doors.

        What was asked twice stands there twice. ``ids`` must be of schemas that no other test has.
        """
        if self._access_log is None:
            return []
        paths = tuple(f"/schemas/ids/{schema_id}" for schema_id in ids)
        ours = [
            each
            for each in asked(read_exchanges(self._access_log, start=self._start))
            if about.mine(each.path) or each.path.partition("?")[0] in paths
        ]
        everything = Counter(_told(each) for each in ours)
        everything.subtract(_told(each) for door in self.opened for each in door.asked())
        return sorted(" ".join(told) for told in everything.elements())


def record_access(evidence: Evidence, doors: Doors) -> dict[str, list[str]]:
    """Record every request with who made it, in the order of time; and return them by client."""
    listed = sorted(
        ((each, door.name) for door in doors.opened for each in door.asked()),
        key=lambda pair: pair[0].time,
    )
    found: dict[str, list[str]] = {door.name: [] for door in doors.opened}
    for each, name in listed:
        evidence.record(
            name,
            f"{each.method} {each.path}",
            "schema-registry",
            answer={"status": each.status, "at": each.time},
        )
        found[name].append(str(each))
    return found


def lay_out_access(
    evidence: Evidence,
    about: str,
    access: Mapping[str, Sequence[str]],
    others: Mapping[str, Sequence[str]],
) -> None:
    """Who asked the registry what, as a table; ``about`` comes first in its title.

    ``access`` is by client, ``others`` what came through no door by who must have asked it: whoever
    asked nothing is said to have asked nothing.
    """
    rows = [[who, told] for who, asked in access.items() for told in asked]
    rows += [[who, told] for who, asked in others.items() for told in asked or ("nothing",)]
    evidence.table(
        f"{about}: who asked the registry what",
        ["Who", "What → status"],
        rows,
        "Each client came through a recording proxy of its own, all through the registry's",
    )


def _told(each: Asked) -> tuple[str, str]:
    return (each.method, each.path)
