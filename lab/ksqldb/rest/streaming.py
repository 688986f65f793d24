"""Streamed answers: rows as they come, until the query or the client ends.

The rows are taken in a thread of a pool, one chunk at a time: a client that reads slowly is waited
for, and the query waits with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from lab.ksqldb.errors import KsqlError
from lab.ksqldb.runtime.transient import Rows

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Framing:
    """An answer's format: what stands before the rows, and after them given their end.

    ``failed`` stands in the place of the end when the query fails, given why.
    """

    media_type: str
    head: bytes
    tail: Callable[[str | None], bytes]
    failed: Callable[[str], bytes]


class StreamedAnswer:
    """An ASGI application that sends one query's rows."""

    def __init__(self, rows: Rows, framing: Framing, executor: Executor) -> None:
        self._rows = rows
        self._framing = framing
        self._executor = executor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; a client that goes away ends the query."""
        del scope
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [(b"content-type", self._framing.media_type.encode())],
                }
            )
            await send(_body(self._framing.head, more=True))
            async for chunk in self._until(gone):
                await send(_body(chunk, more=True))
            if not gone.done():
                await send(_body(self._framing.tail(self._rows.final), more=False))
        except KsqlError as error:
            _LOG.warning("%s ended: %s", self._rows.id, error)
            await send(_body(self._framing.failed(error.message), more=False))
        finally:
            gone.cancel()
            self._rows.close()

    async def _until(self, gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        chunks = self._rows.chunks()
        while not gone.done():
            chunk = await loop.run_in_executor(self._executor, _next, chunks)
            if chunk is None:
                return
            if chunk:
                yield chunk


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)


async def _until_gone(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


def _body(data: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}
