"""S04. Transitive levels compare with every earlier version, the others with the latest only.

Set-up    for BACKWARD, FORWARD and FULL and for their transitive forms a subject each, with two
          versions and a third schema that fits the second one but not the first
Action    ask for a check against each single version, then register the third schema
Observed  under the plain level it passes and becomes version 3, although a check against version 1
          says that it does not fit; a plain library confirms that with bytes
Control   under the transitive level the same schema is refused with 409 and leaves no version
Limits    Avro only
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from lab.clients.errors import DeserializerFailed
from lab.clients.names import CompatibilityLevel, SubjectName
from lab.clients.plain import plain_avro, read_plain_avro
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory
from lab.evidence.recorder import Evidence

Fields = tuple[dict[str, str], ...]
X = {"name": "x", "type": "int"}
Y = {"name": "y", "type": "string"}
Y_OPTIONAL = {"name": "y", "type": "string", "default": ""}
Y_NUMBER = {"name": "y", "type": "int", "default": 0}


@dataclass(frozen=True)
class Evolution:
    """Three schemas in a row, and which of the first and the third cannot read the other's."""

    plain: CompatibilityLevel
    transitive: CompatibilityLevel
    schemas: tuple[str, str, str]
    writer: int
    reader: int
    value: dict[str, object]


def record(*fields: dict[str, object]) -> str:
    """An Avro schema with these fields."""
    return json.dumps({"type": "record", "name": "T", "fields": fields})


EVOLUTIONS = {
    "BACKWARD": Evolution(
        "BACKWARD",
        "BACKWARD_TRANSITIVE",
        (record({**X}), record({**X}, {**Y_OPTIONAL}), record({**X}, {**Y})),
        writer=0,
        reader=2,
        value={"x": 1},
    ),
    "FORWARD": Evolution(
        "FORWARD",
        "FORWARD_TRANSITIVE",
        (record({**X}, {**Y}), record({**X}, {**Y_OPTIONAL}), record({**X})),
        writer=2,
        reader=0,
        value={"x": 1},
    ),
    "FULL": Evolution(
        "FULL",
        "FULL_TRANSITIVE",
        (record({**X}, {**Y_OPTIONAL}), record({**X}), record({**X}, {**Y_NUMBER})),
        writer=0,
        reader=2,
        value={"x": 1, "y": "a"},
    ),
}


@claim("S04")
@pytest.mark.parametrize("evolution", EVOLUTIONS.values(), ids=list(EVOLUTIONS))
def test_transitive_levels_look_at_all_versions(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    evidence: Evidence,
    evolution: Evolution,
) -> None:
    # Set-up
    plain, transitive = subject("plain-value"), subject("transitive-value")
    first, second, third = evolution.schemas
    for name, level in ((plain, evolution.plain), (transitive, evolution.transitive)):
        registry.set_level(level, name)
        for number, schema in enumerate((first, second), start=1):
            evidence.act(
                "application",
                f"register version {number} under {level}",
                name,
                lambda name=name, schema=schema: registry.register(name, schema),  # type: ignore[misc]
            )

    # Action
    fits = {
        version: evidence.act(
            "application",
            f"check the third schema against version {version}",
            plain,
            lambda version=version: registry.check(plain, third, version=version).compatible,  # type: ignore[misc]
        )
        for version in (1, 2)
    }
    passed = register_third(registry, evidence, plain, third)

    # Observed
    evidence.observe(
        "which versions the third schema fits",
        fits,
        expected={1: False, 2: True},
        says=f"{evolution.plain}: the third schema fits version 2 and not version 1",
    )
    evidence.observe(
        "its registration under the plain level",
        passed,
        expected={"status": 200, "versions": [1, 2, 3]},
        says=f"{evolution.plain}: it passed and became version 3",
    )
    evidence.observe(
        "a plain library on the first and the third schema",
        reads(evolution),
        expected=False,
        says="the first and the third schema cannot read each other's bytes",
    )

    # Control
    evidence.control(
        "its registration under the transitive level",
        register_third(registry, evidence, transitive, third),
        expected={"status": 409, "versions": [1, 2]},
        says=f"{evolution.transitive}: the same schema was refused with 409",
    )


def register_third(
    registry: SchemaRegistryClient, evidence: Evidence, name: SubjectName, schema: str
) -> dict[str, object]:
    """Try to register the third schema; the status, and the versions afterwards."""
    answer = evidence.act(
        "application",
        "register the third schema",
        name,
        lambda: registry.try_register(name, schema),
    )
    return {"status": answer.status, "versions": registry.versions(name)}


def reads(evolution: Evolution) -> bool:
    """Whether the reader's schema reads what the writer's schema wrote."""
    writer, reader = evolution.schemas[evolution.writer], evolution.schemas[evolution.reader]
    try:
        read_plain_avro(writer, plain_avro(writer, evolution.value), reader=reader)
    except DeserializerFailed:
        return False
    return True
