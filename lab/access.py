"""How clients get in: which credentials and certificates belong to which address. The one place.

Whoever connects to a target remembers here what its addresses ask for; clients look it up by the
address that they were given, so that nobody hands secrets around. Child processes get it by the
environment variable ``LAB_ACCESS``: nothing of it ever stands on a command line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

VARIABLE = "LAB_ACCESS"
HIDDEN = "•••"
_SHORTEST_HIDDEN = 6
"""Shorter secrets would hide ordinary words of a text."""
_SECRET_WORDS = ("password", "secret", "token", "jaas")


@dataclass(frozen=True)
class HttpAccess:
    """What a REST component asks for: a user or a token, an authority, a client's certificate.

    Files are in PEM. Without ``ca_file`` the usual authorities are trusted.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password, if that is what is asked for."""
        return None if self.user is None else (self.user, self.password or "")

    @property
    def headers(self) -> dict[str, str]:
        """The header of a bearer token, if there is one."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    @property
    def certificate(self) -> str | tuple[str, str] | None:
        """The client's certificate as HTTP libraries take it."""
        if self.certificate_file is None or self.key_file is None:
            return self.certificate_file
        return (self.certificate_file, self.key_file)


NO_ACCESS = HttpAccess()


class _Book:
    def __init__(self) -> None:
        self.kafka: dict[str, dict[str, str]] = {}
        self.http: dict[str, HttpAccess] = {}
        self.read = ""

    def refresh(self) -> None:
        """Take over what a parent process handed on."""
        told = os.environ.get(VARIABLE, "")
        if told == self.read:
            return
        data: dict[str, Any] = json.loads(told) if told else {}
        self.kafka = dict(data.get("kafka", {}))
        self.http = {url: HttpAccess(**each) for url, each in data.get("http", {}).items()}
        self.read = told

    def hand_on(self) -> None:
        data = {"kafka": self.kafka, "http": {u: asdict(each) for u, each in self.http.items()}}
        self.read = os.environ[VARIABLE] = json.dumps(data)


_BOOK = _Book()


def remember_kafka(bootstrap_servers: str, settings: Mapping[str, str]) -> None:
    """Clients of these addresses need ``settings``, in librdkafka's words."""
    _BOOK.refresh()
    for address in _addresses(bootstrap_servers):
        _BOOK.kafka[address] = dict(settings)
    _BOOK.hand_on()


def remember_http(url: str, access: HttpAccess) -> None:
    """Clients of this URL's server need ``access``."""
    _BOOK.refresh()
    _BOOK.http[_origin(url)] = access
    _BOOK.hand_on()


def forget_all() -> None:
    """Forget everything, here and for processes to come."""
    os.environ.pop(VARIABLE, None)
    _BOOK.refresh()


def kafka_settings(bootstrap_servers: str) -> dict[str, str]:
    """What a client of these brokers needs besides their addresses, in librdkafka's words."""
    _BOOK.refresh()
    for address in _addresses(bootstrap_servers):
        if address in _BOOK.kafka:
            return dict(_BOOK.kafka[address])
    return {}


def is_secured(bootstrap_servers: str) -> bool:
    """Whether these brokers are reached by TLS or SASL."""
    protocol = kafka_settings(bootstrap_servers).get("security.protocol", "PLAINTEXT")
    return protocol.upper() != "PLAINTEXT"


def jaas(mechanism: str, user: str, password: str) -> str:
    """A Java client's login configuration."""
    kind = "plain.Plain" if mechanism == "PLAIN" else "scram.Scram"
    return (
        f"org.apache.kafka.common.security.{kind}LoginModule required "
        f"username={java_quoted(user)} password={java_quoted(password)};"
    )


def http_access(url: str) -> HttpAccess:
    """What a client of this URL needs; nothing where nothing is known."""
    _BOOK.refresh()
    return _BOOK.http.get(_origin(url), NO_ACCESS)


def session_of(url: str) -> Any:
    """A ``requests`` session for this URL's server, with what it asks for."""
    import requests  # noqa: PLC0415 - loaded while JVMs start

    found = http_access(url)
    session = requests.Session()
    session.trust_env = False
    session.auth = found.basic
    session.headers.update(found.headers)
    session.verify = found.ca_file or True
    session.cert = found.certificate
    return session


def redact(text: str) -> str:
    """The text with every secret that is known here hidden."""
    for secret in _secrets():
        for form in {
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }:
            text = text.replace(form, HIDDEN)
    return text


def names_a_secret(setting: str) -> bool:
    """Whether a setting of this name holds a secret; key files and URLs do not."""
    name = setting.lower()
    if name.endswith((".location", "_file", ".url", "_url", ".method")):
        return False
    return any(word in name for word in _SECRET_WORDS) or name.endswith((".pem", "_pem"))


def _secrets() -> list[str]:
    _BOOK.refresh()
    found = {
        value
        for settings in _BOOK.kafka.values()
        for name, value in settings.items()
        if names_a_secret(name)
    }
    for access in _BOOK.http.values():
        found |= {secret for secret in (access.password, access.token) if secret}
    return sorted((s for s in found if len(s) >= _SHORTEST_HIDDEN), key=len, reverse=True)


def _addresses(bootstrap_servers: str) -> list[str]:
    return [part.strip().lower() for part in bootstrap_servers.split(",") if part.strip()]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.hostname}:{parts.port or (443 if scheme == 'https' else 80)}"


def java_quoted(text: str) -> str:
    """Text as a value of a Java login configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
