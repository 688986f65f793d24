"""Serves the application: HTTP/1.1 and HTTP/2 (prior knowledge and upgrade) on one port."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from lab.ksqldb.rest.sockets import Listening

_LOG = logging.getLogger(__name__)


def settings(listening: Listening) -> Config:
    """Hypercorn's settings."""
    config = Config()
    # Hypercorn makes the descriptor its own.
    config.bind = [f"fd://{listening.detach()}"]
    config.graceful_timeout = 0.2
    config.keep_alive_timeout = 3600
    config.accesslog = None
    config.loglevel = "WARNING"
    config.h2_max_concurrent_streams = 1000
    config.include_server_header = False
    config.include_date_header = False
    return config


async def run(app: Any, listening: Listening, failed: asyncio.Event) -> None:
    """Serve until SIGTERM, SIGINT, or until ``failed`` is set."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    async def ended() -> None:
        waits = {asyncio.create_task(stop.wait()), asyncio.create_task(failed.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)

    await serve(app, settings(listening), shutdown_trigger=ended, mode="asgi")
