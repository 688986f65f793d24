"""The rules of the recording proxy, pure: what of a request and an answer passes, and how.

Protocol: HTTP/1.1 as a gateway speaks it (RFC 9110, 9112). A request's target gets the prefix put
before it and is otherwise sent on byte for byte. Headers that belong to one connection (RFC 9110,
7.6.1) stay on it, and ``Host`` names the upstream. What the proxy itself answers, where the
upstream cannot, is in the registry's error style: ``{"error_code": 50200, "message": "…"}``.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import h11

from lab.errors import LabError

Headers = list[tuple[bytes, bytes]]

CONTENT_TYPE = b"application/vnd.schemaregistry.v1+json"
VIA = b"1.1 lab-http-recorder"

_OF_ONE_CONNECTION = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization"
    b" te transfer-encoding upgrade".split()
)
_NOT_TO_UPSTREAM = frozenset((b"host", b"expect"))


class CannotRelay(LabError):
    """An exchange could not be completed; ``status`` is what the client is told, if it still can.

    The answer's ``error_code`` is the status with two more digits, as the registry's are.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Upstream:
    """Where requests go, and how long each step may take; over TLS where there is a context.

    Paths under ``beside`` are the upstream's own: they get no prefix.
    """

    host: str
    port: int
    prefix: bytes = b""
    beside: bytes | None = None
    connect_seconds: float = 5.0
    answer_seconds: float = 60.0
    body_seconds: float = 30.0
    idle_seconds: float = 75.0
    tls: ssl.SSLContext | None = None

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def upstream_target(prefix: bytes, target: bytes, beside: bytes | None = None) -> bytes:
    """The request target for the upstream: ``prefix`` before the path, not a byte else changed.

    A path under ``beside`` gets no prefix. A target in absolute form (``http://host/path``) loses
    scheme and authority; ``*`` stays.
    """
    if target == b"*":
        return target
    if not target.startswith(b"/"):
        _, scheme, rest = target.partition(b"://")
        if scheme:
            slash = rest.find(b"/")
            target = rest[slash:] if slash >= 0 else b"/"
        else:
            target = b"/" + target
    if beside is not None and target.startswith(beside + b"/"):
        return target
    return prefix + target


def end_to_end(
    headers: Iterable[tuple[bytes, bytes]], drop: frozenset[bytes] = frozenset()
) -> Headers:
    """The headers that may pass, in their order and with their spelling, without those to drop.

    ``transfer-encoding: chunked`` is stated anew where it was there, and a Content-Length beside
    it is dropped (RFC 9112, 6.3).
    """
    given = list(headers)
    out = _OF_ONE_CONNECTION | drop
    for name, value in given:
        if name.lower() == b"connection":
            out |= {token.strip().lower() for token in value.split(b",")}
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in given)
    if chunked:
        out |= {b"content-length"}
    passed = [(name, value) for name, value in given if name.lower() not in out]
    if chunked:
        passed.append((b"Transfer-Encoding", b"chunked"))
    return passed


def request_to_upstream(request: h11.Request, upstream: Upstream) -> h11.Request:
    """The request as the upstream gets it. Raises CannotRelay for CONNECT."""
    if request.method == b"CONNECT":
        raise CannotRelay(HTTPStatus.NOT_IMPLEMENTED, "CONNECT is not relayed")
    return h11.Request(
        method=request.method,
        target=upstream_target(upstream.prefix, request.target, upstream.beside),
        headers=[
            (b"Host", upstream.authority.encode("ascii")),
            *end_to_end(request.headers.raw_items(), _NOT_TO_UPSTREAM),
            (b"Via", VIA),
        ],
    )


def answer_to_client(answer: h11.Response) -> h11.Response:
    """The upstream's answer as the client gets it."""
    return h11.Response(
        status_code=answer.status_code,
        headers=end_to_end(answer.headers.raw_items()),
        reason=answer.reason,
    )


def own_answer(refusal: CannotRelay) -> tuple[h11.Response, bytes]:
    """The proxy's own answer where the upstream has none: its head and its body."""
    status = refusal.status
    body = json.dumps({"error_code": status.value * 100, "message": str(refusal)}).encode()
    head = h11.Response(
        status_code=status.value,
        reason=status.phrase.encode(),
        headers=[(b"Content-Type", CONTENT_TYPE), (b"Content-Length", b"%d" % len(body))],
    )
    return head, body


def header(message: h11.Request | h11.Response, name: bytes) -> str | None:
    """The first header of that lower-case name, or None."""
    for given, value in message.headers:
        if given == name:
            return value.decode("latin-1")
    return None
