"""From a description to what clients need: secrets looked up, addresses remembered."""

from __future__ import annotations

from pathlib import Path

from lab import access
from lab.access import HttpAccess
from lab.endpoints import Endpoints
from lab.errors import InvalidSetting
from lab.external.model import HTTP_SECTIONS, Described, HttpPart, KafkaPart
from lab.external.secrets import Secret


def endpoints_of(target: Described) -> Endpoints:
    """Where the target's components answer."""
    parts = (target.schema_registry, target.ksqldb, target.connect)
    urls = [None if part is None else part.url.rstrip("/") for part in parts]
    return Endpoints(target.kafka.bootstrap_servers, *urls)


def enter(target: Described) -> Endpoints:
    """Look the secrets up and have clients of these addresses use them; return the endpoints.

    Raises InvalidSetting for a secret or a file that is not there.
    """
    access.remember_kafka(target.kafka.bootstrap_servers, kafka_settings(target.kafka))
    for section in HTTP_SECTIONS:
        part = getattr(target, section)
        if part is not None:
            access.remember_http(part.url, http_access(section, part))
    return endpoints_of(target)


def kafka_settings(part: KafkaPart) -> dict[str, str]:
    """librdkafka's settings, secrets among them. Raises InvalidSetting."""
    layers = ("SASL_" if part.sasl_mechanism else "") + ("SSL" if part.tls else "PLAINTEXT")
    found: dict[str, str | None] = {
        "security.protocol": layers,
        "broker.address.family": "any",
        "ssl.ca.location": _file("kafka.ca_file", part.ca_file),
        "ssl.certificate.location": _file("kafka.certificate_file", part.certificate_file),
        # A file may hold both.
        "ssl.key.location": _file("kafka.key_file", part.key_file or part.certificate_file),
        "ssl.key.password": _secret("kafka.key_password", part.key_password),
        "ssl.endpoint.identification.algorithm": None if part.check_hostname else "none",
        "sasl.mechanism": part.sasl_mechanism,
        "sasl.username": part.user,
        "sasl.password": _secret("kafka.password", part.password),
    }
    if part.sasl_mechanism == "OAUTHBEARER":
        found |= {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": part.token_url,
            "sasl.oauthbearer.client.id": part.client_id,
            "sasl.oauthbearer.client.secret": _secret("kafka.client_secret", part.client_secret),
            "sasl.oauthbearer.scope": part.scope,
            "https.ca.location": _file("kafka.token_ca_file", part.token_ca_file),
        }
    for name, value in part.settings.items():
        setting = f"kafka.settings.{name}"
        found[name] = _secret(setting, value) if isinstance(value, Secret) else value
    return {name: value for name, value in found.items() if value is not None}


def http_access(section: str, part: HttpPart) -> HttpAccess:
    """What clients of a REST component need. Raises InvalidSetting."""
    return HttpAccess(
        user=part.user,
        password=_secret(f"{section}.password", part.password),
        token=_secret(f"{section}.token", part.token),
        ca_file=_file(f"{section}.ca_file", part.ca_file),
        certificate_file=_file(f"{section}.certificate_file", part.certificate_file),
        key_file=_file(f"{section}.key_file", part.key_file),
    )


def _secret(setting: str, secret: Secret | None) -> str | None:
    return None if secret is None else secret.resolve(setting)


def _file(setting: str, path: str | None) -> str | None:
    if path is None:
        return None
    found = Path(path).expanduser().absolute()
    try:
        found.read_bytes()
    except OSError as error:
        raise InvalidSetting(setting, f"{found} cannot be read: {error.strerror}") from None
    return str(found)
