"""A Maven repository over HTTP on loopback that can misbehave in chosen ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Repository:
    """What is served, how, and what was asked: ``requests`` holds (path, Range header)."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    cut_after: int | None = None
    ignore_range: bool = False
    status: int | None = None
    url: str = ""


@contextmanager
def serving(repository: Repository) -> Iterator[Repository]:
    """Serve the repository while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            repository.requests.append((self.path, wanted))
            content = repository.files.get(self.path)
            if repository.status or content is None:
                self.send_error(repository.status or 404)
                return
            begin = 0
            if wanted and not repository.ignore_range:
                begin = int(wanted.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
            else:
                self.send_response(200)
            body = content[begin:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if repository.cut_after is not None:
                body = body[: repository.cut_after]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    repository.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield repository
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
