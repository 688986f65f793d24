"""The record of HTTP exchanges: who asked what, and what was answered. One JSON object per line.

A line has these keys:

    time           when the request's head arrived, ISO 8601, UTC, milliseconds
    client         "address:port" of whoever asked
    user_agent     the request's User-Agent, or null
    method, path   as the client sent them; the path with its query, byte for byte
    request_body   null when empty, otherwise a body object
    status         the answer's status code; null when the client got no answer at all
    response_body  null when empty, otherwise a body object
    duration_ms    from the request's head to the end of the upstream's answer
    error          null, or what went wrong in words

A body object has ``bytes`` (how many there were) and the bytes themselves as ``text``, or as
``base64`` where they are no UTF-8 text. ``truncated: true`` marks one that was longer than what
is kept; ``content_encoding`` names the compression that was taken off for ``text``, for the
record only.
"""

from __future__ import annotations

import base64
import codecs
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from lab.errors import EnvironmentProblem

KEPT_BYTES = 64 * 1024
"""How many bytes of a body are kept in the record."""


class BodyCapture:
    """Keeps the first ``limit`` bytes of a body that passes by, and counts all of them."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self.content_encoding: str | None = None
        self.total = 0
        self._kept = bytearray()

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """Take note of the next part of the body."""
        self.total += len(data)
        room = self.limit - len(self._kept)
        if room > 0:
            self._kept += data[:room]

    @property
    def truncated(self) -> bool:
        """Whether there was more than what is kept."""
        return self.total > len(self._kept)

    def to_json(self) -> dict[str, Any] | None:
        """The body object described at the top of this module; None for an empty body."""
        if not self.total:
            return None
        kept, truncated = bytes(self._kept), self.truncated
        body: dict[str, Any] = {"bytes": self.total}
        if self.content_encoding:
            plain = _decompressed(kept, self.content_encoding, self.limit)
            if plain is not None:
                kept, cut = plain
                truncated = truncated or cut
                body["content_encoding"] = self.content_encoding
        try:
            # An incomplete last character of a truncated body is left out, not refused.
            decoder = codecs.getincrementaldecoder("utf-8")()
            body["text"] = decoder.decode(kept, final=not truncated)
        except UnicodeDecodeError:
            body["base64"] = base64.b64encode(kept).decode("ascii")
        if truncated:
            body["truncated"] = True
        return body


def _decompressed(data: bytes, encoding: str, limit: int) -> tuple[bytes, bool] | None:
    """The first ``limit`` bytes of what is compressed in ``data``, and whether there is more.

    None where the encoding is not known here or ``data`` is not what it claims to be.
    """
    if encoding.lower() not in {"gzip", "x-gzip", "deflate"}:
        return None
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = unpacker.decompress(data, limit)
    except zlib.error:
        return None
    return plain, not unpacker.eof


@dataclass
class Exchange:
    """One request and its answer, filled in as they pass."""

    client: str
    method: str = ""
    path: str = ""
    user_agent: str | None = None
    status: int | None = None
    error: str | None = None
    request_body: BodyCapture = field(default_factory=BodyCapture)
    response_body: BodyCapture = field(default_factory=BodyCapture)
    recorded: bool = False
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock: float = field(default_factory=perf_counter, repr=False)

    def to_json(self) -> dict[str, Any]:
        """The line's object; ``duration_ms`` ends now."""
        return {
            "time": self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "client": self.client,
            "user_agent": self.user_agent,
            "method": self.method,
            "path": self.path,
            "request_body": self.request_body.to_json(),
            "status": self.status,
            "response_body": self.response_body.to_json(),
            "duration_ms": round((perf_counter() - self._clock) * 1000, 3),
            "error": self.error,
        }


class LogFailed(EnvironmentProblem):
    """The log cannot be opened or written; names the file."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"exchanges cannot be recorded in {path}: {error.strerror or error}")


class ExchangeLog:
    """Appends exchanges to a file, each as one line; lines are never interleaved.

    Raises LogFailed when the file cannot be opened or written; the folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._fd = os.open(path, flags, 0o644)
        except OSError as error:
            raise LogFailed(path, error) from None

    def append(self, exchange: Exchange) -> None:
        """Write the exchange; when this returns, every reader of the file sees it."""
        line = json.dumps(exchange.to_json(), ensure_ascii=False, separators=(",", ":"))
        rest = memoryview((line + "\n").encode("utf-8", "backslashreplace"))
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            raise LogFailed(self.path, error) from None

    def close(self) -> None:
        """Close the file; no more can be appended."""
        os.close(self._fd)


def read_exchanges(path: Path, *, start: int = 0) -> Iterator[dict[str, Any]]:
    """The recorded exchanges from byte ``start`` of the file on, as the lines' objects.

    A last line that is still being written is left out. A missing file holds no exchanges.
    """
    try:
        with path.open("rb") as lines:
            lines.seek(start)
            for line in lines:
                if line.endswith(b"\n"):
                    yield json.loads(line)
    except FileNotFoundError:
        return
