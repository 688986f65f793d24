"""S03. The registry manages compatibility: levels decide which changes of a schema pass.

Set-up    subjects with an Avro schema and the level BACKWARD
Action    for four kinds of change: ask for a check, then register
Observed  check and registration agree; what is incompatible is refused with 409 and leaves no
          version, what is compatible becomes version 2
Control   under level NONE the very same incompatible changes are let in
Limits    Avro, BACKWARD and NONE, four kinds of change: a part of the matrix of seven levels and
          three formats
"""

from __future__ import annotations

import json

import pytest

from lab.clients.names import CompatibilityLevel
from lab.clients.schema_registry import Answer, Compatibility, SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.checkers import refused_with
from lab.evidence.names import SubjectFactory
from lab.evidence.recorder import Evidence

ID = {"name": "id", "type": "int"}
NOTE = {"name": "note", "type": "string"}


def order(*fields: dict[str, str]) -> str:
    """An Avro schema of orders with these fields."""
    return json.dumps({"type": "record", "name": "Order", "fields": fields})


FIRST = order(ID, NOTE)
INCOMPATIBLE = {
    "add a field without a default": order(ID, NOTE, {"name": "amount", "type": "double"}),
    "change a type": order({"name": "id", "type": "string"}, NOTE),
}
COMPATIBLE = {
    "add a field with a default": order(
        ID, NOTE, {"name": "city", "type": "string", "default": ""}
    ),
    "remove a field": order(ID),
}


@claim("S03")
@pytest.mark.parametrize(("change", "schema"), INCOMPATIBLE.items(), ids=list(INCOMPATIBLE))
def test_an_incompatible_change_is_refused_and_leaves_no_version(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    evidence: Evidence,
    change: str,
    schema: str,
) -> None:
    # Set-up
    guarded, open_to_all = subject("guarded-value"), subject("open-value")
    set_up(registry, evidence, guarded, "BACKWARD")
    set_up(registry, evidence, open_to_all, "NONE")

    # Action
    check, registered = check_and_register(registry, evidence, guarded, change, schema)

    # Observed
    evidence.observe(
        "check and registration agree",
        {"check": check.compatible, "registration": registered.ok},
        expected={"check": False, "registration": False},
        says=f"BACKWARD: {change}: check and registration refused it",
    )
    evidence.observe(
        "the refusal's status",
        finding=evidence.finding(refused_with, action=f"register: {change}", status=409),
        says=f"HTTP {registered.status}",
    )
    evidence.observe(
        "the versions afterwards",
        registry.versions(guarded),
        expected=[1],
        says="no version was left behind",
    )

    # Control
    let_in = evidence.act(
        "application",
        f"register under NONE: {change}",
        open_to_all,
        lambda: registry.try_register(open_to_all, schema),
    )
    evidence.control(
        "the same change under NONE",
        {"status": let_in.status, "versions": registry.versions(open_to_all)},
        expected={"status": 200, "versions": [1, 2]},
        says=f"NONE: {change}: let in as version 2",
    )


@claim("S03")
@pytest.mark.parametrize(("change", "schema"), COMPATIBLE.items(), ids=list(COMPATIBLE))
def test_a_compatible_change_becomes_a_version(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    evidence: Evidence,
    change: str,
    schema: str,
) -> None:
    # Set-up
    guarded = subject("guarded-value")
    set_up(registry, evidence, guarded, "BACKWARD")

    # Action
    check, registered = check_and_register(registry, evidence, guarded, change, schema)

    # Observed
    evidence.observe(
        "check and registration agree, and a version was made",
        {"check": check.compatible, "registration": registered.ok}
        | {"versions": registry.versions(guarded)},
        expected={"check": True, "registration": True, "versions": [1, 2]},
        says=f"BACKWARD: {change}: check and registration let it in",
    )

    # Control
    opposite = INCOMPATIBLE["change a type"]
    evidence.control(
        "the same subject still refuses what is incompatible",
        evidence.act(
            "application",
            "register: change a type",
            guarded,
            lambda: registry.try_register(guarded, opposite),
        ).status,
        expected=409,
        says="the same subject refused an incompatible change with HTTP 409",
    )


def set_up(
    registry: SchemaRegistryClient, evidence: Evidence, subject: str, level: CompatibilityLevel
) -> None:
    """A subject with the first schema and this level."""
    evidence.act(
        "application",
        "register the first schema",
        subject,
        lambda: registry.register(subject, FIRST),
    )
    evidence.act(
        "application", f"set level {level}", subject, lambda: registry.set_level(level, subject)
    )


def check_and_register(
    registry: SchemaRegistryClient, evidence: Evidence, subject: str, change: str, schema: str
) -> tuple[Compatibility, Answer]:
    """Ask for a check of a change, then try to register it."""
    check = evidence.act(
        "application", f"check: {change}", subject, lambda: registry.check(subject, schema)
    )
    registered = evidence.act(
        "application",
        f"register: {change}",
        subject,
        lambda: registry.try_register(subject, schema),
    )
    return check, registered
