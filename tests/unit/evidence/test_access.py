"""Doors to the registry: who asked what, and what nobody of these asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from lab.errors import ComponentFailed
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.names import UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire.registry_door import RegistryDoor


class RegistryLike(BaseHTTPRequestHandler):
    """Answers 200 with an empty object, or 404."""

    def do_GET(self) -> None:
        self.send_response(404 if "unknown" in self.path else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), RegistryLike)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def log_line(path: str) -> str:
    return json.dumps({"time": "t", "method": "GET", "path": path, "status": 200}) + "\n"


def test_each_client_has_its_own_list(registry: str, tmp_path: Path) -> None:
    evidence = Evidence("S06", tmp_path / "history.jsonl", test="t")
    names = UniqueNames("s06")
    mine, other = f"/subjects/{names.of('orders-value')}/versions", "/subjects/other/versions"
    log = tmp_path / "access.jsonl"
    log.write_text(log_line(mine))  # before the doors: somebody else's test
    doors = Doors(registry, tmp_path, log)
    try:
        first, second = doors("serializer"), doors("deserializer")
        requests.get(f"{first.url}{mine}?normalize=true", timeout=10)
        requests.get(f"{second.url}/schemas/ids/7", timeout=10)
        requests.get(f"{second.url}/subjects/unknown", timeout=10)
        with log.open("a") as lines:
            lines.writelines(
                log_line(path)
                for path in (f"{mine}?normalize=true", other, "/schemas/ids/7", "/schemas/ids/8")
            )
        assert [str(each) for each in first.asked()] == [f"GET {mine} → 200"]
        assert doors.by_others(names, [7]) == []
        with log.open("a") as lines:
            lines.write(log_line(mine))  # a broker that asks, for instance
        assert doors.by_others(names, [7]) == [f"GET {mine}"]
        with log.open("a") as lines:
            lines.write(log_line(mine))
        assert doors.by_others(names, [7]) == [f"GET {mine}"] * 2
        assert doors.by_others(names, [7, 8]) == ["GET /schemas/ids/8", *[f"GET {mine}"] * 2]
        assert record_access(evidence, doors) == {
            "serializer": [f"GET {mine} → 200"],
            "deserializer": ["GET /schemas/ids/7 → 200", "GET /subjects/unknown → 404"],
        }
        lay_out_access(evidence, "Orders", {"reader": ["GET /x → 200"]}, {"broker": []})
        (shown,) = evidence.judgement().tables
        assert [[cell.text for cell in row] for row in shown.rows] == [
            ["reader", "GET /x → 200"],
            ["broker", "nothing"],
        ]
        assert [entry.actor for entry in evidence.history if entry.kind == "step"] == [
            "serializer",
            *["deserializer"] * 2,
        ]
    finally:
        doors.close()


def test_without_a_log_nobody_else_is_seen(registry: str, tmp_path: Path) -> None:
    doors = Doors(registry, tmp_path, None)
    assert not doors.watched
    assert doors.by_others(UniqueNames("s06")) == []


def test_a_registry_that_does_not_speak_http(tmp_path: Path) -> None:
    with pytest.raises(ComponentFailed, match=r"http\(s\)://HOST:PORT expected"):
        RegistryDoor("x", "ftp://registry", tmp_path / "log.jsonl")


def test_a_door_that_cannot_open(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(ComponentFailed, match="cannot be recorded"):
        RegistryDoor("x", "http://127.0.0.1:1", tmp_path / "log.jsonl")
