"""Requests are taken to their end, whether or not an end point reads them.

A connection whose request is answered before its end cannot be used again, and one whose server
stops reading hangs: the client waits to send, and what came before waits to be taken.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REST_SECONDS = 0.5


class TakenToTheirEnd:
    """An ASGI application around another that takes what is left of a request.

    It waits for the rest for a while; then the answer ends, and with it the connection.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        await self._inner(scope, exchange.receive, exchange.send)


class _Exchange:
    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            self._ended = True
        return message

    async def send(self, message: Message) -> None:
        last = message["type"] == "http.response.body" and not message.get("more_body")
        if not last or self._ended:
            await self._send(message)
            return
        rest = asyncio.create_task(self._rest())
        try:
            await asyncio.wait({rest}, timeout=_REST_SECONDS)
            # Goes on meanwhile: the answer's end waits for its turn behind what still comes in.
            await self._send(message)
        finally:
            rest.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await rest

    async def _rest(self) -> None:
        while not self._ended:
            await self.receive()
