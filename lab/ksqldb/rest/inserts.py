"""The /inserts-stream end point: rows in, an acknowledgement out for each, both at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from lab.ksqldb.catalog import Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.jvm.topics import RowInserts
from lab.ksqldb.rest.negotiation import parsed
from lab.ksqldb.rest.queries import DELIMITED, JSON
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.sql.identifiers import quote

_LOG = logging.getLogger(__name__)
_WAIT_MS = 100
MAX_LINE = 1024 * 1024
"""The longest row in bytes."""


def target(engine: Engine, header: bytes) -> Source:
    """The stream that a request's first line names.

    Raises:
        RequestError: it is no header, or rows cannot be inserted there.
    """
    engine.check_ready()
    value = parsed(header, "Invalid JSON in inserts stream")
    name = value.get("target") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise BadRequest("Invalid JSON in inserts stream: the first line must name the target")
    properties = value.get("properties")
    if properties is not None and not isinstance(properties, dict):
        raise BadRequest('"properties" must be an object')
    source = engine.catalog.source(_name(name))
    if source is None:
        raise StatementError(f"Cannot insert values into an unknown stream: {quote(_name(name))}")
    if source.is_table:
        raise StatementError(f"Cannot insert values into table {source.name} by a stream of rows")
    if source.read_only:
        raise StatementError(f"Cannot insert values into read-only stream: {source.name}")
    return source


def _name(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == "`"
    return text[1:-1] if quoted else text.upper()


class Lines:
    """A request's body, line by line, as it comes."""

    def __init__(self, request: Request) -> None:
        self._lines = self._read(request)

    async def first(self) -> bytes:
        """The first line; empty when there is none."""
        return await anext(self._lines, b"")

    def rest(self) -> AsyncIterator[bytes]:
        """The lines that follow, without empty ones."""
        return self._lines

    @staticmethod
    async def _read(request: Request) -> AsyncIterator[bytes]:
        left = b""
        try:
            async for chunk in request.stream():
                *whole, left = (left + chunk).split(b"\n")
                for line in whole:
                    if line.strip():
                        yield line
                if len(left) > MAX_LINE:
                    raise BadRequest(f"A row is longer than {MAX_LINE} bytes")
        except ClientDisconnect:
            return
        if left.strip():
            yield left


class InsertsAnswer:
    """An ASGI application that takes rows and sends acknowledgements."""

    def __init__(
        self, inserts: RowInserts, lines: Lines, executor: Executor, media_type: str
    ) -> None:
        self._inserts = inserts
        self._lines = lines
        self._executor = executor
        self._json = media_type == JSON

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the client has ended its rows and each is acknowledged."""
        del scope, receive
        media = JSON if self._json else DELIMITED
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", media.encode())],
            }
        )
        if self._json:
            await send(_body(b"[", more=True))
        taking = asyncio.create_task(self._take())
        try:
            while not (taking.done() and self._inserts.settled):
                chunk = await self._run(self._inserts.drain, _WAIT_MS, *self._around())
                if chunk:
                    await send(_body(chunk, more=True))
            taking.result()
        except BadRequest as error:
            _LOG.warning("a stream of rows ended: %s", error)
        finally:
            taking.cancel()
        await send(_body(b"]" if self._json else b"", more=False))

    def _around(self) -> tuple[bytes, bytes]:
        return (b",", b"") if self._json else (b"", b"\n")

    async def _take(self) -> None:
        async for line in self._lines.rest():
            await self._run(self._inserts.row, line)

    async def _run(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)


def _body(data: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}
