"""One GET after the other to a REST component, with errors that say which layer failed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from lab import access
from lab.external.knocking import NotReached, check_tcp, check_tls, tls_problem

_ANSWER_SECONDS = 10.0
_HINTS = {
    401: "Check user and password (or token) of this part.",
    403: "The user is known, and has no right to this.",
    404: "The URL may lack a path, as https://host/apis/ccompat/v7.",
}


def _unanswered(address: str, url: str, error: BaseException) -> NotReached:
    """What a request came to that was not answered; alerts of TLS come in place of answers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return tls_problem(address, cause)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, requests.ReadTimeout):
        return NotReached("http", f"{url}: no answer within {_ANSWER_SECONDS:g} s")
    hint = "The port may want https, or be another service's."
    if url.startswith("https:"):
        hint = "It may want a client's certificate (certificate_file), or be another service."
    return NotReached("http", f"{url}: no answer to HTTP: the connection was closed", hint=hint)


@contextmanager
def asker(url: str) -> Iterator[Callable[[str], Any]]:
    """A function from a path to the parsed answer. It raises NotReached, as this does."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    if secure:
        check_tls(host, port, access.http_access(url))
    else:
        check_tcp(host, port)
    session = access.session_of(url)

    def ask(path: str) -> Any:
        try:
            answer = session.get(f"{url}{path}", timeout=_ANSWER_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise _unanswered(f"{host}:{port}", f"{url}{path}", error) from None
        if answer.status_code != 200:
            raise NotReached(
                "http",
                f"{url}{path}: HTTP {answer.status_code}",
                hint=_HINTS.get(answer.status_code),
            )
        try:
            return answer.json()
        except ValueError:
            raise NotReached("http", f"{url}{path}: the answer is no JSON") from None

    try:
        yield ask
    finally:
        session.close()
