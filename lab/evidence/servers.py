"""Further ksqlDB servers, as an experiment starts them; all are gone when it is over."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.clients.ksqldb import KsqlClient
from lab.errors import LabError
from lab.evidence.faults import Faults
from lab.evidence.locks import held
from lab.evidence.names import CleanUpFailed, UniqueNames
from lab.evidence.recorder import Evidence
from lab.targets.base import KsqldbServer, StartsKsqldb, Target


@dataclass(frozen=True)
class Node:
    """A server that was added, with a client of it."""

    server: KsqldbServer
    ksqldb: KsqlClient

    @property
    def component(self) -> str:
        """The name that faults and logs take."""
        return self.server.component

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url


def own_server(lab: Target) -> str:
    """The component that is the platform's own ksqlDB server."""
    return next(found.name for found in lab.components() if found.role == "ksqldb")


class Servers:
    """``servers(service_id="audit")`` starts a server and returns it with a client.

    ``lock`` keeps processes of one session from changing the lab at the same time; ``logs`` gets
    the servers' logs, since the lab forgets them.
    """

    def __init__(  # noqa: PLR0917 - made in one place only
        self,
        target: Target,
        evidence: Evidence,
        names: UniqueNames,
        faults: Faults,
        lock: Path,
        logs: Path,
    ) -> None:
        self._target = target
        self._evidence = evidence
        self._names = names
        self._faults = faults
        self._lock = lock
        self._logs = logs
        self._nodes: list[Node] = []

    def service_id(self, name: str) -> str:
        """A service id that no other test uses; topics and groups under it are removed."""
        return self._names.of(name).replace("-", "_") + "_"

    def __call__(
        self, *, service_id: str | None = None, properties: Mapping[str, str] | None = None
    ) -> Node:
        """Start a server on the platform's brokers and wait until it is ready.

        Without a service id it is another node of the platform's own ksqlDB cluster. Raises
        CapabilityMissing where the target offers none, LabError when it does not start.
        """
        target = self._target
        target.capabilities().require("more_ksqldb_servers")
        assert isinstance(target, StartsKsqldb)  # noqa: S101 - that is what the capability says
        with held(self._lock):
            server = self._evidence.act(
                "experiment",
                "start a ksqlDB server",
                service_id or "of the platform's own service id",
                partial(target.add_ksqldb, service_id=service_id, properties=properties or {}),
            )
        node = Node(server, KsqlClient(server.url))
        self._nodes.append(node)
        return node

    def close(self) -> None:
        """End every server, keeping its log. Raises CleanUpFailed with all that went wrong."""
        problems = []
        for node in reversed(self._nodes):
            node.ksqldb.close()
            self._keep_log(node)
            self._faults.forget(node.component)
            try:
                with held(self._lock):
                    assert isinstance(self._target, StartsKsqldb)  # noqa: S101 - it started them
                    self._target.remove_ksqldb(node.component)
            except LabError as error:
                problems.append(str(error))
        self._nodes.clear()
        if problems:
            raise CleanUpFailed("clean-up: " + "; ".join(problems))

    def _keep_log(self, node: Node) -> None:
        with suppress(OSError, LabError):
            log = self._target.log_of(node.component)
            if log is not None:
                self._logs.mkdir(parents=True, exist_ok=True)
                name = f"{self._names.of(node.component)}.log"
                shutil.copyfile(log, self._logs / name)
