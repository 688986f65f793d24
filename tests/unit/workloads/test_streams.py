"""A Java workload gets its login without writing it into evidence or a command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lab import access
from lab.errors import CapabilityMissing
from lab.workloads import streams
from lab.workloads.program import Process

PASSWORD = 'long"pass\\word'


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    yield
    access.forget_all()


def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Process:
    """The workload, with a program in place of Java that prints what it was handed."""

    def command(
        source: Path, outfit: object, arguments: Sequence[str], options: Sequence[str]
    ) -> list[str]:
        code = f"import os; print(os.environ.get({streams.JAVA_ACCESS!r}))"
        return [sys.executable, "-c", code, *arguments]

    monkeypatch.setattr(streams, "command", command)
    monkeypatch.setattr(streams, "outfitter", lambda _settings: lambda: None)
    return streams.copy_stream(
        "b:1",
        source="in",
        sink="out",
        application="app",
        guarantee="at_least_once",
        commit_interval_ms=100,
        folder=folder,
    )


def test_a_login_goes_by_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
    login = {"sasl.username": "u", "sasl.password": PASSWORD}
    access.remember_kafka("b:1", {**settings, **login})
    with started(tmp_path, monkeypatch) as process:
        assert process.wait() == 0
    written = (tmp_path / "app.properties").read_text()
    assert "bootstrap.servers=b:1" in written
    assert "sasl" not in written
    handed = (tmp_path / "app.log").read_text()
    # What a quote of the login's own syntax needs, escaped once more as properties are.
    assert 'password="long\\\\"pass\\\\\\\\word";' in handed


def test_open_brokers_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(tmp_path, monkeypatch) as process:
        assert process.wait() == 0
    assert (tmp_path / "app.log").read_text().strip() == "None"


def test_a_login_that_java_clients_cannot_have_is_not_applicable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access.remember_kafka("b:1", {"sasl.mechanism": "OAUTHBEARER"})
    with pytest.raises(CapabilityMissing, match="OAUTHBEARER"):
        started(tmp_path, monkeypatch)
