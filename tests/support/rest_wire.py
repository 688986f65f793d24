"""Sends bytes to a server over sockets of its own, and judges what comes back."""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from .rest_fuzz import Sent

ANSWER_SECONDS = 30.0
"""How long a request whose end the server has seen may wait for its answer: longer is a hang."""
_STREAM_SECONDS = 0.05

_LEAKS = re.compile(
    rb'Traceback|File "|\.py\b|\bat lab\.ksqldb|/lab/ksqldb|jpype|'
    rb"(?<!class )java\.(lang|util|io)\.|"
    rb"org\.(apache|codehaus)\.\w|NoneType|object at 0x|internal error|"
    rb"(?:Key|Type|Attribute|Index|Recursion|Assertion|Unicode\w+)Error|StackOverflow"
)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)[^\r\n]*\r\n")
_ALLOWED = (
    re.compile(rb'"error_code":50301'),  # an earlier command is waited for in vain, as asked
    re.compile(rb"Could not connect to Kafka Connect"),  # there is none to forward the statement to
)


@dataclass
class Answer:
    """What came back: statuses in order, all bytes, whether the server closed the connection."""

    statuses: list[int] = field(default_factory=list)
    data: bytes = b""
    closed: bool = False


def faults(answer: Answer) -> list[str]:
    """What an answer must not be."""
    found = []
    # 501 is HTTP's answer to a transfer coding that a server does not know.
    if any(s >= 500 and s != 501 for s in answer.statuses) and not any(
        a.search(answer.data) for a in _ALLOWED
    ):
        found.append(f"statuses {answer.statuses}")
    leak = _LEAKS.search(answer.data)
    if leak is not None:
        found.append(f"leaks {leak[0]!r}")
    return found


class Wire:
    """One address of a server."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._kept: socket.socket | None = None

    def close(self) -> None:
        """Close the connection that is kept."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def exchange(self, data: bytes) -> Answer:
        """Send one whole request and read its answer; a streamed answer is left at its head."""
        for attempt in (1, 2):
            fresh = self._kept is None
            client = self._kept or socket.create_connection(self._address, timeout=ANSWER_SECONDS)
            self._kept = client
            try:
                answer, again = self._one(client, data)
            except (ConnectionError, BrokenPipeError):
                self.close()
                if fresh or attempt == 2:
                    return Answer(closed=True)
                continue
            if not again:
                self.close()
            if answer.data or fresh:
                return answer
        return answer

    @staticmethod
    def _one(client: socket.socket, data: bytes) -> tuple[Answer, bool]:
        answer = Answer()
        client.settimeout(ANSWER_SECONDS)
        client.sendall(data)
        while True:
            try:
                received = client.recv(65536)
            except TimeoutError:
                raise AssertionError(
                    f"no answer in {ANSWER_SECONDS} s; so far {answer.data[:500]!r}"
                ) from None
            if not received:
                answer.closed = True
                break
            answer.data += received
            head, blank, body = answer.data.partition(b"\r\n\r\n")
            if not blank:
                continue
            if head.startswith(b"HTTP/1.1 100"):
                answer.data = body
                if not body:
                    continue
                head, blank, body = body.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if data.startswith(b"HEAD ") or re.match(rb"HTTP/1.1 (101|204|304)", head):
                break
            if length is not None and len(body) >= int(length[1]):
                answer.statuses = [int(_STATUS.match(head + b"\r\n")[1])]  # type: ignore[index] # it is one
                return answer, b"close" not in head.lower()
            if length is None:
                answer.data += _rest(client)
                break
        answer.statuses = [int(s) for s in _STATUS.findall(answer.data)]
        return answer, False

    def throw(self, data: bytes, *, end: bool, pieces: int = 1) -> Answer:
        """Send any bytes, perhaps piece by piece, and read what comes for a moment."""
        answer = Answer()
        with socket.create_connection(self._address, timeout=ANSWER_SECONDS) as client:
            try:
                step = max(1, len(data) // pieces + 1)
                for at in range(0, len(data), step):
                    client.sendall(data[at : at + step])
                if end:
                    client.shutdown(socket.SHUT_WR)
                answer.data = _rest(client)
            except OSError:
                answer.closed = True
        answer.statuses = [int(s) for s in _STATUS.findall(answer.data)]
        return answer

    def exchange2(self, sent: Sent) -> Answer:
        """Send one request by HTTP/2 and read its answer; a stream is reset after its head."""
        answer = Answer()
        settings = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False
        )
        talk = h2.connection.H2Connection(settings)
        deadline = time.monotonic() + ANSWER_SECONDS
        with socket.create_connection(self._address, timeout=ANSWER_SECONDS) as client:
            talk.initiate_connection()
            head = [(":method", sent.method), (":scheme", "http"), (":path", sent.path)]
            head += [(":authority", "x")]
            head += [(n.lower(), v) for n, v in sent.headers if n not in {"Host", "Connection"}]
            try:
                talk.send_headers(1, head, end_stream=not sent.body)
                body = sent.body
                while body:
                    size = min(len(body), talk.max_outbound_frame_size, 60_000)
                    talk.send_data(1, body[:size], end_stream=size == len(body))
                    body = body[size:]
                    if talk.local_flow_control_window(1) < 16_384 and body:
                        body = b""
                        talk.end_stream(1)
                client.sendall(talk.data_to_send())
                while not answer.closed:
                    if time.monotonic() > deadline:
                        raise AssertionError(f"no end in {ANSWER_SECONDS} s: {answer.statuses}")
                    looks_whole = answer.data[-1:] in {b"]", b"}"}
                    patience = 1.0 if looks_whole else _STREAM_SECONDS
                    if answer.statuses and not select.select([client], [], [], patience)[0]:
                        break
                    self._heard(client, talk, answer)
            except (ConnectionError, BrokenPipeError):
                answer.closed = True
            except h2.exceptions.ProtocolError as error:
                answer.data += f"(this client would not: {error})".encode()
        return answer

    @staticmethod
    def _heard(client: socket.socket, talk: h2.connection.H2Connection, answer: Answer) -> None:
        received = client.recv(65536)
        if not received:
            answer.closed = True
            return
        for event in talk.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                head = [(_text(n), _text(v)) for n, v in event.headers]
                answer.statuses += [int(v) for n, v in head if n == ":status"]
            elif isinstance(event, h2.events.DataReceived):
                answer.data += event.data
                talk.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(
                event,
                h2.events.StreamEnded | h2.events.StreamReset | h2.events.ConnectionTerminated,
            ):
                answer.closed = True
        client.sendall(talk.data_to_send())


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _rest(client: socket.socket) -> bytes:
    """What comes until the server closes or is silent for a moment."""
    data = b""
    client.settimeout(_STREAM_SECONDS)
    try:
        while received := client.recv(65536):
            data += received
    except (TimeoutError, ConnectionError):
        pass
    return data
