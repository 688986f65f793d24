"""The recording proxy's relay, byte by byte: a raw client, a scripted upstream, the log."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from lab.wire.exchange_log import ExchangeLog, read_exchanges
from lab.wire.http_gateway import Upstream
from lab.wire.http_relay import Session

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
Handler = Callable[[Reader, Writer], Awaitable[None]]
Scenario = Callable[["Proxy"], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + b'{"id":1}'
GET = b"GET /subjects HTTP/1.1\r\nHost: lab\r\n\r\n"


@dataclass
class Proxy:
    """The running proxy as a test sees it."""

    port: int
    log_path: Path
    sessions: list[Session] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def connect(self) -> tuple[Reader, Writer]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> bytes:
        """Send the bytes over a connection of their own; everything that comes back."""
        reader, writer = await self.connect()
        writer.write(request)
        answer = await head_and_body(reader)
        await shut(writer)
        return answer

    def log(self) -> list[dict[str, Any]]:
        return list(read_exchanges(self.log_path))


async def shut(writer: Writer) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def head_and_body(reader: Reader) -> bytes:
    """One message with a Content-Length, whole; or what came until the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            try:
                return head + await reader.readexactly(int(line.partition(b":")[2]))
            except asyncio.IncompleteReadError as error:
                return head + error.partial
    return head


def run(tmp_path: Path, upstream: Handler | None, scenario: Scenario, **limits: float) -> None:
    """Run the scenario against a proxy before the upstream; None: nothing listens there."""

    async def main() -> None:
        async def guarded(reader: Reader, writer: Writer) -> None:
            try:
                if upstream is not None:
                    await upstream(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        behind = await asyncio.start_server(guarded, "127.0.0.1", 0)
        at = Upstream("127.0.0.1", behind.sockets[0].getsockname()[1], b"/p")
        if upstream is None:
            behind.close()
        log = ExchangeLog(tmp_path / "log.jsonl")
        proxy = Proxy(0, log.path)

        async def accepted(reader: Reader, writer: Writer) -> None:
            session = Session(replace(at, **limits), log, reader, writer)  # type: ignore[arg-type]
            proxy.sessions.append(session)
            proxy.tasks.add(asyncio.create_task(session.run()))

        front = await asyncio.start_server(accepted, "127.0.0.1", 0)
        proxy.port = front.sockets[0].getsockname()[1]
        async with asyncio.timeout(20):
            await scenario(proxy)
        front.close()
        behind.close()
        for task in proxy.tasks:
            task.cancel()
        outcomes = await asyncio.gather(*proxy.tasks, return_exceptions=True)
        assert [o for o in outcomes if isinstance(o, Exception)] == []
        log.close()

    asyncio.run(main())


def answering(answer: bytes, seen: list[bytes] | None = None, *, once: bool = False) -> Handler:
    """An upstream that reads requests and gives the same bytes to each."""

    async def handler(reader: Reader, writer: Writer) -> None:
        while request := await head_and_body(reader):
            if seen is not None:
                seen.append(request)
            writer.write(answer)
            await writer.drain()
            if once:
                return

    return handler


def test_target_and_headers_arrive_byte_for_byte(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def scenario(proxy: Proxy) -> None:
        answer = await proxy.ask(
            b"GET /subjects/a%2Fb%c3%a9/versions?x=%20&y HTTP/1.1\r\nhOST: lab:8081\r\n"
            b"X-Odd-CASE: v\r\nUser-Agent: probe/1\r\nConnection: keep-alive, x-hop\r\n"
            b"X-Hop: 1\r\n\r\n"
        )
        assert answer == OK
        (line,) = proxy.log()
        assert line["path"] == "/subjects/a%2Fb%c3%a9/versions?x=%20&y"
        assert (line["method"], line["status"], line["user_agent"]) == ("GET", 200, "probe/1")
        assert line["response_body"] == {"bytes": 8, "text": '{"id":1}'}
        assert line["error"] is None

    run(tmp_path, answering(OK, seen), scenario)
    (request,) = seen
    lines = request.split(b"\r\n")
    assert lines[0] == b"GET /p/subjects/a%2Fb%c3%a9/versions?x=%20&y HTTP/1.1"
    assert lines[1].startswith(b"Host: 127.0.0.1:")
    assert lines[2:] == [
        b"X-Odd-CASE: v", b"User-Agent: probe/1", b"Via: 1.1 lab-http-recorder", b"", b""
    ]  # fmt: skip


def test_exchange_is_in_the_log_before_the_answer_is_whole(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        for count in range(1, 51):
            writer.write(GET)
            await head_and_body(reader)
            assert len(proxy.log()) == count
        await shut(writer)

    run(tmp_path, answering(OK), scenario)


def test_one_connection_carries_many_exchanges_on_both_sides(tmp_path: Path) -> None:
    connections: list[int] = []

    async def upstream(reader: Reader, writer: Writer) -> None:
        connections.append(1)
        await answering(OK)(reader, writer)

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(GET + GET)  # pipelined
        assert await head_and_body(reader) == OK
        assert await head_and_body(reader) == OK
        writer.write(b"POST /x HTTP/1.1\r\nHost: lab\r\nContent-Length: 2\r\n\r\n{}")
        assert await head_and_body(reader) == OK
        await shut(writer)

    run(tmp_path, upstream, scenario)
    assert len(connections) == 1


def test_upstream_that_closes_after_each_answer_is_no_problem(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        for _ in range(10):
            writer.write(GET)
            assert await head_and_body(reader) == OK
        await shut(writer)

    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    run(tmp_path, answering(closing, once=True), scenario)


def test_head_has_the_length_but_no_body_and_the_connection_goes_on(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(b"HEAD /x HTTP/1.1\r\nHost: lab\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == head
        await shut(writer)
        assert [line["response_body"] for line in proxy.log()] == [None, None]

    run(tmp_path, answering(head), scenario)


def test_compressed_answer_passes_unchanged(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"subject":"s"}')
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    ) + packed

    async def scenario(proxy: Proxy) -> None:
        assert await proxy.ask(GET) == answer
        assert proxy.log()[0]["response_body"]["text"] == '{"subject":"s"}'

    run(tmp_path, answering(answer), scenario)


def test_chunked_bodies_pass_both_ways_with_their_trailers(tmp_path: Path) -> None:
    chunked = b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
    seen = bytearray()

    async def upstream(reader: Reader, writer: Writer) -> None:
        seen.extend(await reader.readuntil(b"0\r\nX-Sum: 1\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked)
        await reader.read()

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(
            b"POST /x HTTP/1.1\r\nHost: lab\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked
        )
        answer = await reader.readuntil(b"0\r\nX-Sum: 1\r\n\r\n")
        assert answer.endswith(b"\r\n\r\n" + chunked)
        await shut(writer)
        (line,) = proxy.log()
        assert line["request_body"] == line["response_body"] == {"bytes": 11, "text": "hello world"}

    run(tmp_path, upstream, scenario)
    assert seen.endswith(b"\r\n\r\n" + chunked)


def test_large_bodies_pass_whole_and_are_cut_only_in_the_record(tmp_path: Path) -> None:
    body = bytes(range(256)) * 4096 * 5
    digest = hashlib.sha256(body).digest()

    async def upstream(reader: Reader, writer: Writer) -> None:
        request = await head_and_body(reader)
        assert hashlib.sha256(request.partition(b"\r\n\r\n")[2]).digest() == digest
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        head = b"POST /x HTTP/1.1\r\nHost: lab\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        answer = await head_and_body(reader)
        assert hashlib.sha256(answer.partition(b"\r\n\r\n")[2]).digest() == digest
        await shut(writer)
        (line,) = proxy.log()
        for key in ("request_body", "response_body"):
            assert line[key]["bytes"] == len(body)
            assert line[key]["truncated"] is True
        assert proxy.log_path.stat().st_size < 200_000

    run(tmp_path, upstream, scenario)


def test_clients_are_served_side_by_side(tmp_path: Path) -> None:
    arrived: list[Writer] = []

    async def upstream(reader: Reader, writer: Writer) -> None:
        await head_and_body(reader)
        arrived.append(writer)
        if len(arrived) == 20:  # nobody is answered before all have asked
            for waiting in arrived:
                waiting.write(OK)
        await reader.read()

    async def scenario(proxy: Proxy) -> None:
        assert await asyncio.gather(*(proxy.ask(GET) for _ in range(20))) == [OK] * 20
        assert len(proxy.log()) == 20

    run(tmp_path, upstream, scenario)


def test_unreachable_upstream_is_a_502_in_the_registrys_style(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        for request in (GET, b"POST /x HTTP/1.1\r\nHost: l\r\nContent-Length: 2\r\n\r\n{}"):
            writer.write(request)
            head, _, body = (await head_and_body(reader)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            error = json.loads(body)
            assert error["error_code"] == 50200
            assert "cannot be reached" in error["message"]
        await shut(writer)
        lines = proxy.log()
        assert [line["status"] for line in lines] == [502, 502]
        assert all("cannot be reached" in line["error"] for line in lines)

    run(tmp_path, None, scenario)


def test_silent_upstream_is_a_504(tmp_path: Path) -> None:
    async def upstream(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async def scenario(proxy: Proxy) -> None:
        assert (await proxy.ask(GET)).startswith(b"HTTP/1.1 504 ")
        assert "silent for 0.2 s" in proxy.log()[0]["error"]

    run(tmp_path, upstream, scenario, answer_seconds=0.2)


@pytest.mark.parametrize(
    ("garbage", "said"),
    [
        (b"", "closed before its answer was complete"),
        (b"SMTP ready\r\n\r\n", "no HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed before its answer was complete"),
    ],
)
def test_upstream_that_gives_no_http_answer_is_a_502(
    tmp_path: Path, garbage: bytes, said: str
) -> None:
    async def scenario(proxy: Proxy) -> None:
        assert (await proxy.ask(GET)).startswith(b"HTTP/1.1 502 ")
        (line,) = proxy.log()
        assert line["status"] == 502
        assert said in line["error"]

    run(tmp_path, answering(garbage, once=True), scenario)


def test_answer_that_breaks_off_is_cut_off_for_the_client_too(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert await reader.readuntil(b"\r\n\r\n")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(8)
        await shut(writer)
        (line,) = proxy.log()
        assert line["status"] == 200
        assert line["response_body"] == {"bytes": 3, "text": '{"i'}
        assert "closed before its answer was complete" in line["error"]

    run(tmp_path, answering(OK[:-5], once=True), scenario)


def test_answer_that_comes_before_the_body_is_sent_reaches_the_client(tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    async def upstream(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await writer.drain()

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(b"POST /x HTTP/1.1\r\nHost: l\r\nContent-Length: 100000\r\n\r\n" + b"x" * 10)
        assert (await head_and_body(reader)).startswith(b"HTTP/1.1 413 Too Large")
        await shut(writer)
        assert proxy.log()[0]["status"] == 413

    run(tmp_path, upstream, scenario)


def test_client_that_waits_for_leave_to_send_gets_it(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(
            b"PUT /config HTTP/1.1\r\nHost: l\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"{}")
        assert await head_and_body(reader) == OK
        await shut(writer)

    run(tmp_path, answering(OK, seen), scenario)
    assert b"expect" not in seen[0].lower()


def test_request_that_is_no_http_is_a_400(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        assert (await proxy.ask(b"\x16\x03\x01 tls hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        (line,) = proxy.log()
        assert (line["status"], line["method"]) == (400, "")

    run(tmp_path, answering(OK), scenario)


def test_broken_chunks_are_a_400(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        head = b"POST /x HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await proxy.connect()
        writer.write(head + b"2\r\n{}\r\n")
        writer.write(b"zzz\r\n")
        assert (await head_and_body(reader)).startswith(b"HTTP/1.1 400 ")
        await shut(writer)
        assert "body is broken" in proxy.log()[0]["error"]

    run(tmp_path, answering(OK), scenario)


def test_body_that_stops_is_a_408(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        request = b"POST /x HTTP/1.1\r\nHost: l\r\nContent-Length: 5\r\n\r\n{"
        assert (await proxy.ask(request)).startswith(b"HTTP/1.1 408 ")
        assert "did not go on" in proxy.log()[0]["error"]

    run(tmp_path, answering(OK), scenario, body_seconds=0.2)


def test_client_that_leaves_in_the_middle_is_in_the_log(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def upstream(reader: Reader, writer: Writer) -> None:
        await reader.read()
        ended.set()

    async def scenario(proxy: Proxy) -> None:
        _, writer = await proxy.connect()
        writer.write(b"POST /x HTTP/1.1\r\nHost: l\r\nContent-Length: 5\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
        await shut(writer)
        await ended.wait()  # the upstream is let go as well
        await asyncio.wait(proxy.tasks)
        (line,) = proxy.log()
        assert line["method"] == "POST"
        assert line["error"]

    run(tmp_path, upstream, scenario)


def test_old_client_gets_an_answer_that_ends_with_the_connection(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n"

    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        writer.write(b"GET /x HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        assert answer.endswith(b"\r\n\r\n{}")
        assert b"chunked" not in answer
        await shut(writer)

    run(tmp_path, answering(chunked, once=True), scenario)


def test_idle_connection_is_closed_without_a_line(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        reader, writer = await proxy.connect()
        assert await reader.read() == b""
        await shut(writer)
        assert proxy.log() == []
        assert proxy.sessions[0].busy is False

    run(tmp_path, answering(OK), scenario, idle_seconds=0.1)


def test_connection_without_a_request_leaves_no_line(tmp_path: Path) -> None:
    async def scenario(proxy: Proxy) -> None:
        _, writer = await proxy.connect()
        await shut(writer)
        assert await proxy.ask(GET) == OK
        assert len(proxy.log()) == 1

    run(tmp_path, answering(OK), scenario)
