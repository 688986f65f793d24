"""Ports and their holders; downloads and the repository."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.config import Settings
from lab.doctor import network
from lab.doctor.network import (
    Holder,
    check_downloads,
    check_ports,
    judge_downloads,
    judge_port,
    judge_repository,
)
from lab.embedded.jars import Artifact, load_lock
from lab.embedded.outfit import RUN_SETS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "state", tmp_path / "cache")


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that this process listens on, taken for one of the well-known."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        monkeypatch.setattr(network, "PORTS", {port: "broker"})
        yield port


def test_port_that_is_taken_names_its_holder(settings: Settings, listener: int) -> None:
    (result,) = check_ports(settings)
    assert result.name == f"port {listener}"
    assert result.status == "warn"
    assert f"(pid {os.getpid()}): " in result.seen
    assert "takes another port" in (result.remedy or "")


def test_port_held_by_a_lab_is_fine(
    settings: Settings, listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "_processes_of_labs", lambda _settings: {os.getpid(): "mine"})
    (result,) = check_ports(settings)
    assert result.status == "ok"
    assert 'held by the lab "mine"' in result.seen


def test_free_port() -> None:
    assert judge_port(9092, "broker", True, None).seen == "free (broker)"


def test_holder_that_cannot_be_seen() -> None:
    assert "another user" in judge_port(9092, "broker", False, None).seen


def test_long_command_line_is_cut() -> None:
    result = judge_port(9092, "broker", False, Holder(7, "java", "java " + "x" * 500))
    assert len(result.seen) < 160
    assert "…" in result.seen


def artifact(size: int = 2 << 20) -> Artifact:
    return Artifact("a:b:1", "a/b/1/b-1.jar", "00", size)


def test_downloads() -> None:
    assert judge_downloads((), (artifact(),)).status == "ok"
    result = judge_downloads((artifact(),), (artifact(), artifact()))
    assert result.status == "warn"
    assert result.seen == "1 of 2 files, 2 MiB, are not here yet"


def test_unreachable_repository_fails_only_while_something_is_missing() -> None:
    assert judge_repository("http://r", "no connection", needed=True).status == "fail"
    assert judge_repository("http://r", "no connection", needed=False).status == "ok"
    assert judge_repository("http://r", None, needed=True).status == "ok"


class Repository(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404 if self.path.startswith("/empty/") else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@pytest.fixture
def repository() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Repository) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("folder", "status", "seen"), [("", "ok", "answers"), ("/empty", "fail", "HTTP 404")]
)
def test_mirror_is_asked_for_an_artifact(
    tmp_path: Path, repository: str, folder: str, status: str, seen: str
) -> None:
    mirror = Settings(tmp_path / "s", tmp_path / "c", maven_mirror=repository + folder)
    downloads, found = check_downloads(mirror)
    assert downloads.status == "warn"
    assert (found.status, seen in found.seen) == (status, True)


def test_mirror_that_is_not_there(tmp_path: Path) -> None:
    mirror = Settings(tmp_path / "s", tmp_path / "c", maven_mirror="http://127.0.0.1:1")
    _, found = check_downloads(mirror)
    assert found.status == "fail"
    assert "no connection" in found.seen


def test_local_repository_with_everything_needs_no_network(tmp_path: Path) -> None:
    local = tmp_path / "m2"
    for each in load_lock().artifacts(RUN_SETS):
        (local / each.path).parent.mkdir(parents=True, exist_ok=True)
        (local / each.path).touch()
    here = Settings(tmp_path / "s", tmp_path / "c", maven_local=local)
    _, found = check_downloads(here)
    assert found.seen == f"not needed: all is in {local}"
