"""Tokens for logins by OAUTHBEARER: asked for as librdkafka's "oidc" method asks for them.

Source: RFC 6749, section 4.4 (client credentials: basic authentication, ``grant_type`` and
``scope`` in a form). librdkafka and Java clients fetch tokens of their own; these are for requests
of the lab's own, and show what is wrong before a client library is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from lab import access
from lab.clients.errors import ClientError, Unreachable
from lab.errors import CapabilityMissing

_SECONDS = 10.0
_BEFORE_ITS_END = 30.0
_LIFE_SECONDS = 300.0
_ENDPOINT = "sasl.oauthbearer.token.endpoint.url"
_ASKED_WITH = (
    _ENDPOINT,
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.scope",
    "https.ca.location",
)


class TokenRefused(ClientError):
    """The token endpoint gave no token; ``status`` is its HTTP answer's, 0 for one that is none."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


_kept: dict[tuple[str, ...], tuple[str, float]] = {}
_lock = threading.Lock()


def token(settings: Mapping[str, str], *, fresh: bool = False) -> str:
    """An access token by librdkafka's settings; one that was had before, while it is valid.

    Raises Unreachable, TokenRefused, and CapabilityMissing for settings that name no endpoint.
    """
    if settings.get("sasl.oauthbearer.method") != "oidc" or _ENDPOINT not in settings:
        raise CapabilityMissing("requests of the lab's own need a token endpoint to log in")
    key = tuple(settings.get(name, "") for name in _ASKED_WITH)
    with _lock:
        found, end = _kept.get(key, ("", 0.0))
        if fresh or time.monotonic() >= end:
            found, seconds = _asked(*key)
            _kept[key] = found, time.monotonic() + max(0.0, seconds - _BEFORE_ITS_END)
    return found


def _asked(url: str, client: str, secret: str, scope: str, ca_file: str) -> tuple[str, float]:
    import requests  # noqa: PLC0415 - only for tokens

    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                url,
                data=form,
                auth=(client, secret),
                timeout=_SECONDS,
                verify=ca_file or True,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"token endpoint {url}: no answer: {_why(error)}") from None
    told = _json(answer)
    if answer.status_code != 200:
        said = told.get("error_description") or told.get("error") or answer.reason
        text = access.redact(f"token endpoint {url}: HTTP {answer.status_code}: {said}")
        raise TokenRefused(text, status=answer.status_code)
    found = told.get("access_token")
    if not isinstance(found, str) or not found:
        raise TokenRefused(f"token endpoint {url}: the answer holds no access_token", status=0)
    life = told.get("expires_in")
    return found, float(life) if isinstance(life, int | float) else _LIFE_SECONDS


def _json(answer: Any) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _why(error: Exception) -> str:
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return str(getattr(cause, "strerror", None) or cause) or type(error).__name__
