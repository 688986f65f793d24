"""A certificate for loopback that signs itself, made for one test run."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

PASSWORD = "store-secret"


@dataclass(frozen=True)
class Certificate:
    """Files: the certificate alone, with its key, and both as a PKCS12 store."""

    authority: Path
    pem: Path
    pkcs12: Path


def certificate(folder: Path) -> Certificate:
    """Make one for 127.0.0.1 and localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), address]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    own = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    secret = serialization.BestAvailableEncryption(PASSWORD.encode())
    files = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.p12")
    files.authority.write_bytes(text)
    files.pem.write_bytes(own + text)
    files.pkcs12.write_bytes(
        pkcs12.serialize_key_and_certificates(b"server", key, made, None, secret)
    )
    return files
