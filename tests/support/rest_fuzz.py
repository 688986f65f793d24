"""Requests that nobody would send: grown from the protocol, and real ones with damaged bytes."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .sql_fuzz import Damager

PATHS = (
    "/ksql",
    "/query",
    "/query-stream",
    "/inserts-stream",
    "/close-query",
    "/is_valid_property/",
    "/status",
    "/status/stream/`X`/create",
    "/ws/query",
    "/v1/metadata",
    "/v1/metadata/id",
    "/info",
    "/healthcheck",
    "/clusterStatus",
    "/heartbeat",
    "/lag",
    "/",
)
"""All end points but /terminate, which ends the server's work when it is asked well."""

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "FOO")
_MEDIA = (
    "application/json",
    "application/vnd.ksql.v1+json",
    "application/vnd.ksqlapi.delimited.v1",
    "application/vnd.ksql.v1+protobuf",
    "text/plain; charset=shift_jis",
    "application/json;q=0",
    "application/json;q=NaN,*/*;q=-1",
    "*/*",
    ";;,,;q=",
    "x" * 3000,
    "",
)
_HEADERS = (
    "Host",
    "Content-Type",
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Upgrade",
    "HTTP2-Settings",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Expect",
    "Cookie",
    "Range",
    "If-None-Match",
    "X-Forwarded-For",
    "Content-Encoding",
    "Trailer",
    "TE",
    "X-\u00e9",
)
_VALUES = (
    "close",
    "keep-alive",
    "Upgrade, HTTP2-Settings",
    "h2c",
    "websocket",
    "AAMAAABkAAQAAP__",
    "100-continue",
    "gzip",
    "Basic !!!",
    "bytes=0-18446744073709551616",
    "\u00fc\u65e5",
    "",
    "a" * 5000,
)
_NUMBERS = (
    "0",
    "-1",
    "1e999",
    "-0.0",
    "NaN",
    "Infinity",
    "9" * 30,
    "9" * 5000,
    "1" + "0" * 400 + ".5",
    "2147483648",
    "9223372036854775808",
)
_TEXTS = (
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"\u65e5\u672c\\ud83d\\ude00"',
    '"' + "x" * 4000 + '"',
    '"true"',
    '"`"',
    '"${x}"',
)
_PROPERTIES = (
    "auto.offset.reset",
    "ksql.streams.auto.offset.reset",
    "ksql.query.pull.table.scan.enabled",
    "ksql.streams.num.stream.threads",
    "ksql.streams.commit.interval.ms",
    "ksql.service.id",
    "ksql.functions.collect_list.limit",
    "request.ksql.query.push.progress",
    "ksql.query.retry.backoff.max.ms",
    "processing.guarantee",
    "max.poll.records",
    "default.key.serde",
    "",
    "a.b",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request. ``whole`` says that the server can see its end, and so has to answer."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool = True

    def http1(self, pick: random.Random) -> bytes:
        """The bytes of HTTP/1.1, now and then with a chunked body."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body and pick.random() < 0.2:
            lines.append("Transfer-Encoding: chunked")
            body = _chunked(self.body, pick)
        else:
            lines.append(f"Content-Length: {len(self.body)}")
            body = self.body
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogatepass") + body


def _chunked(body: bytes, pick: random.Random) -> bytes:
    made = b""
    while body:
        size = pick.randint(1, len(body))
        made += f"{size:x}\r\n".encode() + body[:size] + b"\r\n"
        body = body[size:]
    return made + b"0\r\n\r\n"


class RequestGrower:
    """Random requests. ``statements`` are texts to send as they are or damaged."""

    def __init__(
        self, statements: Sequence[str], seed: int, grown: Callable[[], str] | None = None
    ) -> None:
        self.pick = random.Random(seed)
        self._statements = statements
        self._damager = Damager(statements, seed)
        self._grown = grown or self._damager.statement

    def request(self) -> Sent:
        """A request whose head is well formed."""
        pick = self.pick
        path = self._path()
        method = "POST" if pick.random() < 0.7 else pick.choice(METHODS)
        if path.startswith(("/is_valid", "/status", "/v1", "/info", "/health")):
            method = "GET" if pick.random() < 0.7 else method
        headers = [("Host", "x")]
        named = ("Accept", "Content-Type")
        headers += [(name, pick.choice(_MEDIA)) for name in named if pick.random() < 0.6]
        while pick.random() < 0.2:
            headers.append((pick.choice(_HEADERS), pick.choice(_VALUES)))
        headers = [h for h in headers if h[0].isascii() and "\n" not in h[1]]
        return Sent(method, path, tuple(headers), self._body(path))

    def garbled(self) -> bytes:
        """Bytes that begin as requests do: several after one another, cut, doubled, garbled."""
        pick = self.pick
        data = b"".join(self.request().http1(pick) for _ in range(pick.choice((1, 1, 1, 2, 5))))
        for _ in range(pick.randint(0, 3)):
            data = self._damaged(data)
        return data

    def _damaged(self, data: bytes) -> bytes:
        pick = self.pick
        # Most damage goes where the head is: that is what the server has to understand first.
        end = len(data) if pick.random() < 0.4 else min(len(data), 120)
        at = pick.randrange(end + 1)
        to = min(len(data), at + pick.randint(1, 20))
        match pick.randrange(6):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[to:]
            case 2:
                return data[:at] + pick.randbytes(pick.randint(1, 12)) + data[at:]
            case 3:
                return data[:to] + data[at:to] * pick.randint(1, 200) + data[to:]
            case 4:
                extra = f"{pick.choice(_HEADERS)}: {pick.choice(_VALUES)}\r\n".encode()
                first = data.find(b"\r\n") + 2
                return data[:first] + extra * pick.choice((1, 2, 300)) + data[first:]
            case _:
                lengths = (b"Content-Length: 5\r\n", b"Content-Length: -1\r\n")
                doubled = (
                    *lengths,
                    b"Transfer-Encoding: gzip, chunked\r\n",
                    b"Host: y\r\n",
                    b" \r\n",
                )
                first = data.find(b"\r\n") + 2
                return data[:first] + pick.choice(doubled) + data[first:]

    def _path(self) -> str:
        pick = self.pick
        path = pick.choices(PATHS, (9, 5, 9, 6, *(2,) * (len(PATHS) - 4)))[0]
        if path.endswith("property/"):
            path += pick.choice(_PROPERTIES)
        if pick.random() < 0.15:
            path += pick.choice(("/", "?", "?a=b&a=%00", "%2e%2e", "/%ff", "//", "#x", "/..;/"))
        if pick.random() < 0.05:
            noise = "".join(
                pick.choices(string.printable.split(" ", maxsplit=1)[0], k=pick.randint(1, 60))
            )
            path = "/" + noise.replace("#", "")
        if pick.random() < 0.01:
            path += "a" * pick.choice((1000, 20_000))
        return path

    def _body(self, path: str) -> bytes:
        pick = self.pick
        if path.startswith("/inserts"):
            return self._rows()
        if path.startswith("/close"):
            members = {"queryId": self._text()}
        elif path.startswith("/query-stream"):
            members = {"sql": self._sql(), "properties": self._properties()}
        elif path.startswith(("/ksql", "/query")):
            members = {"ksql": self._sql(), "streamsProperties": self._properties()}
        elif pick.random() < 0.7:
            return b""
        else:
            members = {pick.choice(("a", "hostInfo", "timestamp")): self._value(3)}
        if pick.random() < 0.1:
            members["sessionVariables"] = self._properties()
        if pick.random() < 0.1:
            members["commandSequenceNumber"] = self._value(1)
        if pick.random() < 0.15:
            members[pick.choice(list(members))] = self._value(3)
        if pick.random() < 0.05:
            del members[pick.choice(list(members))]
        text = "{" + ",".join(f"{json.dumps(n)}:{v}" for n, v in members.items()) + "}"
        return self._encoded(text)

    def _encoded(self, text: str) -> bytes:
        pick = self.pick
        data = text.encode("utf-8", "surrogatepass")
        at = pick.randrange(len(data) + 1)
        deep = b'{"ksql":' + pick.choice((b"[", b'{"a":')) * pick.choice((90, 5000, 100_000))
        odd = (
            text.encode("utf-16", "surrogatepass"),
            b"\xef\xbb\xbf" + data,
            data.replace(b"e", b"\xe9\xff", 2),
            data[:at],
            data[:at] + pick.randbytes(3) + data[at:],
            deep,
            data + data,
        )
        return pick.choice(odd) if pick.random() < 0.15 else data

    def _sql(self) -> str:
        pick = self.pick
        chosen = pick.random()
        if chosen < 0.4:
            text = pick.choice(self._statements)
        elif chosen < 0.8:
            text = self._damager.statement()
        else:
            text = self._grown()
        if pick.random() < 0.03:
            text = text * pick.choice((2, 50))
        return json.dumps(text)

    def _text(self) -> str:
        return self.pick.choice((*_TEXTS, json.dumps(self._damager.statement()[:60])))

    def _properties(self) -> str:
        pick = self.pick
        if pick.random() < 0.4:
            return '{"auto.offset.reset":"earliest"}'
        if pick.random() < 0.1:
            return self._value(2)
        members = [
            f"{json.dumps(pick.choice(_PROPERTIES))}:{self._value(1)}"
            for _ in range(pick.randint(0, 3))
        ]
        return "{" + ",".join(members) + "}"

    def _value(self, depth: int) -> str:
        pick = self.pick
        match pick.randrange(7 if depth else 4):
            case 0:
                return pick.choice(("null", "true", "false"))
            case 1:
                return pick.choice(_NUMBERS)
            case 2 | 3:
                return pick.choice(_TEXTS)
            case 4:
                return (
                    "[" + ",".join(self._value(depth - 1) for _ in range(pick.randint(0, 3))) + "]"
                )
            case 5:
                return pick.choice(("[" * 2000 + "]" * 2000, '{"a":' * 500 + "1" + "}" * 500))
            case _:
                inner = (f"{pick.choice(_TEXTS)}:{self._value(depth - 1)}" for _ in range(2))
                return "{" + ",".join(inner) + "}"

    def _rows(self) -> bytes:
        pick = self.pick
        target = self._text() if pick.random() < 0.2 else '"FUZZ"'
        lines = [f'{{"target":{target}}}']
        for _ in range(pick.randint(0, 8)):
            row = f'{{"ID":"r","N":{self._value(2)},"A":{self._value(2)}}}'
            lines.append(row if pick.random() < 0.8 else self._value(2))
        if pick.random() < 0.1:
            lines.append("x" * pick.choice((1000, 200_000)))
        pick.shuffle(lines) if pick.random() < 0.1 else None
        return self._encoded(pick.choice(("\n", "\n", "\r\n", "\n\n", "")).join(lines) + "\n")


def frames(pick: random.Random, grower: RequestGrower) -> bytes:
    """What comes after the preface of HTTP/2: frames good and bad, in any order."""
    made = b""
    for _ in range(pick.randint(1, 12)):
        kind = pick.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, pick.randrange(256)))
        payload: bytes = pick.randbytes(pick.choice((0, 4, 5, 8, 9, 100)))
        if kind == 1 and pick.random() < 0.8:
            payload = _headers_block(grower.request())
        if kind == 0 and pick.random() < 0.7:
            payload = grower.request().body[:16_000]
        flags = pick.choice((0, 1, 4, 5, pick.randrange(256)))
        stream = pick.choice((0, 1, 1, 3, 3, 2, 5, pick.randrange(1 << 31)))
        length = len(payload) if pick.random() < 0.97 else pick.randrange(1 << 24)
        made += length.to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload
    return made


def _headers_block(sent: Sent) -> bytes:
    pairs = (
        (":method", sent.method),
        (":scheme", "http"),
        (":path", sent.path),
        (":authority", "x"),
    )
    made = b""
    for name, value in (*pairs, *((n.lower(), v) for n, v in sent.headers if n != "Host")):
        made += b"\x00" + _literal(name) + _literal(value[:120])
    return made


def _literal(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")[:126]
    return bytes((len(data),)) + data
