"""The whole probe of one target: parts, rights, what follows for experiments; as JSON and text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lab import access
from lab.endpoints import Capabilities, Endpoints
from lab.errors import LabError
from lab.external import probing
from lab.external.entering import enter
from lab.external.model import Described
from lab.external.probing import BROKER, Brokers, Part

NOT_OURS = "nothing of a cluster that the lab did not start is stopped, paused or looked into"
NEEDED_RIGHTS = ("topic WRITE", "topic READ", "topic DESCRIBE", "topic DELETE")
"""On names with the prefix: no experiment goes without, or could be cleaned up after."""
_NOT_ASKED_FOR = 'not asked for: allow = ["{}"] in the target\'s description'


@dataclass(frozen=True)
class Probe:
    """What was found; ``brokers`` is None where they cannot be used."""

    target: Described
    endpoints: Endpoints
    brokers: Brokers | None
    parts: tuple[Part, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why experiments could not be run, or not all; empty if nothing is wrong."""
        found = [f"{part.role}: {part.problem}" for part in self.parts if part.problem]
        if self.brokers is None:
            return tuple(found)
        if not self.brokers.may_create_topics:
            found.append(
                f"broker: topics that begin with {self.target.prefix} may not be created: "
                f"{self.brokers.refusal}"
            )
        if lacking := self.brokers.lacks(*NEEDED_RIGHTS):
            found.append(
                f"broker: {', '.join(lacking)}: this user lacks the right on names that begin "
                f"with {self.target.prefix}"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The probe as data."""
        brokers = self.brokers
        return {
            "target": self.target.name,
            "prefix": self.target.prefix,
            "usable": not self.problems,
            "problems": list(self.problems),
            "components": [asdict(part) for part in self.parts],
            "cluster": None
            if brokers is None
            else {
                "id": brokers.cluster_id,
                "brokers": {str(node): at for node, at in sorted(brokers.nodes.items())},
                "release": brokers.understands.release,
                "features": dict(brokers.understands.features),
                "rights_on_cluster": None if brokers.rights is None else list(brokers.rights),
                "may_create_topics": brokers.may_create_topics,
                "refusal": brokers.refusal,
                "rights_on_names": dict(brokers.on_names),
            },
            "capabilities": None
            if brokers is None
            else capabilities(self.target, brokers).to_json(),
        }


def probe(target: Described) -> Probe:
    """Look at every part that is described; one that fails does not hide the others.

    Raises InvalidSetting for secrets and files that are not there.
    """
    endpoints = enter(target)
    servers = endpoints.bootstrap_servers
    brokers: Brokers | None = None
    try:
        brokers = probing.look_at_brokers(target)
    except LabError as error:
        parts = [Part("broker", servers, problem=access.redact(str(error)), hint=error.hint)]
    else:
        # Some requests go to the brokers' own addresses, which need not be among the first ones.
        access.remember_kafka(",".join(brokers.nodes.values()), access.kafka_settings(servers))
        understands = brokers.understands
        facts: dict[str, object] = {"brokers": len(brokers.nodes), "cluster": brokers.cluster_id}
        parts = [Part("broker", servers, BROKER, understands.release, facts=facts)]
    if endpoints.schema_registry_url:
        parts.append(probing.look_at_registry(endpoints.schema_registry_url))
    if endpoints.ksqldb_url:
        cluster = None if brokers is None else brokers.cluster_id
        parts.append(probing.look_at_ksqldb(endpoints.ksqldb_url, cluster))
    if endpoints.connect_url:
        parts.append(probing.look_at_connect(endpoints.connect_url))
    return Probe(target, endpoints, brokers, tuple(parts))


def capabilities(target: Described, brokers: Brokers) -> Capabilities:
    """What experiments may ask of this target, with the reason for each thing that they may not."""
    reasons = dict.fromkeys(
        ("kill", "pause", "restart", "broker_logs", "ksqldb_state", "registry_access_log"), NOT_OURS
    )
    reasons["more_brokers"] = "the lab adds no brokers to a cluster that it did not start"
    reasons["more_ksqldb_servers"] = "the lab adds no servers to a cluster that it did not start"
    several = "multi-broker" in target.allow
    if not several and len(brokers.nodes) > 1:
        reasons["more_brokers"] = _NOT_ASKED_FOR.format("multi-broker")
    disruptive = "disruptive" in target.allow
    if not disruptive:
        reasons["disruptive"] = _NOT_ASKED_FOR.format("disruptive")
    plain = not access.is_secured(target.kafka.bootstrap_servers)
    if not plain:
        reasons["proxy"] = "clients speak with TLS or log in: a proxy between could read nothing"
    transactions = all(
        brokers.understands.highest(api) is not None for api in ("InitProducerId", "EndTxn")
    )
    if not transactions:
        reasons["transactions"] = "the brokers do not understand transactions"
    elif brokers.lacks("transactional id WRITE"):
        transactions = False
        reasons["transactions"] = (
            f"this user lacks the right to transactional ids that begin with {target.prefix}"
        )
    return Capabilities(
        brokers=len(brokers.nodes) if several else 1,
        transactions=transactions,
        proxy=plain,
        disruptive=disruptive,
        name_prefix=target.prefix,
        reasons=reasons,
    )


def _told(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return str(value)


def lines(found: Probe, style: Callable[..., str]) -> list[str]:
    """The probe for people; ``style`` is click's, or does nothing."""
    width = max(len(part.role) for part in found.parts)
    listed = [f"Target {found.target.name} ({found.target.source})", ""]
    for part in found.parts:
        mark = style("✗", fg="red") if part.problem else style("✓", fg="green")
        what = f"{part.product} {part.version}".strip() or "not usable"
        listed.append(f"{mark} {part.role:<{width}}  {part.address}  {what}")
        facts = ", ".join(f"{key} {_told(value)}" for key, value in part.facts.items())
        if facts:
            listed.append(f"  {'':<{width}}  {facts}")
        if part.problem:
            listed.append(f"  {'':<{width}}  {style(part.problem, fg='red')}")
        if part.hint:
            listed.append(f"  {'':<{width}}  {style('try: ', fg='yellow')}{part.hint}")
    brokers = found.brokers
    if brokers is None:
        return listed
    rights = "not told to this user" if brokers.rights is None else ", ".join(brokers.rights)
    may = "may be created" if brokers.may_create_topics else f"refused: {brokers.refusal}"
    names = f"{found.target.prefix}…"
    lacking = ", ".join(right for right, has in brokers.on_names.items() if not has)
    listed += [
        "",
        f"Rights on the cluster     {rights or 'none'}",
        f"Topics {names:<18} {may} (asked without creating one)",
        f"Rights on {names:<15} {', '.join(r for r, has in brokers.on_names.items() if has)}",
        *([style(f"Missing on {names:<14} {lacking}", fg="red")] if lacking else []),
        f"All names begin with      {found.target.prefix}",
        "",
        "Experiments cannot have",
    ]
    offered = capabilities(found.target, brokers)
    for name, reason in sorted(offered.reasons.items()):
        listed.append(f"  {name:<22} {reason}")
    return listed
