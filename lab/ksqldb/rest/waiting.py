"""Requests that may wait long: they have threads of their own, and end when their clients go.

An ASSERT waits for what it names, a statement about connectors for Connect, a request with a
``commandSequenceNumber`` for that command. Others are not to stand behind them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import AsyncIterator

from starlette.requests import Request

_WORDS = re.compile(r"\b(?:ASSERT|CONNECTORS?)\b", re.IGNORECASE)


def may_wait(statements: str) -> bool:
    """Whether a text may have statements that wait."""
    return _WORDS.search(statements) is not None


@contextlib.asynccontextmanager
async def abandoned(request: Request) -> AsyncIterator[threading.Event]:
    """An event that is set when the client has gone; its whole body must have been read."""
    event = threading.Event()
    watching = asyncio.create_task(_watch(request, event))
    try:
        yield event
    finally:
        event.set()
        watching.cancel()


async def _watch(request: Request, event: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    event.set()
