"""Basic authentication, by ksqlDB's ``authentication.*`` properties.

The users stand in a file, one a line, as Jetty's property file has them (which is what ksqlDB's
JAAS configuration usually names): ``name: password[,role…]``; ``MD5:<hex>`` is a password's digest.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from lab.ksqldb import property_file
from lab.ksqldb.errors import StartError

ALWAYS_OPEN = ("/v1/metadata", "/v1/metadata/id", "/healthcheck")
"""Paths that need no authentication, as ksqlDB's do not."""
_USERS = "authentication.users.file"
_DIGEST = "MD5:"
_UNSUPPORTED = ("OBF:", "CRYPT:")


@dataclass(frozen=True, slots=True)
class User:
    """A user: the secret as it stands in the file, and roles."""

    secret: str
    roles: frozenset[str]

    def knows(self, password: str) -> bool:
        """Whether a password is the user's; takes as long either way."""
        given = password
        secret = self.secret
        if secret.startswith(_DIGEST):
            secret = secret.removeprefix(_DIGEST).lower()
            given = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(given.encode(), secret.encode())


def users(path: Path) -> dict[str, User]:
    """The users of a file.

    Raises:
        StartError: it cannot be read, has none, or has passwords in a form that is not supported.
    """
    found = {}
    for name, value in property_file.read(path).items():
        secret, *roles = (part.strip() for part in value.split(","))
        if secret.startswith(_UNSUPPORTED):
            raise StartError(f"{path}: the password of {name} is neither plain nor MD5:<hex>")
        found[name] = User(secret, frozenset(roles))
    if not found:
        raise StartError(f"{path} has no users")
    return found


def protected(inner: ASGIApp, properties: Mapping[str, str]) -> ASGIApp:
    """An application behind the authentication that the properties ask for, or as it is.

    Raises:
        StartError: a property is missing or wrong.
    """
    method = properties.get("authentication.method", "NONE").upper()
    if method == "NONE":
        return inner
    if method != "BASIC":
        raise StartError(f"authentication.method: {method} is neither NONE nor BASIC")
    file = properties.get(_USERS)
    if not file:
        raise StartError(f"authentication.method=BASIC needs {_USERS}")
    roles = [r.strip() for r in properties.get("authentication.roles", "*").split(",")]
    skipped = properties.get("authentication.skip.paths", "").split(",")
    return Basic(
        inner,
        users(Path(file)),
        [r for r in roles if r],
        properties.get("authentication.realm", "ksqlDB"),
        [*ALWAYS_OPEN, *(p.strip() for p in skipped if p.strip())],
    )


class Basic:
    """An ASGI application before another that lets only known users through."""

    def __init__(
        self,
        inner: ASGIApp,
        known: Mapping[str, User],
        roles: Sequence[str],
        realm: str,
        open_paths: Sequence[str],
    ) -> None:
        """``roles`` are those that may use the server; ``*`` is any user.

        ``open_paths`` may have ``*`` for any text.
        """
        self._inner = inner
        self._known = known
        self._roles = frozenset(roles)
        escaped = realm.replace("\\", "").replace('"', "")
        self._challenge = f'Basic realm="{escaped}"'.encode()
        self._open = tuple(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it with 401 or 403."""
        if scope["type"] not in {"http", "websocket"} or self._is_open(scope["path"]):
            await self._inner(scope, receive, send)
            return
        user = self._user(scope)
        if user is None:
            await _refuse(scope, send, 401, "Unauthorized", self._challenge)
        elif not self._may(user):
            await _refuse(scope, send, 403, "Forbidden", None)
        else:
            await self._inner(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self._open)

    def _may(self, user: User) -> bool:
        return bool(self._roles & {"*", "**"}) or not self._roles.isdisjoint(user.roles)

    def _user(self, scope: Scope) -> User | None:
        header = next((v for n, v in scope["headers"] if n.lower() == b"authorization"), b"")
        scheme, _, rest = header.partition(b" ")
        if scheme.lower() != b"basic":
            return None
        try:
            text = base64.b64decode(rest.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        name, colon, password = text.partition(":")
        user = self._known.get(name)
        return user if colon and user is not None and user.knows(password) else None


async def _refuse(
    scope: Scope, send: Send, status: int, message: str, challenge: bytes | None
) -> None:
    body = {"@type": "generic_error", "error_code": status * 100, "message": message}
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
    if challenge is not None:
        headers.append((b"www-authenticate", challenge))
    prefix = "http" if scope["type"] == "http" else "websocket.http"
    start: dict[str, Any] = {
        "type": f"{prefix}.response.start",
        "status": status,
        "headers": headers,
    }
    await send(start)
    await send({"type": f"{prefix}.response.body", "body": data, "more_body": False})
