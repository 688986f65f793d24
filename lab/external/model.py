"""A described cluster: plain data, in which a secret is where it comes from and not what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lab.external.secrets import Secret

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
MECHANISMS: tuple[Mechanism, ...] = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
ALLOWANCES = ("disruptive", "multi-broker")
"""What nobody gets without having asked for it: experiments that alter what others use too, and
those that need several brokers."""
DEFAULT_PREFIX = "lab-"
HTTP_SECTIONS = ("schema_registry", "ksqldb", "connect")


@dataclass(frozen=True)
class KafkaPart:
    """The brokers. Files are in PEM; ``settings`` are further ones, in librdkafka's words.

    With OAUTHBEARER ``token_url``, ``client_id`` and ``client_secret`` say where tokens are had,
    ``token_ca_file`` by whose authority (by default those that the system knows).
    """

    bootstrap_servers: str
    tls: bool = False
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: Secret | None = None
    check_hostname: bool = True
    sasl_mechanism: Mechanism | None = None
    user: str | None = None
    password: Secret | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None
    token_ca_file: str | None = None
    settings: Mapping[str, str | Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class HttpPart:
    """A REST component: with user and password (or API key and secret), or a bearer token."""

    url: str
    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class Described:
    """One external target. ``source`` says where the description was read, for people."""

    name: str
    source: str
    kafka: KafkaPart
    schema_registry: HttpPart | None = None
    ksqldb: HttpPart | None = None
    connect: HttpPart | None = None
    prefix: str = DEFAULT_PREFIX
    allow: frozenset[str] = frozenset()
