"""Q11. Formats without the registry work within limits.

Set-up    the formats that keep no schemas in the registry, KAFKA, DELIMITED, JSON and
          PROTOBUF_NOSR, and NONE; each pair of a key and a value format gets a stream of its own
Action    for each pair: declare the stream, insert a row, read it, declare a stream without
          columns over it, group it and join it with a table; then the statements that the formats
          have no room for; in a second test the pairs again, with the registry killed
Observed  what the documentation lets through is accepted, the record in the topic is what a plain
          reader of the format expects, the rows are right, with the registry up or dead; KAFKA
          holds one primitive column, DELIMITED no nested types, NONE no columns at all, none of
          them infers anything; each refusal is a 400 whose message names the reason
Control   JSON holds nested values and keys and several columns, inserted and read back; with the
          registry dead the formats that need it are refused, and accepted when it is back
Limits    where ksqlDB 7.9.0 was recorded (12 refusals) its words stand beside these; NONE as a
          value format is documented as not supported, and is only declared here
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName, TopicName
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.encoding import cut
from lab.evidence.faults import Faults
from lab.evidence.format_bytes import REGISTRY_FORMATS
from lab.evidence.format_matrix import (
    ALL_PAIRS,
    CHEAP,
    OPERATIONS,
    Cells,
    FormatTrial,
    Operation,
    Pair,
    differing,
    rows_of,
)
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell

RECORDED = json.loads(
    (Path(__file__).parent / "recorded" / "format_refusals.json").read_text(encoding="utf-8")
)["cases"]

PLAIN_PAIRS = [pair for pair in ALL_PAIRS if not pair.needs_registry]
WITH_QUERIES = [
    Pair("KAFKA", "JSON"),
    Pair("DELIMITED", "KAFKA"),
    Pair("JSON", "DELIMITED"),
    Pair("PROTOBUF_NOSR", "PROTOBUF_NOSR"),
    Pair("NONE", "JSON"),
]
"""Pairs in which each format stands once as a key's and once as a value's: those get queries."""

NESTED = "ar ARRAY<INT>, m MAP<VARCHAR, INT>, st STRUCT<x INT, y STRUCT<z VARCHAR>>"
NESTED_VALUES = "ARRAY[1, 2], MAP('q' := 5), STRUCT(x := 1, y := STRUCT(z := 'zz'))"


@dataclass(frozen=True)
class Refusable:
    """A statement that a format has no room for, and words that its refusal must have."""

    sql: str
    words: tuple[str, ...]
    recorded: str | None = None


def more_refusals() -> list[Refusable]:
    """Statements beside the recorded ones; ``X1`` is the name of a source, ``x1`` of a topic."""

    def create(columns: str, formats: str) -> str:
        return f"CREATE STREAM X1 ({columns}) WITH (KAFKA_TOPIC='x1', {formats}, PARTITIONS=1);"

    delimited, kafka = "VALUE_FORMAT='DELIMITED'", "VALUE_FORMAT='KAFKA'"
    return [
        Refusable(create("ar ARRAY<INT>", kafka), ("KAFKA", "ARRAY")),
        Refusable(create("bl BOOLEAN", kafka), ("KAFKA", "BOOLEAN")),
        Refusable(create("a INT, ar ARRAY<INT>", delimited), ("DELIMITED", "ARRAY")),
        Refusable(create("a INT, m MAP<VARCHAR, INT>", delimited), ("DELIMITED", "MAP")),
        Refusable(create("a INT, st STRUCT<x INT>", delimited), ("DELIMITED", "STRUCT")),
        Refusable(create("a INT", "VALUE_FORMAT='NONE'"), ("NONE", "no columns")),
        Refusable("CREATE STREAM X1 WITH (KAFKA_TOPIC='x0', VALUE_FORMAT='KAFKA');", ("olumns",)),
        Refusable(
            "CREATE STREAM X1 WITH (KAFKA_TOPIC='x0', VALUE_FORMAT='DELIMITED');", ("olumns",)
        ),
    ]


WORDS = {
    "aggregation-33": ("KAFKA", "single field"),
    "aggregation-34": ("DELIMITED", "ARRAY"),
    "formats-two-keys": ("KAFKA", "single field"),
    "keys-and-partition-by-20": ("Map", "K"),
    "keys-and-partition-by-21": ("KAFKA", "ARRAY"),
    "keys-and-partition-by-22": ("KAFKA", "BOOLEAN"),
    "keys-and-partition-by-24": ("NONE", "no columns"),
    "keys-and-partition-by-26": ("KAFKA", "single field"),
    "keys-and-partition-by-29": ("NONE", "no columns"),
    "with-clause-12": ("JSON", "delimiter"),
    "with-clause-15": ("DELIMITED", "WRAP_SINGLE_VALUE"),
    "with-clause-19": ("olumns",),
}
"""What the refusals that were recorded must name, in whatever words."""


@claim("Q11")
def test_formats_without_the_registry_have_limits(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    # Set-up
    trial = FormatTrial(ksqldb, kafka, evidence, unique, source_name, no_schemas)

    # Action
    cells = trial.cells(wanted(scale, PLAIN_PAIRS, with_queries=WITH_QUERIES))
    refusals = refused(ksqldb, evidence, topic, source_name)

    # Observed
    say_cells(evidence, cells, "the registry up")
    evidence.observe(
        "statements without room that were not refused with 400 and the reason's words",
        [told for told in refusals if told is not None],
        expected=[],
        says=f"{len(refusals)} statements that the formats have no room for were refused with 400,"
        " each with a message that names why",
    )

    # Control
    nested_in_json(kafka, ksqldb, evidence, topic, source_name)


@claim("Q11")
@pytest.mark.disruptive
def test_formats_without_the_registry_work_without_it(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    source_name: SourceFactory,
    faults: Faults,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    faults.require("kill", "restart")

    # Set-up
    trial = FormatTrial(ksqldb, kafka, evidence, unique, source_name, registry.schema_by_id)
    with_registry: dict[Pair, tuple[Operation, ...]] = {
        Pair(name, name): ("create",) for name in REGISTRY_FORMATS
    }
    for pair in with_registry:
        for side in ("key", "value"):
            subject.named(f"{trial.topic_of(pair)}-{side}")

    # Action
    faults.kill("schema-registry")
    pairs = PLAIN_PAIRS if scale.thorough else WITH_QUERIES
    cells = trial.cells(wanted(scale, pairs, with_queries=pairs[:1]))
    without = trial.cells(with_registry)
    faults.restart("schema-registry")
    restored = trial.cells(with_registry)

    # Observed
    say_cells(evidence, cells, "the registry dead")

    # Control
    evidence.control(
        "with the registry dead, formats that need it: accepted or the status",
        {
            pair.value: row["create"].accepted or row["create"].status
            for pair, row in without.items()
        },
        expected=dict.fromkeys(REGISTRY_FORMATS, 400),
        says=f"{', '.join(REGISTRY_FORMATS)} were refused with 400 while the registry was dead:"
        f" {cut(without[Pair('AVRO', 'AVRO')]['create'].reason, 140)}",
    )
    evidence.control(
        "the same statements with the registry back",
        {pair.value: row["create"].accepted for pair, row in restored.items()},
        expected=dict.fromkeys(REGISTRY_FORMATS, True),
        says="and accepted when it was back",
    )


def no_schemas(schema_id: int) -> str:
    """The formats here have no schemas."""
    raise LookupError(f"a schema id, {schema_id}, where there must be none")


def wanted(
    scale: Scale, pairs: list[Pair], *, with_queries: list[Pair]
) -> dict[Pair, tuple[Operation, ...]]:
    """The operations for each pair: all of them, or those that start queries for a few pairs."""
    all_for = pairs if scale.thorough else with_queries
    every = {pair: OPERATIONS if pair in all_for else CHEAP for pair in pairs}
    # Those that take long begin first.
    return dict(sorted(every.items(), key=lambda item: -len(item[1])))


def say_cells(evidence: Evidence, cells: Cells, about: str) -> None:
    """Observe all cells and lay them out."""
    count = sum(map(len, cells.values()))
    accepted = sum(cell.accepted for row in cells.values() for cell in row.values())
    evidence.observe(
        f"with {about}, what was otherwise than documented",
        differing(cells),
        expected=[],
        says=f"with {about}: {count} cells of {len(cells)} pairs of formats as documented,"
        f" {accepted} accepted with the right rows and bytes, {count - accepted} refused with 400",
    )
    evidence.table(
        f"Formats without the registry, with {about}",
        ["Key format", "Value format", *(name.capitalize() for name in OPERATIONS)],
        rows_of({pair: cells[pair] for pair in PLAIN_PAIRS if pair in cells}),
        "✓ accepted, and what was read back is right; ✗ refused. Beside Insert: the key and value"
        " in the topic as a plain reader of the format finds them. — was not tried",
    )


def refused(
    ksqldb: KsqlClient, evidence: Evidence, topic: TopicFactory, source_name: SourceFactory
) -> list[str | None]:
    """Try what has no room, and lay it out; for each what was otherwise than expected, or None."""
    taken, stream = topic("taken"), source_name("taken")
    ksqldb.execute(
        f"CREATE STREAM {stream} (id VARCHAR KEY, a INT, b VARCHAR, ar ARRAY<INT>)"
        f" WITH (KAFKA_TOPIC='{taken}', VALUE_FORMAT='JSON');"
    )
    cases = [Refusable(c["sql"], WORDS[c["id"]], c["message"]) for c in RECORDED]
    rows: list[list[Cell | str]] = []
    wrong: list[str | None] = []
    for n, case in enumerate([*cases, *more_refusals()]):
        names = source_name(f"refused_{n}"), topic.name(f"refused-{n}")
        sql = with_names(case.sql, *names, stream, taken)
        refusal = refusal_of(ksqldb, evidence, sql)
        told = None if refusal is None else refusal.reason
        fine = (
            refusal is not None
            and refusal.status == 400
            and all(word in refusal.reason for word in case.words)
        )
        wrong.append(None if fine else f"{case.sql}: {refusal or 'accepted'}")
        note = ""
        if case.recorded is not None:
            same = (told or "").split() == case.recorded.split()
            note = "ksqlDB 7.9.0: the same words" if same else f"ksqlDB 7.9.0: {case.recorded}"
        shown = Cell(cut(told or "accepted", 300), "no" if fine else "odd", cut(note, 300))
        rows.append([case.sql, str(refusal.status) if refusal else "200", shown])
    evidence.table(
        "What the formats have no room for",
        ["Statement", "Status", "What was said"],
        rows,
        "R_S is a stream with the columns A INT, B VARCHAR, AR ARRAY<INT>; where ksqlDB 7.9.0 was"
        " recorded, its words stand beneath",
    )
    return wrong


def with_names(sql: str, source: str, topic: str, stream: str, taken: str) -> str:
    """A statement under names of this experiment: X1, F_BAD and x1 are free, R_S and x0 taken."""
    for name, own in (("X1", source), ("F_BAD", source), ("R_S", stream)):
        sql = sql.replace(f" {name} ", f" {own} ")
    for name, own in (("x1", topic), ("f_bad", topic), ("refuse_s", taken), ("x0", taken)):
        sql = sql.replace(f"'{name}'", f"'{own}'")
    return sql


def refusal_of(ksqldb: KsqlClient, evidence: Evidence, sql: str) -> KsqlRefused | None:
    """How a statement was refused; None if it was not."""
    try:
        evidence.act("user", sql, "ksqldb", lambda: ksqldb.execute(sql))
    except KsqlRefused as refusal:
        return refusal
    return None


def nested_in_json(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    evidence: Evidence,
    topic: TopicFactory,
    source_name: SourceFactory,
) -> None:
    """The control: the same types in JSON, as keys and as values, inserted and read back."""
    where: TopicName = topic("nested")
    stream: SourceName = source_name("nested")
    for statement in (
        (
            f"CREATE STREAM {stream} (k1 STRUCT<x INT> KEY, k2 INT KEY, {NESTED})"
            f" WITH (KAFKA_TOPIC='{where}', FORMAT='JSON');"
        ),
        f"INSERT INTO {stream} VALUES (STRUCT(x := 9), 8, {NESTED_VALUES});",
    ):
        evidence.act("user", statement, "ksqldb", partial(ksqldb.execute, statement))
    (record,) = kafka.read_all(where)
    row = {"AR": [1, 2], "M": {"q": 5}, "ST": {"X": 1, "Y": {"Z": "zz"}}}
    key = {"K1": {"X": 9}, "K2": 8}
    evidence.control(
        "nested values and two keys in JSON: in the topic, and as rows",
        (
            json.loads(record.key or b""),
            json.loads(record.value or b""),
            ksqldb.pull(f"SELECT * FROM {stream};").as_dicts(),
        ),
        expected=(key, row, [key | row]),
        says="JSON held arrays, maps, structs in structs, and a key of two columns, one a struct",
    )
