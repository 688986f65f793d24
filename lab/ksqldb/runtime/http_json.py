"""Calls of other servers' JSON APIs: the schema registry's and Connect's."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.errors import ServerFault


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and its body as JSON data or text."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """What an error body says."""
        if isinstance(self.body, dict) and "message" in self.body:
            return str(self.body["message"])
        return str(self.body or f"it answered {self.status} without saying why")


class Unreachable(ServerFault):
    """A server cannot be reached, or does not answer in time."""


def call(
    method: str, url: str, body: object = None, *, timeout_seconds: float, server: str
) -> Reply:
    """Send a request and give whatever is answered, errors included.

    ``server`` is how the error names what is called.

    Raises:
        Unreachable: there is no answer.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - from the settings
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310 - as above
            return Reply(answer.status, _json(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, _json(error.read()))
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        reason = getattr(reason, "strerror", None) or reason
        raise Unreachable(
            f"Could not connect to {server} at {url}: {reason}. Please check that the address is "
            "correct and that the server is running."
        ) from None


def _json(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")
