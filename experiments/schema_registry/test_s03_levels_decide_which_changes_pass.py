"""S03. The registry manages compatibility: seven levels decide which changes of a schema pass.

Set-up    for every kind of change (changes/*.toml, Avro, Protobuf and JSON Schema) and every one of
          the seven levels a subject of its own, with that level and the schema before the change
Action    ask for a check of the schema after the change, then register it
Observed  check and registration agree in every cell; what is refused is refused with 409 and leaves
          no version, what is let in becomes version 2; FULL lets in what BACKWARD and FORWARD both
          let in; the transitive levels decide alike while there is one version; and plain libraries
          that know no registry confirm the Avro and JSON decisions with bytes: after what BACKWARD
          let in, new readers read old values, after what FORWARD let in, old readers read new ones
Control   under level NONE each change that another level refused is let in as version 2
Limits    where Confluent's registry was recorded (16 kinds, 112 cells) its answers stand beside the
          cells, and differences are said, not judged; no library confirms the Protobuf decisions
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from lab.clients.errors import DeserializerFailed
from lab.clients.names import CompatibilityLevel, SchemaType
from lab.clients.plain import plain_avro, read_plain_avro, read_plain_json
from lab.clients.schema_registry import Answer, SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory
from lab.evidence.recorder import Evidence
from lab.evidence.tables import Cell, Tone

HERE = Path(__file__).parent
LEVELS: tuple[CompatibilityLevel, ...] = get_args(CompatibilityLevel)
GUARDING = tuple(level for level in LEVELS if level != "NONE")
RECORDED = json.loads((HERE / "recorded" / "compatibility.json").read_text())["cases"]
AT_ONCE = 4
"""How many cells are tried side by side, each in a subject of its own."""


@dataclass(frozen=True)
class Change:
    """A kind of change: the schema before and after it, and a value that each of them writes."""

    kind: str
    before: str
    after: str
    old: str | None = None
    new: str | None = None
    recorded: str | None = None


@dataclass(frozen=True)
class Tried:
    """A cell: what the registry answered to a check and to a registration, and what it kept."""

    check: Answer
    registration: Answer
    versions: tuple[int, ...]

    @property
    def allowed(self) -> object:
        """What the check said: whether the change may be made."""
        return self.check.fields().get("is_compatible") if self.check.ok else self.check.status

    @property
    def let_in(self) -> bool:
        """Whether the registration succeeded."""
        return self.registration.ok


Cells = Mapping[tuple[Change, CompatibilityLevel], Tried]


@claim("S03")
@pytest.mark.parametrize("schema_type", get_args(SchemaType))
def test_levels_decide_which_changes_pass(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    evidence: Evidence,
    schema_type: SchemaType,
) -> None:
    # Set-up
    changes = [Change(**entry) for entry in tomllib.loads(text_of(schema_type))["change"]]
    cell_names = [(change, level) for change in changes for level in LEVELS]
    subjects = {cell: subject(f"{n}-value") for n, cell in enumerate(cell_names)}

    # Action
    def tried(change: Change, level: CompatibilityLevel, client: SchemaRegistryClient) -> Tried:
        name = subjects[change, level]
        client.set_level(level, name)
        client.register(name, change.before, schema_type=schema_type)
        check = evidence.act(
            "application",
            f"check under {level}: {change.kind}",
            name,
            lambda: client.try_check(name, change.after, schema_type=schema_type),
        )
        registration = evidence.act(
            "application",
            f"register under {level}: {change.kind}",
            name,
            lambda: client.try_register(name, change.after, schema_type=schema_type),
        )
        return Tried(check, registration, tuple(client.versions(name)))

    cells: Cells = side_by_side(registry.url, tried, cell_names)

    # Observed
    evidence.observe(
        "cells in which check and registration differ",
        named(cells, lambda cell: cell.allowed is not cell.let_in),
        expected=[],
        says=f"{schema_type}: check and registration agreed in all {len(cells)} cells",
    )
    evidence.observe(
        "the statuses of refusals, and what they left behind",
        {(t.registration.status, t.versions) for t in cells.values() if not t.let_in},
        expected={(409, (1,))},
        says=f"{schema_type}: every refusal was a 409 and left no version",
    )
    evidence.observe(
        "what was let in became version 2",
        {(t.registration.status, t.versions) for t in cells.values() if t.let_in},
        expected={(200, (1, 2))},
        says=f"{schema_type}: what was let in became version 2",
    )
    evidence.observe(
        "changes for which the levels contradict each other",
        [change.kind for change in changes if contradictory(change, cells)],
        expected=[],
        says=f"{schema_type}: FULL decided as BACKWARD and FORWARD together, transitive as plain",
    )
    unconfirmed = [
        f"{level}: {change.kind}"
        for change in changes
        for level, read in (("BACKWARD", new_reads_old), ("FORWARD", old_reads_new))
        if schema_type != "PROTOBUF"
        and read(schema_type, change) is not cells[change, level].let_in  # type: ignore[index]
    ]
    if schema_type != "PROTOBUF":
        evidence.observe(
            "decisions that a plain library does not confirm",
            unconfirmed,
            expected=[],
            says=f"{schema_type}: a plain library read exactly what was let in",
        )

    # Control
    refused = {change for (change, _), cell in cells.items() if not cell.let_in}
    evidence.control(
        "the changes that another level refused, under NONE",
        Counter(cells[change, "NONE"].versions for change in refused),
        expected={(1, 2): len(refused)},
        says=f"{schema_type}: NONE let in all {len(refused)} changes that another level refused",
    )

    lay_out(evidence, schema_type, changes, cells)


def text_of(schema_type: SchemaType) -> str:
    """The kinds of change of a format."""
    return (HERE / "changes" / f"{schema_type.lower()}.toml").read_text(encoding="utf-8")


def side_by_side(
    url: str,
    call: Callable[[Change, CompatibilityLevel, SchemaRegistryClient], Tried],
    cells: Iterable[tuple[Change, CompatibilityLevel]],
) -> dict[tuple[Change, CompatibilityLevel], Tried]:
    """Call for every cell, a few at a time; each thread has a client of its own."""
    own = threading.local()
    clients: list[SchemaRegistryClient] = []

    def with_client(cell: tuple[Change, CompatibilityLevel]) -> Tried:
        if not hasattr(own, "client"):
            own.client = SchemaRegistryClient(url)
            clients.append(own.client)
        return call(*cell, own.client)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            listed = list(cells)
            return dict(zip(listed, pool.map(with_client, listed), strict=True))
    finally:
        for client in clients:
            client.close()


def named(cells: Cells, wanted: Callable[[Tried], bool]) -> list[str]:
    """The names of the cells that are wanted."""
    return [f"{level}: {change.kind}" for (change, level), t in cells.items() if wanted(t)]


def contradictory(change: Change, cells: Cells) -> bool:
    """Whether the levels' decisions on one change do not hang together."""
    let_in = {level: cells[change, level].let_in for level in LEVELS}
    return let_in["FULL"] != (let_in["BACKWARD"] and let_in["FORWARD"]) or any(
        let_in[level] != let_in[f"{level}_TRANSITIVE"]  # type: ignore[index]
        for level in ("BACKWARD", "FORWARD", "FULL")
    )


def new_reads_old(schema_type: SchemaType, change: Change) -> bool:
    """Whether a plain library reads the old value by the new schema."""
    return reads(schema_type, change.before, change.after, json.loads(change.old or ""))


def old_reads_new(schema_type: SchemaType, change: Change) -> bool:
    """Whether a plain library reads the new value by the old schema."""
    return reads(schema_type, change.after, change.before, json.loads(change.new or ""))


def reads(schema_type: SchemaType, writer: str, reader: str, value: Any) -> bool:
    """Write by one schema, which must succeed, and read by the other."""
    try:
        if schema_type == "AVRO":
            read_plain_avro(writer, plain_avro(writer, value), reader=reader)
        else:
            data = json.dumps(value).encode()
            assert read_plain_json(writer, data) == value
            read_plain_json(reader, data)
    except DeserializerFailed:
        return False
    return True


def lay_out(
    evidence: Evidence, schema_type: SchemaType, changes: list[Change], cells: Cells
) -> None:
    """The matrix as a table, Confluent's recorded answers beside it, and the differences."""
    rows: list[list[Cell | str]] = []
    for change in changes:
        answers = recorded(schema_type, change)
        row: list[Cell | str] = [change.kind]
        row += [cell_of(cells[change, level], answers.get(level)) for level in LEVELS]
        rows.append(row)
        differing = [
            level for level in answers if (answers[level] == 200) != cells[change, level].let_in
        ]
        if differing:
            here = "lets it in" if cells[change, differing[0]].let_in else "refuses it"
            there = "refused it" if here == "lets it in" else "let it in"
            evidence.limit(
                f"{schema_type}, {change.kind}: this registry {here} under"
                f" {', '.join(differing)}; Confluent's registry 7.9.0 {there}"
            )
    compared = sum(len(recorded(schema_type, change)) for change in changes)
    evidence.table(
        f"{schema_type}: which change passes under which level",
        ["Kind of change", *(level.replace("_", " ") for level in LEVELS)],
        rows,
        f"✓ let in as version 2, ✗ refused with 409. For {compared} cells the answer of Confluent"
        " Schema Registry 7.9.0 was recorded: it stands below, shaded where it was another",
    )


def recorded(schema_type: SchemaType, change: Change) -> dict[CompatibilityLevel, int]:
    """The statuses that Confluent's registry answered to the registration; empty without a case."""
    if change.recorded is None:
        return {}
    case = RECORDED[schema_type.lower()][change.recorded]
    assert (case["before"], case["after"]) == (change.before, change.after)
    return dict(case["registration"])


def cell_of(cell: Tried, confluent: int | None) -> Cell:
    """A cell of the table; ``confluent`` is the status that Confluent's registry answered."""
    text = "✓" if cell.let_in else f"✗ {cell.registration.status}"
    tone: Tone = "yes" if cell.let_in else "no"
    if confluent is None:
        return Cell(text, tone)
    if (confluent == 200) == cell.let_in:
        return Cell(text, tone, "Confluent too")
    return Cell(text, "odd", f"Confluent {'let it in' if confluent == 200 else 'refused it'}")
