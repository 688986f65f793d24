"""What lab/access.py knows of brokers, in the words of Java clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lab import access
from lab.errors import CapabilityMissing

_TAKEN_AS_THEY_ARE = ("security.protocol", "sasl.mechanism")
_OAUTH = "org.apache.kafka.common.security.oauthbearer"
_ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls"


@dataclass(frozen=True)
class JavaAccess:
    """Settings, secrets among them, and options that the JVM needs besides, without secrets."""

    settings: dict[str, str] = field(default_factory=dict, repr=False)
    jvm_options: tuple[str, ...] = ()


def java_access(bootstrap_servers: str) -> JavaAccess:
    """What a Java client of these brokers needs besides their addresses.

    Raises CapabilityMissing for a login that has no counterpart, or a key that cannot be read.
    """
    told = access.kafka_settings(bootstrap_servers)
    found = {name: told[name] for name in _TAKEN_AS_THEY_ARE if name in told}
    if "ssl.ca.location" in told:
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": told["ssl.ca.location"]}
    if told.get("ssl.endpoint.identification.algorithm") == "none":
        found["ssl.endpoint.identification.algorithm"] = ""
    if "ssl.certificate.location" in told:
        found |= _own_certificate(told)
    if "sasl.username" in told:
        found["sasl.jaas.config"] = access.jaas(
            told["sasl.mechanism"], told["sasl.username"], told.get("sasl.password", "")
        )
    if told.get("sasl.mechanism") != "OAUTHBEARER":
        return JavaAccess(found)
    if told.get("sasl.oauthbearer.method") != "oidc":
        raise CapabilityMissing("a Java client: no counterpart of OAUTHBEARER without an endpoint")
    url = told["sasl.oauthbearer.token.endpoint.url"]
    options = {
        "clientId": told["sasl.oauthbearer.client.id"],
        "clientSecret": told["sasl.oauthbearer.client.secret"],
    }
    if "sasl.oauthbearer.scope" in told:
        options["scope"] = told["sasl.oauthbearer.scope"]
    if "https.ca.location" in told:
        options |= {
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": told["https.ca.location"],
        }
    listed = " ".join(f"{name}={access.java_quoted(text)}" for name, text in options.items())
    found |= {
        "sasl.jaas.config": f"{_OAUTH}.OAuthBearerLoginModule required {listed};",
        "sasl.login.callback.handler.class": f"{_OAUTH}.OAuthBearerLoginCallbackHandler",
        "sasl.oauthbearer.token.endpoint.url": url,
    }
    # Since Kafka 4.0 a JVM asks no endpoint that is not named so.
    return JavaAccess(found, (f"-D{_ALLOWED_URLS}={url}",))


def _own_certificate(told: dict[str, str]) -> dict[str, str]:
    """The client's key and chain as text: Java wants PKCS#8, and both in one place."""
    from cryptography import x509  # noqa: PLC0415 - only for clients with a certificate
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate = Path(told["ssl.certificate.location"])
    secret = told.get("ssl.key.password")
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        key = load_pem_private_key(
            Path(told.get("ssl.key.location", certificate)).read_bytes(),
            secret.encode() if secret else None,
        )
    except (OSError, ValueError, TypeError) as error:
        raise CapabilityMissing(
            f"a Java client: the key of {certificate} cannot be read: {type(error).__name__}"
        ) from None
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pem = "".join(each.public_bytes(Encoding.PEM).decode() for each in chain)
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.key": own,
        "ssl.keystore.certificate.chain": pem,
    }
