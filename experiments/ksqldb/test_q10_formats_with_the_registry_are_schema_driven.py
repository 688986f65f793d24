"""Q10. With a registry-backed key or value format, columns come from the schema, and the sink's
schema is registered.

Set-up    topics whose value or key subjects hold schemas written by hand, in AVRO, PROTOBUF and
          JSON_SR; a stream of orders in plain JSON with an order in it
Action    declare streams over the topics without columns, and read a record that a plain library
          wrote with the schema; start CREATE STREAM … AS SELECT with each format for keys and
          values; then pairs of formats through one statement after the other
Observed  the streams' columns are the schema's, for values and for keys, and the record's fields
          stand in them; with each query the sink's two subjects appear, registered by no client of
          this test, their schemas say what the sink's columns say, and the records in the sink are
          decoded by a plain library with the schemas whose ids they bear; a pair of formats gives
          columns for the side that has a schema, and for no other
Control   over the same topics formats without the registry infer nothing: without columns the
          statement is refused and says so, and nobody asks the registry about the subject; where
          there is no subject, a registry-backed format is refused with the subject's name
Limits    the pairs are a choice that has each format on each side; all of them with --thorough
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName, SubjectName
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.access import Doors
from lab.evidence.encoding import cut
from lab.evidence.format_bytes import PLAIN_FORMATS, REGISTRY_FORMATS, as_stored, stored
from lab.evidence.format_matrix import (
    ALL_PAIRS,
    CHEAP,
    OPERATIONS,
    FormatTrial,
    Operation,
    Pair,
    columns_of,
    differing,
    rows_of,
)
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.schema_columns import columns_in
from lab.evidence.sources import stream_of_orders
from lab.evidence.tables import Cell
from lab.evidence.workload import produce, wait_for_records
from lab.evidence.written_schemas import (
    DRAFT,
    NUMBER,
    SCHEMA_TYPES,
    TEXT,
    Declared,
    avro,
    json_schema,
    text_of_protobuf,
)
from lab.wire import schema_header

DECLARED = (
    Declared(
        "AVRO",
        "value",
        avro(
            ("region", "string"),
            ("amount", ["null", "double"]),
            ("tags", {"type": "array", "items": "string"}),
            ("place", {"type": "record", "name": "P", "fields": [{"name": "x", "type": "long"}]}),
        ),
        {"region": "north", "amount": 1.5, "tags": ["a", "b"], "place": {"x": 7}},
        ("north", 1.5, ["a", "b"], {"X": 7}),
    ),
    Declared(
        "PROTOBUF",
        "value",
        'syntax = "proto3";\nmessage Order {\n  string region = 1;\n  int64 count = 2;\n}\n',
        {"region": "north", "count": 7},
        ("north", 7),
    ),
    Declared(
        "JSON_SR",
        "value",
        json_schema(
            region=TEXT,
            amount=NUMBER,
            tags={"type": "array", "items": TEXT},
            place={"type": "object", "properties": {"x": {"type": "integer"}}},
        ),
        {"region": "north", "amount": 1.5, "tags": ["a", "b"], "place": {"x": 7}},
        ("north", 1.5, ["a", "b"], {"X": 7}),
    ),
    Declared("AVRO", "key", '"long"', 42, (42,)),
    Declared(
        "PROTOBUF",
        "key",
        'syntax = "proto3";\nmessage Key {\n  string id = 1;\n  int32 part = 2;\n}\n',
        {"id": "o1", "part": 2},
        ("o1", 2),
    ),
    Declared("JSON_SR", "key", json.dumps(DRAFT | TEXT), "o1", ("o1",)),
)

ORDER = {"REGION": "north", "AMOUNT": 7}
"""The order in plain JSON; its key is o1."""

COVERING = [
    *(Pair(name, name) for name in REGISTRY_FORMATS),
    Pair("KAFKA", "AVRO"),
    Pair("NONE", "PROTOBUF"),
    Pair("JSON", "JSON_SR"),
    Pair("AVRO", "KAFKA"),
    Pair("PROTOBUF", "DELIMITED"),
    Pair("JSON_SR", "JSON"),
    Pair("DELIMITED", "PROTOBUF"),
    Pair("PROTOBUF_NOSR", "AVRO"),
    Pair("AVRO", "PROTOBUF_NOSR"),
    Pair("JSON_SR", "NONE"),
]
"""Pairs in which each format stands on each side, with one from the registry on the other."""

WITH_QUERIES = [
    Pair("AVRO", "PROTOBUF_NOSR"),
    Pair("PROTOBUF", "PROTOBUF"),
    Pair("JSON", "JSON_SR"),
]


@dataclass
class Platform:
    """What the parts of this experiment share."""

    kafka: KafkaClient
    ksqldb: KsqlClient
    registry: SchemaRegistryClient
    evidence: Evidence
    doors: Doors
    unique: UniqueNames
    rows: list[list[Cell | str]] = field(default_factory=list)

    def run(self, statement: str) -> None:
        """Run a statement, recorded."""
        self.evidence.act("user", statement, "ksqldb", lambda: self.ksqldb.execute(statement))

    def asked_about(self, subject: str) -> list[str]:
        """What was asked about a subject by no client of this test."""
        return [told for told in self.doors.by_others(self.unique) if subject in told]

    def refusal(self, statement: str) -> str:
        """Status and reason of a refusal; "accepted" where there is none."""
        try:
            self.run(statement)
        except KsqlRefused as refusal:
            return f"{refusal.status}: {refusal.reason}"
        return "accepted"


@pytest.fixture
def platform(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    doors: Doors,
    unique: UniqueNames,
    evidence: Evidence,
) -> Iterator[Platform]:
    """The clients; this test asks the registry through a door."""
    registry = SchemaRegistryClient(doors("this test").url)
    yield Platform(kafka, ksqldb, registry, evidence, doors, unique)
    registry.close()


@claim("Q10")
def test_columns_come_from_the_schema(
    platform: Platform,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    # Set-up, Action
    seen: list[object] = []
    expected: list[object] = []
    for case in DECLARED:
        about = f"{case.format} {case.side}"
        label = f"{case.format}-{case.side}".lower().replace("_", "")
        where, name = topic(label), source_name(label.replace("-", "_"))
        registered = subject(f"{label}-{case.side}")
        schema_id = platform.registry.register(
            registered, case.schema, schema_type=SCHEMA_TYPES[case.format]
        )
        framed = schema_header.join(schema_id, case.written())
        if case.side == "value":
            produce(evidence, platform.kafka, where, framed)
            declaration = f"CREATE STREAM {name} WITH (VALUE_FORMAT='{case.format}'"
        else:
            produce(evidence, platform.kafka, where, b'{"v": 1}', key=framed)
            declaration = (
                f"CREATE STREAM {name} (v INT)"
                f" WITH (KEY_FORMAT='{case.format}', VALUE_FORMAT='JSON'"
            )
        platform.run(f"{declaration}, KAFKA_TOPIC='{where}');")
        inferred = [
            (c.name, c.type)
            for c in columns_of(platform.ksqldb, name)
            if c.is_key == (case.side == "key")
        ]
        in_schema = columns_in(SCHEMA_TYPES[case.format], case.schema)
        rows = platform.ksqldb.pull(f"SELECT * FROM {name};").as_dicts()
        found = [tuple(row.get(column) for column, _ in in_schema) for row in rows]
        seen.append((about, inferred, found))
        expected.append((about, in_schema, [case.row]))
        shown = ", ".join(f"{column} {kind}" for column, kind in inferred)
        fine = (inferred, found) == (in_schema, [case.row])
        platform.rows.append(
            [about, cut(case.schema, 200), Cell(shown, "yes" if fine else "odd"), str(found)]
        )

    # Observed
    evidence.observe(
        "columns that were inferred, and the record in them",
        seen,
        expected=expected,
        says="AVRO, PROTOBUF, JSON_SR, for values and for keys: the columns were the schema's, and"
        " a record that a plain library wrote by it stood in them",
    )
    evidence.table(
        "Columns that were inferred",
        ["Format", "Schema in the subject", "Columns", "The record as a row"],
        platform.rows,
        "The statements named no columns on that side",
    )

    # Control
    infer_nothing(platform, topic, subject, source_name)


def infer_nothing(
    platform: Platform, topic: TopicFactory, subject: SubjectFactory, source_name: SourceFactory
) -> None:
    """The control: formats without the registry over a topic with subjects, and none at all."""
    evidence = platform.evidence
    where, nowhere = topic("plain"), topic("nowhere")
    values, keys = subject("plain-value"), subject("plain-key")
    platform.registry.register(values, DECLARED[0].schema)
    platform.registry.register(keys, '"string"')
    rows: list[list[Cell | str]] = []

    def tried(columns: str, formats: str, where: str) -> str:
        name = source_name(f"plain_{len(rows)}")
        said = platform.refusal(
            f"CREATE STREAM {name} {columns} WITH (KAFKA_TOPIC='{where}', {formats});"
        )
        found = "—"
        if said == "accepted":
            found = ", ".join(
                f"{c.name} {c.type}{' KEY' if c.is_key else ''}"
                for c in columns_of(platform.ksqldb, name)
            )
        shown = Cell("✓", "yes") if said == "accepted" else Cell("✗", "no", cut(said, 200))
        rows.append([formats, columns or "none", shown, found])
        return found if said == "accepted" else said

    refused = {name: tried("", f"VALUE_FORMAT='{name}'", where) for name in PLAIN_FORMATS}
    keyless = {
        name: tried("(v INT)", f"KEY_FORMAT='{name}', VALUE_FORMAT='JSON'", where)
        for name in PLAIN_FORMATS
    }
    asked = platform.asked_about(values) + platform.asked_about(keys)
    evidence.control(
        "formats without the registry, no columns: whether refused with 400 for want of columns",
        {n: told.startswith("400") and "columns" in told.lower() for n, told in refused.items()},
        expected=dict.fromkeys(PLAIN_FORMATS, True),
        says=f"over the same kind of topic {', '.join(PLAIN_FORMATS)} inferred nothing:"
        f" {cut(refused['JSON'], 80)}",
    )
    evidence.control(
        "their columns where a key's schema is there",
        keyless,
        expected=dict.fromkeys(PLAIN_FORMATS, "V INTEGER"),
        says="and gave no key column, though the key's subject was there",
    )
    if platform.doors.watched:
        evidence.control(
            "what was asked about these subjects meanwhile by no client of this test",
            asked,
            expected=[],
            says="and nobody asked the registry about the subjects",
        )
    else:
        evidence.limit("this target keeps no log of what its registry was asked")
    missing = {name: tried("", f"VALUE_FORMAT='{name}'", nowhere) for name in REGISTRY_FORMATS}
    evidence.control(
        "formats with the registry where there is no subject: refused with 400, and its name",
        {n: (told[:3], f"{nowhere}-value" in told) for n, told in missing.items()},
        expected=dict.fromkeys(REGISTRY_FORMATS, ("400", True)),
        says="without a subject AVRO, PROTOBUF and JSON_SR were refused with the subject's name",
    )
    evidence.table(
        "What is not inferred",
        ["Formats", "Columns in the statement", "Answer", "Columns of the stream"],
        rows,
        "The first topics have subjects for keys and values, the last one has none",
    )


@claim("Q10")
def test_the_sinks_schema_is_registered(
    platform: Platform,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    where, orders = topic("orders"), source_name("orders")
    produce(evidence, platform.kafka, where, json.dumps(ORDER).encode(), key=b"o1")
    platform.run(stream_of_orders(orders, where))

    def subjects() -> set[str]:
        return set(filter(unique.mine, platform.registry.subjects()))

    # Action
    appeared: dict[str, object] = {}
    sinks = {name: source_name(f"sink_{name}") for name in REGISTRY_FORMATS}
    for name, sink in sinks.items():
        before = subjects()
        for side in ("key", "value"):
            subject.named(f"{sink}-{side}")
        platform.run(
            f"CREATE STREAM {sink} WITH (KEY_FORMAT='{name}', VALUE_FORMAT='{name}')"
            f" AS SELECT * FROM {orders} EMIT CHANGES;"
        )
        appeared[name] = sorted(subjects() - before)
    for sink in sinks.values():
        wait_for_records(platform.kafka, sink)

    # Observed
    evidence.observe(
        "subjects that appeared with each query",
        appeared,
        expected={name: [f"{sink}-key", f"{sink}-value"] for name, sink in sinks.items()},
        says="with each query its sink's key and value subjects appeared",
    )
    rows: list[list[Cell | str]] = []
    for name, sink in sinks.items():
        for side in ("key", "value"):
            seen, expected = sink_side(platform, name, sink, side)
            evidence.observe(
                f"{name} {side}: columns in the registered schema, and the sink's record",
                seen,
                expected=expected,
                says=f"{name} {side}: the schema says what DESCRIBE says, and a plain library"
                " decodes the record by it",
            )
            columns = Cell(str(seen["columns"]), "yes" if seen == expected else "odd")
            rows.append([f"{name} {side}", str(seen["schema"]), columns, str(seen["record"])])
    if platform.doors.watched:
        evidence.observe(
            "registrations by no client of this test",
            {
                told
                for sink in sinks.values()
                for told in platform.asked_about(sink)
                if told.startswith("POST") and told.endswith("/versions")
            },
            expected={
                f"POST /subjects/{sink}-{side}/versions"
                for sink in sinks.values()
                for side in ("key", "value")
            },
            says="each was registered by ksqlDB's own request",
        )

    # Control
    plain = source_name("plain")
    before = subjects()
    platform.run(
        f"CREATE STREAM {plain} WITH (KEY_FORMAT='JSON', VALUE_FORMAT='JSON')"
        f" AS SELECT * FROM {orders} EMIT CHANGES;"
    )
    wait_for_records(platform.kafka, plain)
    evidence.control(
        "subjects that appeared with the same query in JSON",
        subjects() - before,
        expected=set(),
        says="the same query with JSON registered nothing",
    )
    evidence.table(
        "Schemas that were registered for sinks",
        ["Format", "Schema", "Its columns", "The sink's record by it"],
        rows,
        "The record was decoded by a plain library with the schema whose id it bears",
    )


def sink_side(
    platform: Platform, name: str, sink: SourceName, side: str
) -> tuple[dict[str, object], dict[str, object]]:
    """One side of a sink as the registry and the topic have it, and as it is to be."""
    found = platform.registry.version(SubjectName(f"{sink}-{side}"))
    columns = [c for c in columns_of(platform.ksqldb, sink) if c.is_key == (side == "key")]
    alone = columns[0].name
    (record,) = platform.kafka.read_all(sink)
    data = record.key if side == "key" else record.value
    row = {"ID": "o1"} if side == "key" else ORDER
    told = found.schema if name != "PROTOBUF" else text_of_protobuf(found.schema)
    seen: dict[str, object] = {
        "schema": cut(told, 260),
        "version": found.version,
        "type": found.schema_type,
        "columns": columns_in(found.schema_type, found.schema, alone=alone),
        "record": stored(name, data, row, platform.registry.schema_by_id),
        "its id": schema_header.split(data or b"").schema_id,
    }
    expected: dict[str, object] = {
        "schema": seen["schema"],
        "version": 1,
        "type": SCHEMA_TYPES[name],
        "columns": [(c.name, c.type) for c in columns],
        "record": as_stored(name, row, is_key=side == "key"),
        "its id": found.schema_id,
    }
    return seen, expected


@claim("Q10")
def test_pairs_of_formats_have_columns_where_there_is_a_schema(
    platform: Platform,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    subject: SubjectFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    # Set-up
    registry = platform.registry
    trial = FormatTrial(ksqldb, kafka, evidence, unique, source_name, registry.schema_by_id)
    pairs = [pair for pair in ALL_PAIRS if pair.needs_registry] if scale.thorough else COVERING
    queried = pairs if scale.thorough else WITH_QUERIES
    wanted: dict[Pair, tuple[Operation, ...]] = {
        **dict.fromkeys(queried, OPERATIONS),
        **{pair: CHEAP for pair in pairs if pair not in queried},
    }
    plain = Pair("JSON", "JSON")
    for pair, operations in wanted.items():
        for made in trial.subjects(pair, operations):
            subject.named(made)

    # Action
    cells = trial.cells(wanted)
    without = trial.cells({plain: CHEAP})

    # Observed
    count = sum(map(len, cells.values()))
    accepted = sum(cell.accepted for row in cells.values() for cell in row.values())
    evidence.observe(
        "what was otherwise than documented",
        differing(cells),
        expected=[],
        says=f"{count} cells of {len(cells)} pairs with the registry as documented: {accepted}"
        f" accepted, with the right columns, rows and bytes, {count - accepted} refused with 400",
    )

    # Control
    evidence.control(
        "the same statements with JSON on both sides: what is otherwise than documented, and infer",
        (differing(without), without[plain]["infer"].status),
        expected=([], 400),
        says="with JSON on both sides the same statements work, but for the one without columns:"
        f" {cut(without[plain]['infer'].reason, 60)}",
    )
    evidence.table(
        "Pairs of formats with the registry",
        ["Key format", "Value format", *(name.capitalize() for name in OPERATIONS)],
        rows_of({**cells, **without}),
        "✓ accepted, and what was read back is right; ✗ refused. Beside Insert: the key and value"
        " in the topic, decoded by a plain library; beside Infer: the columns that the schemas"
        " gave. — was not tried",
    )
