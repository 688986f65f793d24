"""What an experiment may know of a target: where it answers, what it is, what it can be asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from lab.errors import CapabilityMissing

Role = Literal["broker", "schema-registry", "ksqldb", "connect"]


@dataclass(frozen=True)
class Endpoints:
    """Where the components answer. A component that the target does not have is None."""

    bootstrap_servers: str
    schema_registry_url: str | None = None
    ksqldb_url: str | None = None
    connect_url: str | None = None

    def to_env(self) -> dict[str, str]:
        """The endpoints as environment variables; a missing component is an empty string."""
        return {
            "LAB_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "LAB_SCHEMA_REGISTRY_URL": self.schema_registry_url or "",
            "LAB_KSQLDB_URL": self.ksqldb_url or "",
            "LAB_CONNECT_URL": self.connect_url or "",
        }


@dataclass(frozen=True)
class ComponentInfo:
    """What a component says it is.

    ``name`` is the lab's handle for it ("broker-1", "schema-registry", "ksqldb"); ``product`` and
    ``version`` are what the component itself reports, and are what evidence quotes.
    """

    name: str
    role: Role
    product: str
    version: str
    url: str


@dataclass(frozen=True)
class Capabilities:
    """What may be asked of a target. Each ``False`` or None needs a reason in ``reasons``.

    ``proxy``: clients reach the brokers without TLS, so that a proxy can read what they say.
    ``more_brokers``: a lab of three brokers can be started beside this one.
    ``broker_logs``: the partitions' folders on the brokers' disks can be read.
    ``ksqldb_state``: the local state of ksqlDB nodes can be copied, and removed while they are
    down.
    ``more_ksqldb_servers``: further ksqlDB servers can be started on these brokers.
    ``disruptive``: experiments may alter what others use too.
    ``name_prefix``: what the name of everything that is created has to begin with.
    """

    brokers: int = 1
    kill: bool = False
    pause: bool = False
    restart: bool = False
    transactions: bool = True
    proxy: bool = False
    more_brokers: bool = False
    more_ksqldb_servers: bool = False
    broker_logs: bool = False
    ksqldb_state: bool = False
    registry_access_log: Path | None = None
    disruptive: bool = True
    name_prefix: str = ""
    reasons: dict[str, str] = field(default_factory=dict)

    def require(self, capability: str) -> None:
        """Raise CapabilityMissing, with the target's reason, unless ``capability`` is there."""
        if not getattr(self, capability):
            reason = self.reasons.get(capability, "this target does not offer it")
            raise CapabilityMissing(f"{capability}: {reason}")

    def to_json(self) -> dict[str, object]:
        """The capabilities as JSON-ready data, paths as strings."""
        data = asdict(self)
        log = self.registry_access_log
        data["registry_access_log"] = str(log) if log is not None else None
        return data
