"""A TCP proxy in front of brokers: watches, delays, drops and cuts by the kind of request.

Every broker gets a listener of its own on loopback; clients that begin at ``bootstrap_servers``
stay on the proxy because addresses in answers are replaced (kafka_addresses.py). So it works with
any cluster that is reached without TLS, brokers need no listener for it, and several proxies can
stand before one cluster.

Limits: an answer to Produce or Fetch that names a partition's new leader (KIP-951) is not
rewritten, so after a leader moved a client may connect past the proxy.
"""

from __future__ import annotations

import asyncio
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from lab.errors import LabError
from lab.wire.api_keys import require_api
from lab.wire.errors import DecodeError
from lab.wire.kafka_addresses import Address, with_addresses
from lab.wire.proxy_rules import Fate, Frame, Rule, Way
from lab.wire.requests import RequestHead, decode_head

_MAX_FRAME_BYTES = 128 * 1024 * 1024
_START_SECONDS = 10.0


class ProxyFailed(LabError):
    """The proxy could not start, or met bytes that it cannot pass on."""


class KafkaProxy:
    """Use it as a context manager; it listens inside the ``with`` block.

    ``frames`` are what went by, in order. ``problems`` are what it could not understand: an
    experiment that relies on having seen everything checks that there are none.
    """

    def __init__(self, bootstrap_servers: str, *, host: str = "127.0.0.1") -> None:
        self._upstreams = [_address(text) for text in bootstrap_servers.split(",")]
        self._host = host
        self._rules: list[Rule] = []
        self._frames: list[Frame] = []
        self.problems: list[str] = []
        self._listeners: dict[Address, Address] = {}
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._silent = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kafka-proxy")

    @property
    def bootstrap_servers(self) -> str:
        """Where clients shall begin."""
        found = (self._listeners[upstream] for upstream in self._upstreams)
        return ",".join(f"{host}:{port}" for host, port in found)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Every request and answer so far, in the order in which they were read."""
        return tuple(self._frames)

    def seen(self, api: str, way: Way = "request", *, client_id: str | None = None) -> list[Frame]:
        """The frames of one kind. Raises ValueError for a name that Kafka does not have."""
        require_api(api)
        return [
            frame
            for frame in self.frames
            if frame.api == api and frame.way == way and client_id in {None, frame.client_id}
        ]

    def add(self, rule: Rule) -> Rule:
        """Apply a rule from now on; of several that fit a frame the first added is applied."""
        self._rules.append(rule)
        return rule

    def cut_all(self) -> None:
        """Close every connection now; clients may connect again."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    def silence(self) -> None:
        """Pass nothing on from now on, either way: connections live, and nobody answers."""
        self._silent = True

    def heal(self) -> None:
        """Pass everything on again, on new connections: on those that there are, frames miss."""
        self._silent = False
        self.cut_all()

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            for upstream in self._upstreams:
                asyncio.run_coroutine_threadsafe(self._listen(upstream), self._loop).result(
                    _START_SECONDS
                )
        except OSError as error:
            self.__exit__()
            raise ProxyFailed(f"the proxy cannot listen: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()

    async def _listen(self, upstream: Address) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            self._connections += 1
            await self._relay(upstream, self._connections, reader, writer)

        server = await asyncio.start_server(connected, self._host, 0, limit=1 << 20)
        self._servers.append(server)
        self._listeners[upstream] = (self._host, server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _relay(
        self,
        upstream: Address,
        number: int,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
    ) -> None:
        to_broker: asyncio.StreamWriter | None = None
        try:
            broker, to_broker = await asyncio.open_connection(*upstream, limit=1 << 20)
            pipe = _Pipe(self, f"{upstream[0]}:{upstream[1]}", number)
            pumps = [
                asyncio.ensure_future(pipe.requests(client, to_broker)),
                asyncio.ensure_future(pipe.answers(broker, to_client)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                for outcome in await asyncio.gather(*pumps, return_exceptions=True):
                    if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                        self.problems.append(f"{type(outcome).__name__}: {outcome}")
        except (OSError, asyncio.CancelledError):
            pass  # the broker is down, or the proxy closes: the client sees its connection closed
        finally:
            for writer in (to_client, to_broker):
                if writer is not None:
                    writer.transport.abort()

    # What a pipe asks of its proxy.

    def rule_for(self, way: Way, head: RequestHead) -> Rule | None:
        """The rule that treats this frame, if any."""
        if self._silent:
            return Rule(head.api, way, "drop")
        return next((rule for rule in self._rules if rule.takes(way, head)), None)

    def note(self, frame: Frame) -> None:
        """Keep what was seen."""
        self._frames.append(frame)

    async def listeners_for(self, answer: bytes, head: RequestHead) -> bytes:
        """The answer with the proxy's addresses; a broker seen for the first time gets a listener.

        Raises DecodeError for an answer that cannot be rewritten.
        """
        wanted: set[Address] = set()

        def look(address: Address) -> Address:
            wanted.add(address)
            return address

        with_addresses(answer, head.api_key, head.api_version, look)
        for address in wanted - set(self._listeners):
            await self._listen(address)
        return with_addresses(
            answer, head.api_key, head.api_version, lambda address: self._listeners[address]
        )


class _Pipe:
    """One client connection: what was asked, so that answers can be named."""

    def __init__(self, proxy: KafkaProxy, broker: str, number: int) -> None:
        self._proxy = proxy
        self._broker = broker
        self._number = number
        self._asked: dict[int, RequestHead] = {}

    async def requests(self, client: asyncio.StreamReader, to_broker: asyncio.StreamWriter) -> None:
        """Pass requests on until the client, or a rule, ends it."""
        while (frame := await _read_frame(client)) is not None:
            head = decode_head(frame)
            body = frame if head.api == "Produce" else b""
            rule = self._proxy.rule_for("request", head)
            self._note("request", head, len(frame), rule, body)
            self._asked[head.correlation_id] = head
            if not await _passes(rule):
                if rule is not None and rule.deed == "cut":
                    return
                continue
            await _write_frame(to_broker, frame)

    async def answers(self, broker: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Pass answers on until the broker, or a rule, ends it."""
        while (frame := await _read_frame(broker)) is not None:
            head = self._asked.pop(int.from_bytes(frame[:4], "big", signed=True), None)
            if head is None:
                raise DecodeError("an answer to a request that was not seen")
            rule = self._proxy.rule_for("answer", head)
            self._note("answer", head, len(frame), rule)
            if not await _passes(rule):
                if rule is not None and rule.deed == "cut":
                    return
                continue
            await _write_frame(to_client, await self._proxy.listeners_for(frame, head))

    def _note(
        self, way: Way, head: RequestHead, size: int, rule: Rule | None, body: bytes = b""
    ) -> None:
        fate: Fate = "passed" if rule is None else rule.fate
        self._proxy.note(
            Frame(
                at_ns=time.time_ns(),
                connection=self._number,
                broker=self._broker,
                way=way,
                api=head.api,
                api_version=head.api_version,
                correlation_id=head.correlation_id,
                client_id=head.client_id,
                size=size,
                fate=fate,
                body=body,
            )
        )


async def _passes(rule: Rule | None) -> bool:
    """Wait as long as the rule says; whether the frame is passed on."""
    if rule is None:
        return True
    if rule.deed == "delay":
        await asyncio.sleep(rule.seconds)
        return True
    return False


async def _read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame without its length; None at the end of the connection."""
    with suppress(asyncio.IncompleteReadError):
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        if not 0 <= size <= _MAX_FRAME_BYTES:
            raise DecodeError(f"a frame of {size} bytes: no Kafka connection, or one with TLS")
        return await reader.readexactly(size)
    return None


async def _write_frame(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()


def _address(text: str) -> Address:
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdigit():
        raise ProxyFailed(f"not an address: {text!r}")
    return host.strip("[]"), int(port)


def listed(frames: Sequence[Frame]) -> list[str]:
    """Frames for a reader: "Produce v10 #7 from app: dropped"."""
    return [
        f"{f.api} v{f.api_version} #{f.correlation_id} {f.way} ({f.client_id}): {f.fate}"
        for f in frames
    ]
