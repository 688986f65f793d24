"""Serves the application: HTTP/1.1 and HTTP/2 (prior knowledge and upgrade) on one port."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from collections.abc import Sequence
from ssl import SSLContext
from typing import Any

import hypercorn.asyncio.run as hypercorn_run
from hypercorn.asyncio import serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config
from hypercorn.events import Event, Updated

from lab.ksqldb.rest.sockets import Listening

_LOG = logging.getLogger(__name__)


class _Connection(TCPServer):
    """A connection that is over once its client has ended it, and is not begun when there are too
    many.

    Hypercorn keeps one until its idle time is over: a socket for every client that ever was. And
    when a process has no descriptors left, asyncio tries to accept without an end, and neither
    stores nor brokers can be reached.
    """

    _open = 0
    _ended = False

    async def run(self) -> None:
        """Serve the connection, or close it at once when half of the descriptors are taken."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        if _Connection._open >= most:
            self.writer.transport.abort()
            return
        _Connection._open += 1
        try:
            await super().run()
        finally:
            _Connection._open -= 1

    async def _read_data(self) -> None:
        await super()._read_data()
        self._ended = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated) and self._ended:
            return
        await super().protocol_send(event)


hypercorn_run.TCPServer = _Connection  # type: ignore[attr-defined] # the one place it is made


class _Config(Config):
    """Hypercorn's settings, with TLS that is made elsewhere."""

    tls: SSLContext | None = None

    @property
    def ssl_enabled(self) -> bool:
        """Whether some addresses speak TLS."""
        return self.tls is not None

    def create_ssl_context(self) -> SSLContext | None:
        """TLS of the addresses in ``bind``."""
        return self.tls


def settings(listening: Sequence[Listening], idle_seconds: float) -> Config:
    """Hypercorn's settings."""
    config = _Config()
    # Hypercorn makes the descriptors its own.
    plain = [f"fd://{one.socket.detach()}" for one in listening if one.tls is None]
    secure = [f"fd://{one.socket.detach()}" for one in listening if one.tls is not None]
    config.tls = next((one.tls for one in listening if one.tls is not None), None)
    config.bind, config.insecure_bind = (secure, plain) if secure else (plain, [])
    config.graceful_timeout = 0.2
    config.keep_alive_timeout = idle_seconds
    config.accesslog = None
    config.loglevel = "WARNING"
    config.h2_max_concurrent_streams = 1000
    config.include_server_header = False
    config.include_date_header = False
    return config


async def run(
    app: Any, listening: Sequence[Listening], failed: asyncio.Event, idle_seconds: float
) -> None:
    """Serve until SIGTERM, SIGINT, or until ``failed`` is set.

    A connection without requests is closed after ``idle_seconds``.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    async def ended() -> None:
        waits = {asyncio.create_task(stop.wait()), asyncio.create_task(failed.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)

    await serve(app, settings(listening, idle_seconds), shutdown_trigger=ended, mode="asgi")
