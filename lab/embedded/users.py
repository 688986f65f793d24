"""Users of a secure lab's brokers: their SCRAM passwords, and what the guest may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.embedded.security import ADMIN, GUEST, GUEST_PREFIX, Security
from lab.readiness import ProofFailed

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

# The client library is loaded while the JVMs start.
# ruff: noqa: PLC0415

_SECONDS = 30.0
_ITERATIONS = 8192
EVERY_KIND = ("TOPIC", "GROUP", "TRANSACTIONAL_ID")


def create_users(bootstrap_servers: str, security: Security) -> None:
    """Give admin and guest SCRAM passwords and the guest its rights; harmless if they are there.

    Raises ProofFailed when the brokers refuse.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from lab import access

    settings = access.kafka_settings(bootstrap_servers)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0, **settings})
    try:
        for user in (ADMIN, GUEST):
            set_scram_password(admin, user, security.passwords[user])
        allow_prefix(admin, GUEST, GUEST_PREFIX)
    except KafkaException as error:
        raise ProofFailed(f"the brokers did not take the lab's users: {error}") from None


def set_scram_password(admin: AdminClient, user: str, password: str) -> None:
    """Have ``user`` log in with ``password`` by both SCRAM mechanisms. Raises KafkaException."""
    from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without __all__
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        wanted = UserScramCredentialUpsertion(
            user, ScramCredentialInfo(mechanism, _ITERATIONS), password.encode()
        )
        admin.alter_user_scram_credentials([wanted], request_timeout=_SECONDS)[user].result(
            _SECONDS
        )


def allow_prefix(
    admin: AdminClient, user: str, prefix: str, kinds: tuple[str, ...] = EVERY_KIND
) -> None:
    """Let ``user`` do everything with what begins with ``prefix``. Raises KafkaException."""
    from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without __all__
        AclBinding,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )

    bindings = [
        AclBinding(
            ResourceType[kind],
            prefix,
            ResourcePatternType.PREFIXED,
            f"User:{user}",
            "*",
            AclOperation.ALL,
            AclPermissionType.ALLOW,
        )
        for kind in kinds
    ]
    for answer in admin.create_acls(bindings, request_timeout=_SECONDS).values():
        answer.result(_SECONDS)
