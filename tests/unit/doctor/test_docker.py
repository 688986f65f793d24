"""Docker's part: never more than a warning, and always said that it may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.config import Settings
from lab.doctor.docker import Answer, check_docker, judge_compose, judge_docker_memory, judge_engine


def docker(folder: Path, script: str) -> None:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(0o755)


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    monkeypatch.setenv("PATH", str(tmp_path))
    results = check_docker(Settings(tmp_path, tmp_path))
    for result in results:
        if result.status != "ok":
            assert "not for the embedded one" in (result.remedy or "")
    return {result.name: (result.status, result.seen) for result in results}


def test_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(tmp_path, monkeypatch) == {
        "Docker engine": ("warn", "the command `docker` is not there")
    }


def test_with_a_daemon_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, "echo first >&2; echo Cannot connect >&2; exit 1")
    assert run(tmp_path, monkeypatch) == {
        "Docker engine": ("warn", "Cannot connect"),
        "Docker Compose": ("warn", "Cannot connect"),
    }


def test_with_all_that_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(
        tmp_path,
        'case "$1" in version) echo 27.1 arm64;; compose) echo v2.26.1;;'
        " info) echo 8589934592;; esac",
    )
    assert run(tmp_path, monkeypatch) == {
        "Docker engine": ("ok", "27.1, arm64"),
        "Docker Compose": ("ok", "v2.26.1"),
        "Docker memory": ("ok", "8.0 GiB"),
    }


def test_without_the_compose_plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker(tmp_path, '[ "$1" = compose ] && exit 1; echo 1073741824')
    found = run(tmp_path, monkeypatch)
    assert found["Docker Compose"] == ("warn", "exit code 1")
    assert found["Docker memory"][0] == "warn"


@pytest.mark.parametrize(
    ("said", "status"),
    [("2.26.1", "ok"), ("v5.0.0", "ok"), ("2.19.1", "warn"), ("1.29.2", "warn"), ("dev", "warn")],
)
def test_compose_versions(said: str, status: str) -> None:
    assert judge_compose(Answer(said)).status == status


def test_answers_that_are_not_understood() -> None:
    assert judge_engine(Answer(None, "no answer in time")).seen == "no answer in time"
    assert judge_docker_memory(Answer("lots")).seen == "not understood: lots"


def test_without_the_plug_in_and_without_the_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(
        tmp_path,
        'if [ "$1" = compose ]; then echo "unknown flag: --short" >&2; echo >&2; '
        "echo \"Run 'docker --help' for more information\" >&2; exit 125; fi; "
        'echo "permission denied while trying to connect to the Docker daemon" >&2; exit 1',
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    engine, compose = check_docker(Settings(tmp_path, tmp_path))
    assert engine.seen.startswith("permission denied")
    assert "group docker" in (engine.remedy or "")
    assert compose.seen == "the plug-in is not there"


def test_an_old_compose_and_a_machine_without_images() -> None:
    assert judge_compose(Answer("2.6.0")).seen == "2.6.0; too old for the compose file"
    other = judge_engine(Answer("27.1 s390x"))
    assert (other.status, "amd64 and arm64" in other.seen) == ("warn", True)
