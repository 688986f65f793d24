"""The recording reverse proxy: gives a registry a root URL and writes down who asked it what.

    python -m lab.wire.http_recorder --listen 127.0.0.1:8081 \\
        --upstream http://127.0.0.1:18081 --prefix /apis/ccompat/v7 --log registry-access.jsonl

Prints one line to standard output once it listens (with port 0: the port that it got) and serves
until SIGTERM or SIGINT, or until the process of ``--parent-pid`` is gone. Exchanges in progress
get half a second to end. Exit codes: 0 stopped as asked, 1 could not start or go on (the reason
on standard error), 2 arguments that make no sense.

``lab.wire.http_gateway`` says what changes on the way, ``lab.wire.exchange_log`` what is written.
A recorder that can no longer write its log stops: evidence with holes is none.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import ssl
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from lab import access
from lab.errors import EnvironmentProblem, InvalidSetting, LabError, PortInUse
from lab.wire.exchange_log import ExchangeLog, LogFailed
from lab.wire.http_gateway import Upstream
from lab.wire.http_relay import Session

GRACE_SECONDS = 0.5
PARENT_CHECK_SECONDS = 1.0


def parse_address(setting: str, text: str) -> tuple[str, int]:
    """``HOST:PORT`` (``[HOST]:PORT`` for IPv6) as a pair. Raises InvalidSetting."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidSetting(setting, f"HOST:PORT expected, got {text!r}")
    return host, int(port)


def parse_upstream(url: str, prefix: str, beside: str = "") -> Upstream:
    """The upstream at ``http(s)://HOST:PORT``, with the path ``prefix``. Raises InvalidSetting.

    By which authority an https upstream is checked comes from lab/access.py.
    """
    scheme, _, authority = url.partition("://")
    authority = authority.removesuffix("/")
    secure = scheme.lower() == "https"
    if (
        scheme.lower() not in {"http", "https"}
        or not authority
        or "/" in authority
        or "@" in authority
    ):
        raise InvalidSetting("--upstream", f"http(s)://HOST:PORT expected, got {url!r}")
    if authority.endswith("]") or ":" not in authority:
        authority += ":443" if secure else ":80"
    host, port = parse_address("--upstream", authority)
    prefix = prefix.rstrip("/")
    if prefix and (not prefix.startswith("/") or not prefix.isascii() or not _one_word(prefix)):
        raise InvalidSetting("--prefix", f"a path like /apis/ccompat/v7 expected, got {prefix!r}")
    beside = beside.rstrip("/")
    if beside and (not beside.startswith("/") or not beside.isascii() or not _one_word(beside)):
        raise InvalidSetting("--beside", f"a path like /apis/registry expected, got {beside!r}")
    return Upstream(
        host,
        port,
        prefix.encode("ascii"),
        beside.encode("ascii") or None,
        tls=_context(url) if secure else None,
    )


def _context(url: str) -> ssl.SSLContext:
    known = access.http_access(url)
    try:
        context = ssl.create_default_context(cafile=known.ca_file)
        if known.certificate_file is not None:
            context.load_cert_chain(known.certificate_file, known.key_file)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSetting("--upstream", f"its certificates cannot be used: {error}") from None
    return context


def _server_context(key_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(key_file)
    except OSError as error:
        raise InvalidSetting("--key-file", f"cannot be used: {error}") from None
    return context


def _one_word(text: str) -> bool:
    return text.isprintable() and " " not in text and "?" not in text and "#" not in text


class Recorder:
    """The listening proxy. ``serve`` runs until ``stop`` is called."""

    def __init__(
        self, upstream: Upstream, log: ExchangeLog, tls: ssl.SSLContext | None = None
    ) -> None:
        self._upstream = upstream
        self._log = log
        self._tls = tls
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._stopping = asyncio.Event()
        self._failure: LogFailed | None = None

    def stop(self) -> None:
        """End ``serve``; harmless when called again."""
        self._stopping.set()

    async def serve(self, host: str, port: int) -> None:
        """Listen and relay until stopped. Raises PortInUse, EnvironmentProblem or LogFailed."""
        try:
            server = await asyncio.start_server(
                self._accepted, host, port, backlog=256, ssl=self._tls
            )
        except OSError as error:
            raise _cannot_listen(host, port, error) from None
        bound = server.sockets[0].getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        scheme = "http" if self._upstream.tls is None else "https"
        sys.stdout.write(
            f"listening on {'http' if self._tls is None else 'https'}://{shown}:{bound}, "
            f"upstream {scheme}://{self._upstream.authority}"
            f"{self._upstream.prefix.decode('ascii')}, log {self._log.path}\n"
        )
        sys.stdout.flush()
        await self._stopping.wait()
        server.close()
        await self._end_sessions()
        if self._failure is not None:
            raise self._failure

    async def _end_sessions(self) -> None:
        """End the idle sessions now and the busy ones after the time of grace."""
        busy = {task for task, session in self._sessions.items() if session.busy}
        if busy:
            await asyncio.wait(busy, timeout=GRACE_SECONDS)
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._upstream, self._log, reader, writer)
        task = asyncio.create_task(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._sessions[task]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, LogFailed):
            self._failure = error
            self.stop()
        elif error is not None:
            traceback.print_exception(error)


def _cannot_listen(host: str, port: int, error: OSError) -> LabError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(port, _holder(port), hint="choose another port with --listen")
    return EnvironmentProblem(f"cannot listen on {host}:{port}: {error.strerror or error}")


def _holder(port: int) -> str | None:
    import psutil  # noqa: PLC0415  # only this error needs it, and it is slow to load

    try:
        for connection in psutil.net_connections(kind="tcp"):
            at = connection.laddr
            if at and at.port == port and connection.status == psutil.CONN_LISTEN:
                name = psutil.Process(connection.pid).name() if connection.pid else None
                return f"pid {connection.pid} ({name})" if name else None
    except psutil.Error:
        return None
    return None


def watch_parent(pid: int, recorder: Recorder) -> None:
    """Call ``recorder.stop`` when the process ``pid`` is gone; at once if it is gone already."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        recorder.stop()
    except (AttributeError, OSError):  # not Linux, or a kernel or sandbox without pidfd
        _poll_parent(pid, recorder, loop)
    else:
        loop.add_reader(descriptor, recorder.stop)


def _poll_parent(pid: int, recorder: Recorder, loop: asyncio.AbstractEventLoop) -> None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        recorder.stop()
        return
    except PermissionError:
        pass  # it is there, and another user's
    loop.call_later(PARENT_CHECK_SECONDS, _poll_parent, pid, recorder, loop)


async def _run(
    upstream: Upstream,
    log: ExchangeLog,
    listen: tuple[str, int],
    parent: int | None,
    tls: ssl.SSLContext | None,
) -> None:
    recorder = Recorder(upstream, log, tls)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, recorder.stop)
    if parent is not None:
        watch_parent(parent, recorder)
    await recorder.serve(*listen)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.wire.http_recorder",
        description="A reverse HTTP proxy that records every exchange as a line of JSON.",
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT", help="port 0: any")
    parser.add_argument("--upstream", required=True, metavar="URL", help="http(s)://HOST:PORT")
    parser.add_argument("--prefix", default="", metavar="PATH", help="put before every path")
    parser.add_argument("--beside", default="", metavar="PATH", help="gets no prefix")
    parser.add_argument("--log", required=True, type=Path, metavar="FILE", help="appended to")
    parser.add_argument("--key-file", type=Path, metavar="PEM", help="serve https by it")
    parser.add_argument("--parent-pid", type=int, metavar="PID", help="stop when it is gone")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the proxy; returns the exit code."""
    arguments = _arguments(argv)
    try:
        listen = parse_address("--listen", arguments.listen)
        upstream = parse_upstream(arguments.upstream, arguments.prefix, arguments.beside)
        tls = None if arguments.key_file is None else _server_context(arguments.key_file)
        log = ExchangeLog(arguments.log)
        try:
            asyncio.run(_run(upstream, log, listen, arguments.parent_pid, tls))
        finally:
            log.close()
    except LabError as error:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"http_recorder: {error}{hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
