"""Requests in: their bodies, and the media types their clients accept."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from lab.ksqldb.errors import BadRequest, RequestError

MAX_BODY = 10 * 1024 * 1024
"""The largest body in bytes, for every end point that does not stream."""
MAX_SQL = 2 * 1024 * 1024
"""The longest text of a request's statements, in characters."""
MAX_DEPTH = 100
"""How deep the JSON of a request may be nested."""
_MAX_BRACKETS = 200_000
_BRACKET = re.compile(rb"[][{}]")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


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
    value = parsed(bytes(data), "Invalid JSON in request")
    if not isinstance(value, dict):
        raise BadRequest("Invalid JSON in request: an object is expected")
    return value


def parsed(data: bytes, wrong: str) -> Any:
    """JSON data from a client; ``wrong`` begins the refusal.

    Raises:
        BadRequest: it is no JSON, is nested too deeply, or has a text that is no Unicode.
    """
    _check_depth(data, wrong)
    try:
        value = json.loads(data)
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()  # fails for half a surrogate pair
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{wrong}: {error}") from None
    return value


def _check_depth(data: bytes, wrong: str) -> None:
    # The parser's own limit is that of Python code, which is more than the stack of a thread holds.
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for number, bracket in enumerate(_BRACKET.finditer(_TEXT.sub(b"", data))):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH or number > _MAX_BRACKETS:
            raise BadRequest(f"{wrong}: nested more than {MAX_DEPTH} levels deep")


def text(body: dict[str, Any], name: str) -> str:
    """A text that must be there.

    Raises:
        BadRequest: it is not.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest(f'"{name}" must be given, as text')
    return value


def sql(body: dict[str, Any], name: str) -> str:
    """The SQL that must be there.

    Raises:
        BadRequest: it is not.
        TooLarge: it is longer than MAX_SQL.
    """
    value = text(body, name)
    if len(value) > MAX_SQL:
        raise TooLarge(f'"{name}" is longer than {MAX_SQL} characters')
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
