"""A broker with a listener for each way in, good or bad, and the authority that all trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.embedded.certificates import new_authority, signed, write_private
from lab.embedded.outfit import Outfit

from .ports import next_port
from .scratch_broker import scratch_broker
from .token_endpoint import AUDIENCE, ISSUER, TokenEndpoint, token_endpoint

CLIENT_ID, CLIENT_SECRET = "tests-client", "client-secret-of-tests"
API_KEY, API_SECRET = "ABCDEFGH12345678", "api-secret-of-the-tests"
_PROTOCOLS = {
    "EXPIRED": "SSL",
    "OTHER": "SSL",
    "MUTUAL": "SSL",
    "TOKENS": "SASL_SSL",
    "KEYS": "SASL_SSL",
}
_OAUTH = "org.apache.kafka.common.security.oauthbearer"


@dataclass(frozen=True)
class Doors:
    """The addresses by the names of the listeners; files by what is in them."""

    plain: str
    at: Mapping[str, str]
    folder: Path
    tokens: TokenEndpoint

    def file(self, name: str) -> str:
        """A PEM file: ca, me (signed by ca), stranger (signed by nobody who is known)."""
        return str(self.folder / f"{name}.pem")

    def description(self, listener: str, **kafka: Any) -> dict[str, Any]:
        """A target's description for a listener."""
        own: dict[str, Any] = {
            "EXPIRED": {},
            "OTHER": {},
            "MUTUAL": {"certificate_file": self.file("me")},
            "TOKENS": {
                "sasl_mechanism": "OAUTHBEARER",
                "token_url": self.tokens.url,
                "token_ca_file": self.file("ca"),
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": "kafka",
            },
            "KEYS": {"api_key": API_KEY, "api_secret": API_SECRET},
        }[listener]
        common = {"bootstrap_servers": self.at[listener], "ca_file": self.file("ca")}
        given = {**common, **own, **kafka}
        return {"kafka": {key: value for key, value in given.items() if value is not None}}


@contextmanager
def doors(outfit: Outfit, folder: Path) -> Iterator[Doors]:
    """Start the broker and the token endpoint."""
    folder.mkdir(parents=True)
    authority, unknown = new_authority("tests"), new_authority("tests")
    here = ("127.0.0.1", "localhost")
    for name, signer, hosts, days in (
        ("server", authority, here, 1.0),
        ("expired", authority, here, -1.0),
        ("other", authority, ("somewhere-else.invalid",), 1.0),
        ("me", authority, ("me",), 1.0),
        ("late", authority, ("me",), -1.0),
        ("stranger", unknown, ("me",), 1.0),
    ):
        write_private(folder / f"{name}.pem", signed(signer, name, hosts, days=days))
    write_private(folder / "ca.pem", authority.pem)
    at = {name: f"127.0.0.1:{next_port()}" for name in _PROTOCOLS}
    with (
        token_endpoint(CLIENT_ID, CLIENT_SECRET, folder / "server.pem") as tokens,
        scratch_broker(
            outfit,
            folder / "node",
            _settings(folder, at, tokens),
            (f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={tokens.keys_url}",),
        ) as plain,
    ):
        yield Doors(plain, at, folder, tokens)


def _settings(folder: Path, at: Mapping[str, str], tokens: TokenEndpoint) -> dict[str, str]:
    listeners = ",".join(f"{name}://{address}" for name, address in at.items())
    settings = {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in _PROTOCOLS.items()),
    }
    for name in _PROTOCOLS:
        own = f"listener.name.{name.lower()}"
        pem = name.lower() if name in {"EXPIRED", "OTHER"} else "server"
        settings |= {
            f"{own}.ssl.keystore.type": "PEM",
            f"{own}.ssl.keystore.location": str(folder / f"{pem}.pem"),
            f"{own}.ssl.truststore.type": "PEM",
            f"{own}.ssl.truststore.location": str(folder / "ca.pem"),
        }
    keys, own = "listener.name.keys", "listener.name.tokens"
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    return settings | {
        "listener.name.mutual.ssl.client.auth": "required",
        f"{keys}.sasl.enabled.mechanisms": "PLAIN",
        f"{keys}.plain.sasl.jaas.config": f'{login} user_{API_KEY}="{API_SECRET}";',
        f"{own}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{own}.oauthbearer.sasl.jaas.config": f"{_OAUTH}.OAuthBearerLoginModule required;",
        f"{own}.oauthbearer.sasl.server.callback.handler.class": (
            f"{_OAUTH}.OAuthBearerValidatorCallbackHandler"
        ),
        f"{own}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": tokens.keys_url,
        f"{own}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{own}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
    }
