"""A secure lab: TLS and logins before brokers, registry and ksqlDB, rights in the brokers.

``admin`` may do everything; the lab's own components are admin too. ``guest`` may do what it likes
with topics, groups and transactional ids that begin with ``guest-``, and with the registry, which
knows users and no rights; nothing else. Everything secret is in the folder ``secure`` of the lab,
which only its owner can read.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lab import access
from lab.access import HttpAccess
from lab.embedded import certificates
from lab.embedded.certificates import write_private

ADMIN = "admin"
GUEST = "guest"
GUEST_PREFIX = "guest-"
LISTENER = "SASL_SSL"
BROKER_NAME = "broker"
REGISTRY_NAME = "schema-registry"
_RENEW_BEFORE = datetime.timedelta(days=30)
_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


@dataclass(frozen=True)
class Security:
    """A secure lab's files and passwords (user → password; that of ``broker`` is its own)."""

    folder: Path
    passwords: dict[str, str] = field(repr=False)

    @property
    def ca_file(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.pem"

    def key_file(self, name: str) -> Path:
        """A component's key with its certificate."""
        return self.folder / f"{name}.pem"

    @property
    def users_file(self) -> Path:
        """ksqlDB's users."""
        return self.folder / "ksqldb-users.properties"


def ensure(folder: Path, host: str) -> Security:
    """The security of a lab; made when there is none yet, renewed when it runs out.

    Passwords stay when certificates are renewed.
    """
    found = load(folder)
    if (
        found is not None
        and found.key_file(REGISTRY_NAME).exists()
        and certificates.expires(found.ca_file) > _soon()
        and host in certificates.hosts_of(found.key_file(BROKER_NAME))
    ):
        return found
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    authority = certificates.new_authority("kafka-lab")
    hosts = tuple(dict.fromkeys((host, "127.0.0.1", "localhost")))
    for name in (BROKER_NAME, REGISTRY_NAME, "ksqldb"):
        pem = certificates.signed(authority, name, hosts, days=certificates.VALID_DAYS)
        write_private(folder / f"{name}.pem", pem)
    passwords = (
        found.passwords
        if found is not None
        else {user: secrets.token_urlsafe(18) for user in (ADMIN, GUEST, BROKER_NAME)}
    )
    made = Security(folder, passwords)
    users = f"{ADMIN}: {passwords[ADMIN]},admin\n"
    write_private(made.users_file, users.encode())
    write_private(folder / "passwords.json", json.dumps(passwords).encode())
    # Last, as the sign that all the rest is there.
    write_private(made.ca_file, authority.pem)
    return made


def load(folder: Path) -> Security | None:
    """The security that was made for a lab, or None."""
    try:
        passwords = json.loads((folder / "passwords.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Security(folder, passwords) if (folder / "ca.pem").exists() else None


def _soon() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + _RENEW_BEFORE


def broker_properties(security: Security, host: str, client_port: int) -> dict[str, str]:
    """What a node of a secure lab has in place of, and besides, an open one's properties.

    Controllers know each other by certificates: logins by SCRAM are in the very metadata that they
    keep. Brokers log in to each other with PLAIN for the same reason.
    """
    plain = access.jaas("PLAIN", BROKER_NAME, security.passwords[BROKER_NAME]).removesuffix(";")
    for user, password in sorted(security.passwords.items()):
        if user != GUEST:
            plain += f' user_{user}="{password}"'
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    listener = f"listener.name.{LISTENER.lower()}"
    return {
        "advertised.listeners": f"{LISTENER}://{host}:{client_port}",
        "listener.security.protocol.map": f"{LISTENER}:SASL_SSL,CONTROLLER:SSL",
        "inter.broker.listener.name": LISTENER,
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        f"{listener}.plain.sasl.jaas.config": f"{plain};",
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(security.key_file(BROKER_NAME)),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(security.ca_file),
        "listener.name.controller.ssl.client.auth": "required",
        "authorizer.class.name": _AUTHORIZER,
        "super.users": f"User:{ADMIN};User:{BROKER_NAME};User:CN={BROKER_NAME}",
        "allow.everyone.if.no.acl.found": "false",
    }


def registry_properties(security: Security) -> dict[str, str]:
    """What the registry of a secure lab is told, in Quarkus's words: TLS only, and users."""
    pem = str(security.key_file(REGISTRY_NAME))
    users = "quarkus.security.users.embedded"
    everything = "quarkus.http.auth.permission.everything"
    return {
        "quarkus.http.insecure-requests": "disabled",
        "quarkus.tls.key-store.pem.lab.cert": pem,
        "quarkus.tls.key-store.pem.lab.key": pem,
        f"{users}.plain-text": "true",
        **{f"{users}.users.{user}": security.passwords[user] for user in (ADMIN, GUEST)},
        **{f"{users}.roles.{user}": user for user in (ADMIN, GUEST)},
        f"{everything}.paths": "/*",
        f"{everything}.policy": "authenticated",
        f"{everything}.auth-mechanism": "basic",
    }


def ksqldb_properties(
    security: Security, host: str, port: int, registry_url: str
) -> dict[str, str]:
    """What a ksqlDB-compatible server of a secure lab is told: as a server, and as a client."""
    return {
        "listeners": f"https://{host}:{port}",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(security.key_file("ksqldb")),
        "authentication.method": "BASIC",
        "authentication.users.file": str(security.users_file),
        "ksql.schema.registry.url": registry_url,
        "ksql.schema.registry.basic.auth.user.info": f"{ADMIN}:{security.passwords[ADMIN]}",
        "ksql.schema.registry.ssl.truststore.type": "PEM",
        "ksql.schema.registry.ssl.truststore.location": str(security.ca_file),
        **{
            f"ksql.streams.{name}": value
            for name, value in {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.jaas.config": access.jaas("PLAIN", ADMIN, security.passwords[ADMIN]),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(security.ca_file),
            }.items()
        },
    }


def client_settings(security: Security, user: str, mechanism: str) -> dict[str, str]:
    """librdkafka's settings for a user of the lab's brokers."""
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(security.ca_file),
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": security.passwords[user],
    }


def remember(security: Security, bootstrap_servers: str, urls: Iterable[str]) -> None:
    """Have this process's clients of the lab be its admin."""
    access.remember_kafka(bootstrap_servers, client_settings(security, ADMIN, "PLAIN"))
    for url in urls:
        known = HttpAccess(ADMIN, security.passwords[ADMIN], ca_file=str(security.ca_file))
        access.remember_http(url, known)


def describe_targets(security: Security, bootstrap_servers: str, urls: dict[str, str]) -> None:
    """Write admin.toml and guest.toml, to be given to ``lab target add --file``.

    ``urls`` are those of schema_registry and ksqldb, where there are any.
    """
    ca = json.dumps(str(security.ca_file))
    for user in (ADMIN, GUEST):
        text = (
            f"prefix = {json.dumps(GUEST_PREFIX if user == GUEST else 'lab-')}\n\n[kafka]\n"
            f"bootstrap_servers = {json.dumps(bootstrap_servers)}\nca_file = {ca}\n"
            f'sasl_mechanism = "SCRAM-SHA-512"\nuser = "{user}"\n'
            f"password = {json.dumps(security.passwords[user])}\n"
        )
        for section, url in urls.items():
            if section == "ksqldb" and user == GUEST:
                continue
            text += f"\n[{section}]\nurl = {json.dumps(url)}\n"
            if url.startswith("https:"):
                text += f'ca_file = {ca}\nuser = "{user}"\n'
                text += f"password = {json.dumps(security.passwords[user])}\n"
        write_private(security.folder / f"{user}.toml", text.encode())
