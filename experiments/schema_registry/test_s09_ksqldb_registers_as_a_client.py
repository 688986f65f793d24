"""S09. ksqlDB and Connect register and look up schemas as clients like any other.

Set-up    a topic of orders in plain JSON with one order in it, and a stream over it
Action    CREATE STREAM … AS SELECT with VALUE_FORMAT AVRO, PROTOBUF and JSON_SR; then a stream over
          the sink topic without any columns
Observed  the sink's value subject appears together with the query, by one registration that no
          client of this test made; the record in the sink has that schema's id in its header, and a
          plain library decodes it with the schema of that id; for the stream without columns the
          subject is looked up, and the columns are the schema's
Control   with VALUE_FORMAT='JSON' no subject appears and nobody asks the registry anything
Limits    values only; Connect's converters are not looked at here
"""

from __future__ import annotations

import json

import pytest

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName
from lab.clients.plain import (
    protobuf_file,
    protobuf_message,
    read_plain_avro,
    read_plain_json,
    read_plain_protobuf,
)
from lab.clients.schema_registry import SchemaRegistryClient
from lab.endpoints import Endpoints
from lab.errors import CapabilityMissing
from lab.evidence import claim
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.workload import produce, wait_for_records
from lab.wire import schema_header

SCHEMA_TYPES = {"AVRO": "AVRO", "PROTOBUF": "PROTOBUF", "JSON_SR": "JSON"}
AN_ORDER = {"id": 7, "note": "fragile"}
AS_A_ROW = {"ID": 7, "NOTE": "fragile"}


@claim("S09")
@pytest.mark.parametrize("value_format", SCHEMA_TYPES)
def test_ksqldb_registers_and_looks_up_as_a_client(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    doors: Doors,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    value_format: str,
) -> None:
    # Set-up
    registry = SchemaRegistryClient(doors("this test").url)
    orders_topic, orders = topic("orders"), source_name("orders")
    sink, plain, inferred = (source_name(name) for name in ("sink", "plain", "inferred"))
    sink_subject, plain_subject = subject.named(f"{sink}-value"), subject.named(f"{plain}-value")
    produce(evidence, kafka, orders_topic, json.dumps(AN_ORDER).encode())

    def execute(statement: str) -> None:
        evidence.act("user", statement, "ksqldb", lambda: ksqldb.execute(statement))

    def subjects() -> set[str]:
        return set(filter(unique.mine, registry.subjects()))

    execute(
        f"CREATE STREAM {orders} (id INT, note VARCHAR)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )

    # Action
    before, asked_before = subjects(), doors.by_others(unique)
    execute(
        f"CREATE STREAM {sink} WITH (VALUE_FORMAT='{value_format}')"
        f" AS SELECT id, note FROM {orders} EMIT CHANGES;"
    )
    appeared, asked = subjects() - before, doors.by_others(unique)
    wait_for_records(kafka, sink)
    framed = schema_header.split(kafka.read_all(sink)[0].value or b"")
    execute(f"CREATE STREAM {inferred} WITH (KAFKA_TOPIC='{sink}', VALUE_FORMAT='{value_format}');")
    looked_up = [told for told in doors.by_others(unique) if told.startswith("GET")]

    # Observed
    evidence.observe(
        "subjects before the statement, and those that appeared with it",
        (before, appeared),
        expected=(set(), {sink_subject}),
        says=f"{value_format}: the sink's value subject appeared with the query",
    )
    found = registry.version(sink_subject)
    evidence.observe(
        "the subject's schema",
        (found.version, found.schema_type),
        expected=(1, SCHEMA_TYPES[value_format]),
        says=f"{value_format}: as version 1, a schema of type {SCHEMA_TYPES[value_format]}",
    )
    evidence.observe(
        "the id in the sink's record",
        framed.schema_id,
        expected=found.schema_id,
        says="the sink's record has its id in the header",
    )
    evidence.observe(
        "the sink's record, decoded by a plain library",
        decoded(value_format, registry, framed),
        expected=AS_A_ROW,
        says="a plain library decodes it with the schema of that id",
    )
    evidence.observe(
        "the columns of a stream that was declared without any",
        columns(ksqldb, inferred),
        expected=list(AS_A_ROW),
        says="a stream without columns got them from the subject",
    )
    if doors.watched:
        evidence.observe(
            "what was asked about it by no client of this test, before and with the statement",
            (asked_before, asked),
            expected=([], [f"POST /subjects/{sink_subject}/versions"]),
            says="it was registered by ksqlDB's own request",
        )
        evidence.observe(
            "whether the subject was looked up for the stream without columns",
            any(f"/subjects/{sink_subject}/" in told for told in looked_up),
            expected=True,
            says="and looked up by ksqlDB's own request",
        )
    else:
        evidence.limit("this target keeps no log of what its registry was asked")

    # Control
    before = subjects()
    execute(f"CREATE STREAM {plain} AS SELECT id, note FROM {orders} EMIT CHANGES;")
    wait_for_records(kafka, plain)
    asked_about_it = [told for told in doors.by_others(unique) if plain_subject in told]
    evidence.control(
        "the same with VALUE_FORMAT='JSON'",
        {
            "subjects": subjects() - before,
            "asked": asked_about_it,
            "value": json.loads(kafka.read_all(plain)[0].value or b""),
        },
        expected={"subjects": set(), "asked": [], "value": AS_A_ROW},
        says="JSON: no subject appeared, nobody asked the registry",
    )
    registry.close()
    others = {"ksqlDB (no client of this test)": doors.by_others(unique)}
    lay_out_access(
        evidence, value_format, record_access(evidence, doors), others if doors.watched else {}
    )


@claim("S09")
def test_a_converter_registers_as_a_client(endpoints: Endpoints, evidence: Evidence) -> None:
    if endpoints.connect_url is None:
        reason = "Connect's half of the claim: this target has no Connect worker"
    else:
        reason = "Connect's half of the claim is C05's"
    evidence.limit(reason)
    raise CapabilityMissing(reason)


def columns(ksqldb: KsqlClient, source: SourceName) -> list[str]:
    """The names of a source's columns."""
    (entity,) = ksqldb.execute(f"DESCRIBE {source};")
    description = entity.data["sourceDescription"]
    assert isinstance(description, dict)
    return [str(column["name"]) for column in description["fields"]]


def decoded(
    value_format: str, registry: SchemaRegistryClient, framed: schema_header.Framed
) -> object:
    """The row, decoded by a plain library with the schema of its id."""
    schema = registry.schema_by_id(framed.schema_id)
    if value_format == "PROTOBUF":
        indexes, data = schema_header.message_indexes(framed.payload)
        return read_plain_protobuf(protobuf_message(protobuf_file(schema), indexes), data)
    read = read_plain_avro if value_format == "AVRO" else read_plain_json
    return read(schema, framed.payload)
