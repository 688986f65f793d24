"""Labs: running, half down, left behind, elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from lab.config import Settings
from lab.doctor.labs import Seen, check_labs, judge_elsewhere, judge_lab
from lab.embedded.process import INSTANCE_VARIABLE, ProcessRecord, start_identity
from lab.embedded.state import LabFolder, LabState

ALL = frozenset({"broker-1", "schema-registry", "registry-proxy", "ksqldb"})


def state(phase: Literal["starting", "ready", "stopped"], name: str = "default") -> LabState:
    return LabState(name=name, instance=f"instance-of-{name}", cluster_id="c", phase=phase)


def test_running() -> None:
    assert judge_lab(Seen(state("ready"), ALL)).status == "ok"


def test_half_down_names_what_is_missing() -> None:
    result = judge_lab(Seen(state("ready", "two"), ALL - {"ksqldb"}))
    assert result.status == "warn"
    assert result.seen == "running without ksqldb"
    assert "`lab up --name two`" in (result.remedy or "")


def test_up_once_but_gone() -> None:
    result = judge_lab(Seen(state("ready"), frozenset()))
    assert result.status == "warn"
    assert "none of its processes" in result.seen


@pytest.mark.parametrize("phase", ["stopped", "starting"])
def test_left_behind(phase: Literal["starting", "stopped"]) -> None:
    result = judge_lab(Seen(state(phase), frozenset({"ksqldb"}), strays=(41,)))
    assert result.status == "warn"
    assert "ksqldb, pid 41" in result.seen
    assert "`lab down`" in (result.remedy or "")


def test_stopped_and_clean() -> None:
    assert judge_lab(Seen(state("stopped"), frozenset())).status == "ok"


def test_labs_of_other_folders_are_named_only() -> None:
    assert judge_elsewhere([1, 2]).seen == "2 processes of other folders' labs: 1, 2"
    assert judge_elsewhere(list(range(20))).seen.endswith("…")
    assert judge_elsewhere([1]).status == "ok"


@pytest.fixture
def marked() -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the mark of the lab "default"."""
    env = {**os.environ, INSTANCE_VARIABLE: "instance-of-default"}
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "state", tmp_path / "cache")


def test_stray_process_is_found_by_its_mark(
    tmp_path: Path, marked: subprocess.Popen[bytes]
) -> None:
    folder = LabFolder(tmp_path / "state", "default")
    folder.create()
    folder.save(state("stopped"))
    result = check_labs(settings(tmp_path))[0]
    assert result.status == "warn"
    assert f"pid {marked.pid}" in result.seen


def test_recorded_process_is_named(tmp_path: Path, marked: subprocess.Popen[bytes]) -> None:
    folder = LabFolder(tmp_path / "state", "default")
    folder.create()
    folder.save(state("ready"))
    identity = start_identity(marked.pid)
    assert identity is not None
    ProcessRecord("ksqldb", marked.pid, identity, "instance-of-default").save(folder.run)
    result = check_labs(settings(tmp_path))[0]
    assert result.seen == "running without broker-1, registry-proxy, schema-registry"


def test_process_of_another_folder(tmp_path: Path, marked: subprocess.Popen[bytes]) -> None:
    results = check_labs(settings(tmp_path))
    (other,) = [result for result in results if result.name == "other labs"]
    assert other.status == "ok"


def test_state_that_cannot_be_read(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path / "state", "broken")
    folder.create()
    folder.file.write_text("{", "utf-8")
    result = check_labs(settings(tmp_path))[0]
    assert (result.name, result.status) == ("lab broken", "warn")
    assert result.remedy
