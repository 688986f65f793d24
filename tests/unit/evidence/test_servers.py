"""Servers that an experiment adds are taken away again, whatever became of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from lab.endpoints import Capabilities
from lab.errors import CapabilityMissing, LabError
from lab.evidence.faults import Faults
from lab.evidence.names import CleanUpFailed, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.servers import Servers
from lab.targets.base import KsqldbServer, Target


class Adding:
    """A target that adds servers, and fails to remove those in ``stuck``."""

    name = "embedded"

    def __init__(self, folder: Path, *stuck: str, offered: bool = True) -> None:
        self.done: list[str] = []
        self._folder = folder
        self._stuck = stuck
        self._offered = offered

    def capabilities(self) -> Capabilities:
        reasons = {"more_ksqldb_servers": "it has one for ever"}
        return Capabilities(kill=True, more_ksqldb_servers=self._offered, reasons=reasons)

    def add_ksqldb(self, *, service_id: str | None, properties: Mapping[str, str]) -> KsqldbServer:
        name = f"ksqldb-{len(self.done) + 2}"
        self.done.append(f"add {name}: {service_id} {dict(properties)}")
        (self._folder / f"{name}.log").write_text(f"I am {name}")
        return KsqldbServer(name, "http://127.0.0.1:1", service_id or "own_")

    def remove_ksqldb(self, component: str) -> None:
        if component in self._stuck:
            raise LabError(f"{component} does not go")
        self.done.append(f"remove {component}")

    def log_of(self, component: str) -> Path:
        return self._folder / f"{component}.log"

    def kill(self, component: str) -> None:
        self.done.append(f"kill {component}")

    def restart(self, component: str) -> None:
        self.done.append(f"restart {component}")


def servers_of(target: Adding, tmp_path: Path) -> tuple[Servers, Faults]:
    evidence = Evidence("Q18", tmp_path / "history.jsonl", test="t")
    platform = cast("Target", target)
    faults = Faults(platform, evidence)
    names = UniqueNames("q18")
    lock, logs = tmp_path / "lock", tmp_path / "logs"
    return Servers(platform, evidence, names, faults, lock, logs), faults


def test_they_are_removed_newest_first_and_leave_their_logs(tmp_path: Path) -> None:
    target = Adding(tmp_path)
    servers, faults = servers_of(target, tmp_path)
    first = servers(service_id="a_", properties={"ksql.heartbeat.enable": "true"})
    second = servers()
    faults.kill(first.component)
    servers.close()
    faults.undo()
    assert target.done == [
        "add ksqldb-2: a_ {'ksql.heartbeat.enable': 'true'}",
        "add ksqldb-3: None {}",
        "kill ksqldb-2",
        "remove ksqldb-3",
        "remove ksqldb-2",
    ]
    assert {file.read_text() for file in (tmp_path / "logs").iterdir()} == {
        f"I am {node.component}" for node in (first, second)
    }


def test_one_that_does_not_go_keeps_nobody_else(tmp_path: Path) -> None:
    target = Adding(tmp_path, "ksqldb-3")
    servers, _ = servers_of(target, tmp_path)
    servers()
    servers()
    with pytest.raises(CleanUpFailed, match="ksqldb-3 does not go"):
        servers.close()
    assert target.done[-1] == "remove ksqldb-2"


def test_a_target_that_has_none_says_why(tmp_path: Path) -> None:
    servers, _ = servers_of(Adding(tmp_path, offered=False), tmp_path)
    with pytest.raises(CapabilityMissing, match="it has one for ever"):
        servers()
