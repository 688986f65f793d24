"""Python, Java, memory, disk, open files, clock: what is judged how."""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import pytest

from lab.config import Settings
from lab.doctor import machine
from lab.doctor.machine import (
    check_clock,
    check_folder,
    check_java,
    check_memory,
    check_python,
    check_virtual_environment,
    judge_clock,
    judge_disk,
    judge_memory,
    judge_open_files,
    judge_python,
)
from lab.doctor.model import GIB, MIB, gib
from lab.embedded.jre import JavaRuntime

NOW = 1_800_000_000.0


def settings(tmp_path: Path, java_home: Path | None = None) -> Settings:
    return Settings(tmp_path / "state", tmp_path / "cache", java_home=java_home)


def launcher(tmp_path: Path, script: str) -> Path:
    """A Java home whose launcher is the shell script."""
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    java.chmod(0o755)
    return tmp_path / "java"


def test_sizes_as_people_read_them() -> None:
    assert gib(300 * MIB) == "300 MiB"
    assert gib(1.6 * GIB) == "1.6 GiB"


def test_this_python_is_good_enough(tmp_path: Path) -> None:
    assert check_python(settings(tmp_path)).status == "ok"


def test_old_python_fails() -> None:
    result = judge_python((3, 10, 9), "/usr/bin/python3")
    assert result.status == "fail"
    assert "3.10.9" in result.seen
    assert "make PYTHON=" in (result.remedy or "")


def test_virtual_environment_is_told_from_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", "/here/.venv")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert check_virtual_environment(settings(tmp_path)).seen == "/here/.venv"
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert check_virtual_environment(settings(tmp_path)).status == "warn"


def test_java_from_pip_runs(tmp_path: Path) -> None:
    result = check_java(settings(tmp_path))
    assert result.status == "ok"
    assert "from pip" in result.seen


@pytest.mark.parametrize(
    ("script", "status", "seen"),
    [
        ("echo 'openjdk version \"25.0.1\"' >&2", "ok", "25.0.1 (LAB_JAVA_HOME"),
        ("echo 'openjdk version \"17.0.9\"' >&2", "warn", "starts slower"),
        ("echo 'openjdk version \"11.0.2\"' >&2", "fail", "Java 11.0.2"),
        ("echo no >&2; exit 3", "fail", "does not tell its version"),
    ],
)
def test_java_of_the_user(tmp_path: Path, script: str, status: str, seen: str) -> None:
    result = check_java(settings(tmp_path, launcher(tmp_path, script)))
    assert result.status == status
    assert seen in result.seen
    assert (result.remedy is None) == (status == "ok")


@pytest.mark.parametrize("script", ["echo cannot execute >&2; exit 127", "kill -9 $$"])
def test_java_from_pip_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    broken = JavaRuntime(launcher(tmp_path, script), "25.0.1", 25)
    monkeypatch.setattr(machine, "find_java", lambda _home: broken)
    result = check_java(settings(tmp_path))
    assert result.status == "fail"
    assert "does not run" in result.seen
    assert "LAB_JAVA_HOME" in (result.remedy or "")


@pytest.mark.parametrize(
    ("available", "status"),
    [(4 * GIB, "ok"), (int(1.3 * GIB), "warn"), (700 * MIB, "warn"), (300 * MIB, "fail")],
)
def test_memory(available: int, status: str) -> None:
    result = judge_memory(available, 8 * GIB)
    assert result.status == status
    assert "of 8.0 GiB" in result.seen


def test_memory_of_a_container_is_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("1073741824\n")
    (tmp_path / "memory.current").write_text("536870912\n")
    assert machine._container_limit(tmp_path) == (GIB, GIB // 2)
    monkeypatch.setattr(machine, "_container_limit", lambda _folder: (256 * MIB, 200 * MIB))
    assert check_memory(settings(tmp_path)).status == "fail"


@pytest.mark.parametrize("text", ["max\n", ""])
def test_container_without_a_limit(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.max").write_text(text)
    (tmp_path / "memory.current").write_text("5\n")
    assert machine._container_limit(tmp_path) is None
    assert machine._container_limit(tmp_path / "none") is None


def test_folder_that_does_not_exist_yet_is_not_made(tmp_path: Path) -> None:
    result = check_folder("state folder", tmp_path / "a" / "b", "LAB_STATE_DIR")
    assert result.status in {"ok", "warn"}
    assert list(tmp_path.iterdir()) == []


def test_folder_below_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = check_folder("cache folder", tmp_path / "file" / "cache", "LAB_CACHE_DIR")
    assert result.status == "fail"
    assert "LAB_CACHE_DIR" in (result.remedy or "")


def test_folder_that_cannot_be_written_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    result = check_folder("cache folder", tmp_path, "LAB_CACHE_DIR")
    assert result.status == "fail"
    assert result.seen == f"{tmp_path} cannot be written: Permission denied"


@pytest.mark.parametrize(("free", "status"), [(9 * GIB, "ok"), (GIB, "warn"), (100 * MIB, "fail")])
def test_disk(free: int, status: str) -> None:
    assert judge_disk("cache folder", "/c", free, "LAB_CACHE_DIR").status == status


@pytest.mark.parametrize(
    ("soft", "hard", "status"),
    [
        (1024, 1_048_576, "ok"),
        (256, resource.RLIM_INFINITY, "ok"),
        (1024, 1024, "warn"),
    ],
)
def test_open_files(soft: int, hard: int, status: str) -> None:
    assert judge_open_files(soft, hard).status == status


def test_clock_of_this_machine_is_looked_at(tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    assert check_clock(settings(tmp_path)).seen.endswith("+00:00")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("now", "skew", "status"), [(NOW, 0.1, "ok"), (NOW, -3600.0, "warn"), (0.0, 0.0, "fail")]
)
def test_clock(now: float, skew: float, status: str) -> None:
    assert judge_clock(now, skew).status == status
