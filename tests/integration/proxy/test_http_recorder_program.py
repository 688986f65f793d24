"""The recording proxy as the program that the lab starts: arguments, exit codes, stop, limits."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from lab.wait import wait_until
from lab.wire.exchange_log import read_exchanges

SCHEMA = '{"type":"record","name":"R","fields":[{"name":"ключ","type":"string"}]}'


class RegistryLike(BaseHTTPRequestHandler):
    """Answers like the registry's endpoints that the test's client asks; ``/slow`` waits."""

    protocol_version = "HTTP/1.1"
    hold = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/p/slow":
            self.hold.wait(10)
        self._answer(b'{"subject":"s","id":7,"version":1,"schema":"\\"string\\""}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"id":7}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@dataclass
class Running:
    """A proxy process that listens."""

    process: subprocess.Popen[str]
    port: int
    log: Path
    started_after_seconds: float


@contextmanager
def proxy(tmp_path: Path, upstream: str, *more: str, log: Path | None = None) -> Iterator[Running]:
    log = log or tmp_path / "registry.jsonl"
    argv = [sys.executable, "-m", "lab.wire.http_recorder", "--listen", "127.0.0.1:0"]
    argv += ["--upstream", upstream, "--prefix", "/p", "--log", str(log), *more]
    began = time.perf_counter()
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            port = int(line.split(",")[0].rpartition(":")[2])
            yield Running(process, port, log, time.perf_counter() - began)
        finally:
            process.kill()


@pytest.fixture
def registry() -> Iterator[str]:
    RegistryLike.hold.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), RegistryLike) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        RegistryLike.hold.set()
        server.shutdown()


def ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab.wire.http_recorder", *argv],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


def test_registry_client_works_through_it_and_is_recorded(tmp_path: Path, registry: str) -> None:
    with (
        proxy(tmp_path, registry) as running,
        SchemaRegistryClient({"url": f"http://127.0.0.1:{running.port}"}) as client,
    ):
        assert client.register_schema("orders/é-value", Schema(SCHEMA, "AVRO")) == 7
        lines = list(read_exchanges(running.log))
    assert [(line["method"], line["path"]) for line in lines] == [
        ("POST", "/subjects/orders%2F%C3%A9-value/versions?normalize=False")
    ]
    assert json.loads(lines[0]["request_body"]["text"])["schema"] == SCHEMA
    assert lines[0]["user_agent"]


def test_sigterm_ends_it_with_idle_clients_connected(tmp_path: Path, registry: str) -> None:
    with proxy(tmp_path, registry) as running:
        idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(3)]
        assert ask(running.port, "/subjects") == 200
        began = time.perf_counter()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        took = time.perf_counter() - began
        assert running.process.stderr is not None
        assert running.process.stderr.read() == ""
        for connection in idle:
            connection.close()
    assert took < 1.0


def test_sigterm_does_not_wait_for_a_silent_upstream(tmp_path: Path, registry: str) -> None:
    with proxy(tmp_path, registry) as running, ThreadPoolExecutor() as pool:
        pending = pool.submit(ask, running.port, "/slow")
        wait_until(
            "the upstream has the request",
            lambda: psutil.Process(running.process.pid).net_connections("tcp")[2:],
        )
        began = time.perf_counter()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(10) == 0
        took = time.perf_counter() - began
        assert isinstance(pending.exception(10), OSError | http.client.HTTPException)
    assert took < 1.0


def test_it_stops_when_the_parent_is_gone(tmp_path: Path, registry: str) -> None:
    waits = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(waits, stdin=subprocess.PIPE) as parent,
        proxy(tmp_path, registry, "--parent-pid", str(parent.pid)) as running,
    ):
        assert ask(running.port, "/subjects") == 200
        parent.kill()
        assert running.process.wait(10) == 0


def test_it_stops_at_once_when_the_parent_is_gone_already(tmp_path: Path, registry: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        pass
    with proxy(tmp_path, registry, "--parent-pid", str(parent.pid)) as running:
        assert running.process.wait(10) == 0


def test_port_in_use_names_the_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(
            "--listen", f"127.0.0.1:{port}", "--upstream", "http://127.0.0.1:1",
            "--log", str(tmp_path / "log.jsonl"),
        )  # fmt: skip
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use, held by pid {os.getpid()} " in done.stderr
    assert "Traceback" not in done.stderr


def test_address_of_another_machine_is_refused_in_words(tmp_path: Path) -> None:
    done = run(
        "--listen", "192.0.2.1:80", "--upstream", "http://127.0.0.1:1",
        "--log", str(tmp_path / "log.jsonl"),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("http_recorder: cannot listen on 192.0.2.1:80: ")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "required"),
        (["--listen", "8081", "--upstream", "http://a:1", "--log", "x"], "--listen: HOST:PORT"),
        (["--listen", "a:1", "--upstream", "ftp://a", "--log", "x"], "--upstream: http(s)://"),
    ],
)
def test_arguments_that_make_no_sense_exit_with_2(argv: list[str], said: str) -> None:
    done = run(*argv)
    assert done.returncode == 2
    assert said in done.stderr


def test_log_that_cannot_be_opened_exits_with_1(tmp_path: Path) -> None:
    log = tmp_path / "missing" / "log.jsonl"
    done = run("--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1", "--log", str(log))
    assert done.returncode == 1
    assert str(log) in done.stderr


def test_recorder_that_cannot_record_stops(tmp_path: Path, registry: str) -> None:
    """A file-size limit stands for a full disk: writes fail after the first lines."""
    log = tmp_path / "limited.jsonl"
    program = (
        "import resource, signal, sys; from lab.wire.http_recorder import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600)); sys.exit(main())"
    )
    argv = [sys.executable, "-c", program, "--listen", "127.0.0.1:0", "--upstream", registry]
    argv += ["--prefix", "/p", "--log", str(log)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().split(",")[0].rpartition(":")[2])
        statuses = []
        with pytest.raises((OSError, http.client.HTTPException)):
            statuses += [ask(port, "/subjects") for _ in range(10)]
        assert process.wait(10) == 1
        assert "exchanges cannot be recorded in" in process.stderr.read()


def test_it_starts_fast_and_stays_small(tmp_path: Path, registry: str) -> None:
    """Limits with room for a busy machine; docs/decisions has the figures of a quiet one."""
    with proxy(tmp_path, registry) as running:
        for _ in range(50):
            assert ask(running.port, "/subjects") == 200
        memory = psutil.Process(running.process.pid).memory_info().rss
        assert running.started_after_seconds < 3
        assert memory < 45 * 1024 * 1024
