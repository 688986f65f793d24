"""Requests in: their bodies, and the media types their clients accept."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from lab.ksqldb.errors import BadRequest, RequestError

MAX_BODY = 10 * 1024 * 1024
"""The largest body in bytes, for every end point that does not stream."""
_DRAIN_SECONDS = 0.5


class NotAcceptable(RequestError):
    """The client accepts nothing that this end point can answer with."""

    error_code = 40600


class TooLarge(RequestError):
    """A body is too large."""

    error_code = 41300


def acceptable(request: Request, offered: Sequence[str]) -> str:
    """The first media type that a client accepts, in the client's order; the first offered one
    where anything is accepted.

    Raises:
        NotAcceptable: it accepts none of them.
    """
    header = request.headers.get("accept", "").strip()
    if not header:
        return offered[0]
    ranges = []
    for place, part in enumerate(header.split(",")):
        name, *parameters = (p.strip().lower() for p in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            ranges.append((-float(quality), place, name))
        except ValueError:
            ranges.append((-1.0, place, name))
    for weight, _, name in sorted(ranges):
        if weight == 0:
            continue
        for media in offered:
            family = media.split("/")[0]
            if name in {media, "*/*", "*", f"{family}/*"}:
                return media
    raise NotAcceptable(f"Not acceptable: this end point answers with {', '.join(offered)}")


async def json_object(request: Request) -> dict[str, Any]:
    """A request's body.

    Raises:
        BadRequest: it is no JSON object.
        TooLarge: it is larger than MAX_BODY.
    """
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise TooLarge(f"The body is larger than {MAX_BODY} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Invalid JSON in request: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("Invalid JSON in request: an object is expected")
    return value


async def drained(request: Request) -> None:
    """Take what a client is still sending, for a while: a stream of HTTP/2 that is answered
    before its end breaks the connection that it shares with others."""
    if not request.scope.get("http_version", "1.1").startswith("2"):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while True:
                message = await request.receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return


def text(body: dict[str, Any], name: str) -> str:
    """A text that must be there.

    Raises:
        BadRequest: it is not.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f'"{name}" must be given, as text')
    return value


def mapping(body: dict[str, Any], *names: str) -> dict[str, str]:
    """An object of texts under the first of some names that is there, or none.

    Raises:
        BadRequest: it is something else, or a value is neither text, number nor flag.
    """
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, dict):
            raise BadRequest(f'"{name}" must be an object')
        return {key: _plain(name, key, item) for key, item in value.items() if item is not None}
    return {}


def _plain(name: str, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadRequest(f'"{name}": the value of "{key}" must be text, a number or a flag')


def sequence_number(body: dict[str, Any]) -> int | None:
    """The command that must have been applied before the request is served.

    Raises:
        BadRequest: it is no whole number.
    """
    value = body.get("commandSequenceNumber")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest('"commandSequenceNumber" must be a whole number')
    return value
