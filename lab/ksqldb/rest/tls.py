"""TLS of the server's own listeners, by ksqlDB's ``ssl.*`` properties."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab.ksqldb.errors import KsqlError, StartError
from lab.ksqldb.jvm import keystores

_CLIENTS = {
    "NONE": ssl.CERT_NONE,
    "REQUESTED": ssl.CERT_OPTIONAL,
    "REQUIRED": ssl.CERT_REQUIRED,
}
_VERSIONS = {"TLSV1.2": ssl.TLSVersion.TLSv1_2, "TLSV1.3": ssl.TLSVersion.TLSv1_3}


def context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """The server's side of TLS: HTTP/2 and HTTP/1.1 are offered.

    ``ssl.keystore.location`` is a PEM file with key and certificates, or a JKS or PKCS12 store.

    Raises:
        StartError: a property is missing or wrong; names it.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version, made.maximum_version = _versions(properties)
    made.set_alpn_protocols(["h2", "http/1.1"])
    _own_key(made, properties)
    asked = properties.get("ssl.client.authentication", "NONE").upper()
    if properties.get("ssl.client.auth", "false").lower() == "true":
        asked = "REQUIRED"
    if asked not in _CLIENTS:
        raise StartError(f"ssl.client.authentication: {asked} is none of {', '.join(_CLIENTS)}")
    made.verify_mode = _CLIENTS[asked]
    if asked != "NONE":
        pem = _pem(properties, "truststore", "certificates of clients")
        try:
            made.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError) as error:
            raise StartError(f"ssl.truststore.location: no certificates: {error}") from None
    return made


def client_context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """The client's side of TLS, for requests to other nodes.

    Their certificates must be among those of ``ssl.truststore.location``, or the machine's; the
    own key is shown to those that want one.

    Raises:
        StartError: a property is wrong; names it.
    """
    trusted = None
    if properties.get("ssl.truststore.location"):
        trusted = _pem(properties, "truststore", "certificates of other nodes")
    try:
        made = ssl.create_default_context(cadata=trusted)
    except (ssl.SSLError, ValueError) as error:
        raise StartError(f"ssl.truststore.location: no certificates: {error}") from None
    made.minimum_version, made.maximum_version = _versions(properties)
    made.check_hostname = properties.get("ssl.endpoint.identification.algorithm", "https") != ""
    if properties.get("ssl.keystore.location"):
        _own_key(made, properties)
    return made


def _versions(properties: Mapping[str, str]) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
    names = properties.get("ssl.enabled.protocols", "TLSv1.2,TLSv1.3").split(",")
    try:
        versions = sorted(_VERSIONS[n.strip().upper()] for n in names)
    except KeyError as error:
        raise StartError(f"ssl.enabled.protocols: {error.args[0]} is not supported") from None
    return versions[0], versions[-1]


def _own_key(made: ssl.SSLContext, properties: Mapping[str, str]) -> None:
    pem = _pem(properties, "keystore", "an https listener")
    secret = properties.get("ssl.key.password", properties.get("ssl.keystore.password", ""))
    # OpenSSL reads keys from files only; this one is nobody else's and gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        try:
            made.load_cert_chain(file.name, password=lambda: secret)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise StartError(
                f"ssl.keystore.location: no key with its certificate, or a wrong password: {error}"
            ) from None


def _pem(properties: Mapping[str, str], store: str, for_: str) -> str:
    name = f"ssl.{store}.location"
    location = properties.get(name)
    if not location:
        raise StartError(f"{name} is needed for {for_}")
    path = Path(location)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StartError(f"{name}: {error.strerror}: {location}") from None
    kind = properties.get(f"ssl.{store}.type", "").upper()
    if kind not in {"", "PEM", "JKS", "PKCS12"}:
        raise StartError(f"ssl.{store}.type: {kind} is none of PEM, JKS, PKCS12")
    if kind == "PEM" or (not kind and b"-----BEGIN" in data):
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise StartError(f"{name}: {location} is no PEM file") from None
    secret = properties.get(f"ssl.{store}.password", "")
    try:
        return keystores.as_pem(path, secret, properties.get("ssl.key.password", secret))
    except KsqlError as error:
        raise StartError(f"{name}: {location}: {error.message}") from None
