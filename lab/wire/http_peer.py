"""One HTTP/1.1 connection of the recording proxy: asyncio's streams and h11's state together.

Every wait has a limit, in seconds, given by the caller.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic

import h11

READ_BYTES = 64 * 1024
MAX_HEAD_BYTES = 256 * 1024
REUSE_WITHIN_SECONDS = 5.0


class Peer:
    """One connection: its streams and what HTTP state it is in.

    ``ended`` is true once the other side has closed its half.
    """

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.http = h11.Connection(role, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._reader = reader
        self._writer = writer
        self._used = monotonic()
        self.ended = False

    async def read(self, seconds: float) -> None:
        """Take in what arrives next; TimeoutError when nothing does."""
        async with asyncio.timeout(seconds):
            data = await self._reader.read(READ_BYTES)
        self.ended = not data
        self.http.receive_data(data)

    async def event(self, seconds: float) -> h11.Event | type[h11.PAUSED]:
        """The next HTTP event, reading as needed; each read may take ``seconds``."""
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]  # NEED_DATA was the other sentinel
            await self.read(seconds)

    def encode(self, *events: h11.Event) -> bytes:
        """The events' bytes, to be written."""
        return b"".join(self.http.send(event) or b"" for event in events)

    async def write(self, data: bytes | bytearray, seconds: float) -> None:
        """Send bytes; TimeoutError when the other side does not take them."""
        self._writer.write(data)
        async with asyncio.timeout(seconds):
            await self._writer.drain()

    def ready_again(self) -> bool:
        """Make the connection ready for a next exchange; False where that cannot be."""
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            self._used = monotonic()
            return True
        return False

    def fresh(self) -> bool:
        """Whether a kept connection may be used again: open, and used a moment ago."""
        closed = self._reader.at_eof() or self._writer.is_closing()
        return not closed and monotonic() - self._used < REUSE_WITHIN_SECONDS

    def abort(self) -> None:
        """Close at once; whoever waits for the connection sees its end."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close after what was written; never raises for a peer that is gone."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
