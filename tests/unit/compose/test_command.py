"""What docker says, in plain words; and a docker that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.compose.command import Compose, told
from lab.compose.engine import Engine
from lab.errors import DownloadFailed, EnvironmentProblem, LabError, PortInUse


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?",
            EnvironmentProblem,
            "does not answer",
        ),
        ("docker: 'compose' is not a docker command.", EnvironmentProblem, "Compose plug-in"),
        ("docker: unknown command: docker compose", EnvironmentProblem, "Compose plug-in"),
        (
            "permission denied while trying to connect to the docker API at unix:///x",
            EnvironmentProblem,
            "may not use",
        ),
        (
            "Error response from daemon: manifest for a/b:9 not found: manifest unknown",
            DownloadFailed,
            "a/b:9",
        ),
        (
            "pull access denied for a/b, repository does not exist or may require 'docker login'",
            DownloadFailed,
            "could not be pulled",
        ),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', DownloadFailed, "no such host"),
        (
            "driver failed: Bind for 127.0.0.1:29600 failed: port is already allocated",
            PortInUse,
            "29600",
        ),
        (
            "listen tcp4 127.0.0.1:29601: bind: address already in use",
            PortInUse,
            "29601",
        ),
        (
            "ports are not available: exposing port TCP 127.0.0.1:29602 -> 127.0.0.1:0: listen",
            PortInUse,
            "29602",
        ),
        (
            "unknown flag: --file\n\nUsage:  docker [OPTIONS]\n\nRun 'docker --help' for more",
            EnvironmentProblem,
            "plug-in, version 2",
        ),
        (
            "validating docker-compose.yml: ksqldb Additional property required is not allowed",
            EnvironmentProblem,
            "cannot read",
        ),
        ("first\nthe last line\n", LabError, "the last line"),
        ("", LabError, "nothing"),
    ],
)
def test_failures_in_plain_words(said: str, kind: type[LabError], words: str) -> None:
    error = told(said)
    assert type(error) is kind
    assert words in error.message
    assert error.hint


def test_without_docker_the_embedded_target_is_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem) as caught:
        Compose(tmp_path / "docker-compose.yml", "one", {}).config()
    assert "needs no Docker" in (caught.value.hint or "")


def test_an_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    with pytest.raises(EnvironmentProblem, match="does not answer") as caught:
        Engine("one").containers()
    assert "needs no Docker" in (caught.value.hint or "")


def test_a_lab_s_variables_reach_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text(
        '#!/bin/sh\necho "{\\"args\\": \\"$*\\", \\"port\\": \\"$LAB_KSQLDB_PORT\\"}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    heard = Compose(tmp_path / "f.yml", "mine", {"LAB_KSQLDB_PORT": "21002"}).config()
    assert heard["port"] == "21002"
    assert f"--file {tmp_path}/f.yml --project-name mine" in str(heard["args"])
