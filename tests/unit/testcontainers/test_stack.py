"""A throw-away stack, without an engine: what Compose is told, and what starts before it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import Reaper

from lab.compose.proving import Prover
from lab.errors import EnvironmentProblem, UsageError
from lab.testcontainers import LabStack, stack


class Told:
    """What would have been run, in order."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.cleaners = 0

    def run(self, command: list[str], *, env: dict[str, str], **_: Any) -> Any:
        self.commands.append(command)
        self.environments.append(env)
        return subprocess.CompletedProcess(command, 0, "", "")

    def clean(self) -> None:
        self.cleaners += 1


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    """No engine and no Ryuk; the cache is empty and nothing is downloaded."""
    found = Told()
    monkeypatch.setattr(subprocess, "run", found.run)
    monkeypatch.setattr(Prover, "run", lambda *_: None)
    monkeypatch.setattr(Reaper, "get_instance", found.clean)
    monkeypatch.setattr(stack, "plugins_provider", lambda *_, **__: lambda: ())
    monkeypatch.setattr(testcontainers_config, "_ryuk_disabled", None)
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    return found


def test_connect_sees_the_verified_plug_ins(told: Told, tmp_path: Path) -> None:
    with LabStack(services=("connect",)):
        pass
    folder = tmp_path / "cache" / "connect-plugins"
    assert told.environments[0]["LAB_CONNECT_PLUGINS"] == str(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert "connect" in told.commands[0]


def test_a_folder_of_plug_ins_of_one_s_own(told: Told, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with LabStack(services=("connect",), connect_plugins=tmp_path / "mine"):
        pass
    assert told.environments[0]["LAB_CONNECT_PLUGINS"] == str(tmp_path / "mine")
    with pytest.raises(UsageError, match="is no folder"):
        LabStack(connect_plugins=tmp_path / "not-there").start()


def test_exported_variables_of_a_lab_do_not_reach_the_stack(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_BROKER_1_PORT", "1")
    monkeypatch.setenv("COMPOSE_PROFILES", "three-brokers")
    with LabStack(services=()) as made:
        port = made.endpoints.bootstrap_servers.rpartition(":")[2]
    assert told.environments[0]["LAB_BROKER_1_PORT"] == port != "1"
    assert told.environments[0]["COMPOSE_PROFILES"] == ""


@pytest.mark.parametrize(("disabled", "started"), [("true", 0), ("false", 1), ("", 1)])
def test_ryuk_is_started_as_its_setting_says(
    told: Told, monkeypatch: pytest.MonkeyPatch, disabled: str, started: int
) -> None:
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", disabled)
    with LabStack(services=()):
        pass
    assert told.cleaners == started


def test_ryuk_without_an_image_says_what_to_do(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> None:
        raise ImageNotFound("pull access denied for testcontainers/ryuk")

    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "false")
    monkeypatch.setattr(Reaper, "get_instance", nowhere)
    with pytest.raises(EnvironmentProblem, match="ryuk") as caught:
        LabStack(services=()).start()
    assert "TESTCONTAINERS_RYUK_DISABLED" in (caught.value.hint or "")
    assert told.commands == []
