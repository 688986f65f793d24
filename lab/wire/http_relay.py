"""The relay inside the recording proxy: a client's connection, its requests, their answers.

The framing of HTTP/1.1 is h11's; ``lab.wire.http_gateway`` holds the rules of what passes. Bodies
go through as they come, in parts, neither decoded nor compressed. Every wait has a limit.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus

import h11

from lab.wire.exchange_log import Exchange, ExchangeLog
from lab.wire.http_gateway import (
    CannotRelay,
    Upstream,
    answer_to_client,
    header,
    own_answer,
    request_to_upstream,
)
from lab.wire.http_peer import Peer


class Session:
    """A client's connection: relays its requests one after the other until it closes.

    ``busy`` says whether an exchange is in progress.
    """

    def __init__(
        self,
        upstream: Upstream,
        log: ExchangeLog,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.busy = False
        self._at = upstream
        self._log = log
        self._client = Peer(h11.SERVER, reader, writer)
        self._kept: Peer | None = None
        peer_name = writer.get_extra_info("peername") or ("unknown", 0)
        self._name = f"{peer_name[0]}:{peer_name[1]}"

    async def run(self) -> None:
        """Serve the connection to its end. Raises LogFailed when an exchange is not recorded."""
        try:
            while await self._serve_one():
                self.busy = False
        finally:
            if self._kept is not None:
                self._kept.abort()
            await self._client.close()

    async def _serve_one(self) -> bool:
        """Relay one request; True when the connection can carry another."""
        try:
            request = await self._client.event(self._at.idle_seconds)
        except h11.RemoteProtocolError as error:
            self.busy = True
            refusal = CannotRelay(HTTPStatus.BAD_REQUEST, f"not an HTTP/1.1 request: {error}")
            await self._refuse(Exchange(self._name), refusal)
            return False
        except OSError:  # TimeoutError is one
            return False
        if not isinstance(request, h11.Request):
            return False
        self.busy = True
        exchange = Exchange(self._name)
        try:
            await self._relay(request, exchange)
        except CannotRelay as refusal:
            await self._refuse(exchange, refusal)
        except OSError as error:
            exchange.error = f"the client went away: {str(error) or type(error).__name__}"
            self._record(exchange)
            return False
        return self._client.ready_again()

    async def _relay(self, request: h11.Request, exchange: Exchange) -> None:
        exchange.method = request.method.decode("ascii")
        exchange.path = request.target.decode("ascii")
        exchange.user_agent = header(request, b"user-agent")
        exchange.request_body.content_encoding = header(request, b"content-encoding")
        passed_on = request_to_upstream(request, self._at)
        upstream = await self._connected()
        try:
            if self._client.http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._client.write(self._client.encode(go_on), self._at.answer_seconds)
            part = await self._request_part()
            if isinstance(part, h11.EndOfMessage):
                await self._to_upstream(upstream, upstream.encode(passed_on, part))
                await self._answer(upstream, exchange)
            else:
                await self._to_upstream(upstream, upstream.encode(passed_on))
                await self._answer_to_body(upstream, part, exchange)
            if upstream.ready_again():
                self._kept = upstream
        finally:
            if self._kept is not upstream:
                upstream.abort()

    async def _connected(self) -> Peer:
        """The kept connection while it is fresh, otherwise a new one."""
        kept, self._kept = self._kept, None
        if kept is not None:
            if kept.fresh():
                return kept
            kept.abort()
        try:
            async with asyncio.timeout(self._at.connect_seconds):
                reader, writer = await asyncio.open_connection(
                    self._at.host, self._at.port, ssl=self._at.tls
                )
        except OSError as error:
            why = error.strerror or str(error) or "no answer in time"
            raise self._bad_gateway(f"cannot be reached: {why}") from None
        return Peer(h11.CLIENT, reader, writer)

    async def _request_part(self) -> h11.Data | h11.EndOfMessage:
        """The next part of the request's body, or its end."""
        try:
            event = await self._client.event(self._at.body_seconds)
        except TimeoutError:
            silence = f"the request's body did not go on for {self._at.body_seconds:g} s"
            raise CannotRelay(HTTPStatus.REQUEST_TIMEOUT, silence) from None
        except h11.RemoteProtocolError as error:
            broken = f"the request's body is broken: {error}"
            raise CannotRelay(HTTPStatus.BAD_REQUEST, broken) from None
        if isinstance(event, h11.Data | h11.EndOfMessage):
            return event
        raise ConnectionResetError("closed in the middle of the request's body")

    async def _to_upstream(self, upstream: Peer, data: bytes) -> None:
        # A failed write is not the end: the upstream may have answered before it closed, and
        # where it has not, reading says so.
        with suppress(OSError):
            await upstream.write(data, self._at.answer_seconds)

    async def _answer_to_body(self, upstream: Peer, part: h11.Data, exchange: Exchange) -> None:
        """Send the body and pass the answer on, side by side: the answer may come early."""
        body = asyncio.create_task(self._send_body(upstream, part, exchange))
        try:
            await self._answer(upstream, exchange)
        except CannotRelay:
            # Where the client failed, the upstream's silence is only what followed from it.
            if body.done() and (cause := body.exception()) is not None:
                raise cause from None
            raise
        finally:
            if upstream.http.our_state is not h11.DONE:
                body.cancel()
            await asyncio.wait({body})
            if not body.cancelled():
                body.exception()  # seen; asyncio would report it as never retrieved

    async def _send_body(
        self, upstream: Peer, part: h11.Data | h11.EndOfMessage, exchange: Exchange
    ) -> None:
        """Pass the request's body on; where that fails, the wait for the answer ends."""
        try:
            while isinstance(part, h11.Data):
                exchange.request_body.add(part.data)
                await self._to_upstream(upstream, upstream.encode(part))
                part = await self._request_part()
            await self._to_upstream(upstream, upstream.encode(part))
        except BaseException:
            upstream.abort()
            raise

    async def _answer(self, upstream: Peer, exchange: Exchange) -> None:
        """Pass the upstream's answer on to the client.

        The exchange is recorded before the answer's last byte leaves, so that whoever has the
        answer finds the exchange in the log.
        """
        client, pending = self._client, bytearray()
        while True:
            event = await self._answer_event(upstream, pending)
            if isinstance(event, h11.Response):
                exchange.status = event.status_code
                exchange.response_body.content_encoding = header(event, b"content-encoding")
                pending += client.encode(answer_to_client(event))
            elif isinstance(event, h11.Data):
                exchange.response_body.add(event.data)
                pending += client.encode(event)
            elif isinstance(event, h11.EndOfMessage):
                if client.http.their_http_version == b"1.0":
                    event = h11.EndOfMessage()  # trailers need chunks, which 1.0 does not have
                self._record(exchange)
                pending += client.encode(event)
                await client.write(pending, self._at.answer_seconds)
                return
            elif not isinstance(event, h11.InformationalResponse):
                raise self._bad_gateway("closed before its answer was complete")

    async def _answer_event(
        self, upstream: Peer, pending: bytearray
    ) -> h11.Event | type[h11.PAUSED]:
        """The answer's next event; what is pending goes to the client before a wait for more."""
        try:
            while (event := upstream.http.next_event()) is h11.NEED_DATA:
                if pending:
                    await self._client.write(bytes(pending), self._at.answer_seconds)
                    pending.clear()
                await self._read_answer(upstream)
        except h11.RemoteProtocolError as error:
            if upstream.ended:
                raise self._bad_gateway("closed before its answer was complete") from None
            raise self._bad_gateway(f"gave an answer that is no HTTP/1.1: {error}") from None
        return event  # type: ignore[return-value]  # NEED_DATA was the other sentinel

    async def _read_answer(self, upstream: Peer) -> None:
        seconds = self._at.answer_seconds
        try:
            await upstream.read(seconds)
        except TimeoutError:
            silence = f"the upstream at {self._at.authority} was silent for {seconds:g} s"
            raise CannotRelay(HTTPStatus.GATEWAY_TIMEOUT, silence) from None
        except OSError as error:
            raise self._bad_gateway(f"broke the connection: {error}") from None

    def _bad_gateway(self, what: str) -> CannotRelay:
        message = f"the upstream at {self._at.authority} {what}"
        return CannotRelay(HTTPStatus.BAD_GATEWAY, message)

    def _record(self, exchange: Exchange) -> None:
        """Append the exchange to the log, once."""
        if not exchange.recorded:
            exchange.recorded = True
            self._log.append(exchange)

    async def _refuse(self, exchange: Exchange, refusal: CannotRelay) -> None:
        """Answer with an error of the relay's own; an answer already begun is cut off instead."""
        client = self._client
        exchange.error = str(refusal)
        if client.http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self._record(exchange)
            client.abort()
            return
        await self._drain_request()
        head, body = own_answer(refusal)
        exchange.status = head.status_code
        exchange.response_body.content_encoding = None
        exchange.response_body.add(body)
        self._record(exchange)
        answer = client.encode(head, h11.Data(data=body), h11.EndOfMessage())
        with suppress(OSError):
            await client.write(answer, self._at.answer_seconds)

    async def _drain_request(self) -> None:
        """Read what is left of a refused request, within limits, so that the answer is read."""
        if self._client.http.their_state is not h11.SEND_BODY:
            return
        with suppress(CannotRelay, OSError):
            async with asyncio.timeout(1.0):
                while not isinstance(await self._request_part(), h11.EndOfMessage):
                    pass
