"""Q12. Where an incompatible change fails depends on the road it takes.

Set-up    a topic of orders whose value subject holds a schema with the level BACKWARD, and an
          order in it; the change: the amount becomes a text
Action    try the change by (a) a registry-aware producer that registers, (b) a CREATE STREAM … AS
          SELECT into the topic, (c) INSERT VALUES through a stream over the topic
Observed  each time the registry answers 409 to somebody else: to the producer's serializer, and to
          ksqlDB, which refuses the statement with 400; each time nothing is written: no version, no
          record in the topic, and no query is left running
Control   (e) the changed value as raw bytes, with the id of a schema from another subject: the
          broker acknowledges it, nobody asks the registry, and what fails is the reader; without
          the change the roads (a), (b) and (c) all lead into the topic
Limits    Avro; (d), a connector, is not looked at here
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.clients.errors import ClientError, DeserializerFailed, KsqlRefused, SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SubjectName, TopicName
from lab.clients.plain import plain_avro
from lab.clients.registry_aware import REGISTERS, AvroValues
from lab.clients.schema_registry import SchemaRegistryClient
from lab.endpoints import Endpoints
from lab.evidence import claim
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.encoding import cut
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.workload import produce
from lab.wait import wait_until
from lab.wire import schema_header

NOTHING = {"records": 0, "versions": 0, "queries": 0}


@dataclass
class Orders:
    """The topic with its subject, what stands in it now, and the roads that were tried."""

    kafka: KafkaClient
    ksqldb: KsqlClient
    registry: SchemaRegistryClient
    evidence: Evidence
    topic: TopicName
    subject: SubjectName
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def execute(self, statement: str) -> None:
        """Run a statement, recorded."""
        self.evidence.act("user", statement, "ksqldb", lambda: self.ksqldb.execute(statement))

    def standing(self) -> dict[str, int]:
        """Records in the topic, versions of the subject, queries that write to the topic."""
        return {
            "records": self.kafka.end_offset(self.topic),
            "versions": len(self.registry.versions(self.subject)),
            "queries": sum(self.topic in query.sink_topics for query in self.ksqldb.queries()),
        }

    def tried(self, road: str, who: str, call: Callable[[], object]) -> dict[str, object]:
        """Try a road; what was said on it, and what it changed."""
        before = self.standing()
        error: ClientError | None = None
        try:
            self.evidence.act("user", road, self.topic, call)
        except (SerializerRefused, KsqlRefused) as refusal:
            error = refusal
        after = self.standing()
        written = {what: after[what] - before[what] for what in after}
        told = ", ".join(f"{what}: {count}" for what, count in written.items() if count)
        self.rows.append((road, who, cut(str(error or "accepted"), 240), told or "nothing"))
        return {
            "status": error.status if isinstance(error, KsqlRefused) else None,
            "answer": "refused" if error else "accepted",
            "told of 409": "409" in str(error) or "incompatible" in str(error).lower(),
            "written": written,
        }

    def lay_out(self) -> None:
        """Every road in a table."""
        self.evidence.table(
            "One incompatible change, tried on every road",
            ["Road", "Who answered", "What was said", "What was written"],
            self.rows,
            "Written is what appeared in the topic, in its subject and among the queries",
        )


@claim("Q12")
def test_where_an_incompatible_change_fails_depends_on_the_road(
    endpoints: Endpoints,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    doors: Doors,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    registry = SchemaRegistryClient(doors("this test").url)
    name, orders_subject, source_topic = topic("orders"), subject("orders-value"), topic("source")
    orders = Orders(kafka, ksqldb, registry, evidence, name, orders_subject)
    source, sink = source_name("source"), source_name("sink")
    stream, changed_stream = source_name("orders"), source_name("changed")
    registry.set_level("BACKWARD", orders_subject)
    produce(evidence, kafka, source_topic, b'{"id": 3, "amount": 5}')
    for declared, columns, where, value_format in (
        (source, "id INT, amount INT", source_topic, "JSON"),
        (stream, "id INT, amount INT", name, "AVRO"),
        (changed_stream, "id INT, amount VARCHAR", name, "AVRO"),
    ):
        orders.execute(
            f"CREATE STREAM {declared} ({columns})"
            f" WITH (KAFKA_TOPIC='{where}', VALUE_FORMAT='{value_format}');"
        )
    orders.execute(f"INSERT INTO {stream} (id, amount) VALUES (1, 5);")
    before = registry.version(orders_subject, 1)
    schema, changed = before.schema, with_texts_for_amounts(before.schema)
    changed_id = registry.register(subject("elsewhere-value"), changed)
    producer = doors("(a) registry-aware producer")
    others_before = doors.by_others(unique)

    def select(amount: str) -> str:
        return (
            f"CREATE STREAM {sink} WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='AVRO')"
            f" AS SELECT id, {amount} AS amount FROM {source} EMIT CHANGES;"
        )

    # Action
    with AvroValues(producer.url, name, changed, REGISTERS) as values:
        by_producer = orders.tried(
            "(a) registry-aware producer",
            "the producer's serializer, told by the registry",
            lambda: values.produce(kafka, {"ID": 2, "AMOUNT": "12.50"}),
        )
    asked_by_producer = [str(each) for each in producer.asked()]
    by_query = orders.tried(
        "(b) CREATE STREAM AS SELECT",
        "ksqlDB, told by the registry",
        lambda: ksqldb.execute(select("CAST(amount AS VARCHAR)")),
    )
    by_insert = orders.tried(
        "(c) INSERT VALUES",
        "ksqlDB, told by the registry",
        lambda: ksqldb.execute(f"INSERT INTO {changed_stream} (id, amount) VALUES (2, '12.50');"),
    )
    by_ksqldb = Counter(doors.by_others(unique)) - Counter(others_before)

    # Observed
    refused = {"status": None, "answer": "refused", "told of 409": True, "written": NOTHING}
    evidence.observe(
        "(a) a registry-aware producer, and what its serializer asked",
        (by_producer, asked_by_producer),
        expected=(refused, [f"POST /subjects/{orders_subject}/versions → 409"]),
        says="(a) the producer's serializer refused, told 409 by the registry; nothing was written",
    )
    for road, seen in (("(b) CREATE STREAM AS SELECT", by_query), ("(c) INSERT VALUES", by_insert)):
        evidence.observe(
            road,
            seen,
            expected={**refused, "status": 400},
            says=f"{road}: ksqlDB refused the statement with 400, told 409; nothing was written",
        )
    if doors.watched:
        evidence.observe(
            "(b), (c) the registrations that ksqlDB tried",
            by_ksqldb[f"POST /subjects/{orders_subject}/versions"],
            expected=2,
            says="each by a request of ksqlDB's own",
        )
    else:
        evidence.limit("this target keeps no log of what its registry was asked")

    # Control
    by_raw_bytes(orders, doors, unique, (schema, changed, changed_id))
    end_before = kafka.end_offset(name)
    with AvroValues(producer.url, name, schema, REGISTERS) as values:
        orders.tried(
            "(a) without the change",
            "the broker",
            lambda: values.produce(kafka, {"ID": 2, "AMOUNT": 7}),
        )
    orders.tried(
        "(c) without the change",
        "ksqlDB and the broker",
        lambda: ksqldb.execute(f"INSERT INTO {stream} (id, amount) VALUES (2, 7);"),
    )
    orders.tried("(b) without the change", "ksqlDB", lambda: ksqldb.execute(select("amount")))
    wait_until(
        "the query's record in the topic",
        lambda: kafka.end_offset(name) >= end_before + 3,
        timeout_seconds=60,
    )
    stored = kafka.read(name, 0, start=end_before)
    evidence.control(
        "the schema ids of what the roads wrote without the change",
        [schema_header.split(record.value or b"").schema_id for record in stored],
        expected=[before.schema_id] * 3,
        says="without the change (a), (b) and (c) led into the topic, under the subject's schema",
    )
    if endpoints.connect_url is None:
        orders.rows.append(("(d) a connector", "—", "this target has no Connect worker", "—"))
        evidence.limit("(d), a connector, was not looked at: this target has no Connect worker")
    else:
        evidence.limit("(d), a connector, is looked at by C05")
    orders.lay_out()
    registry.close()
    others = {"ksqlDB (no client of this test)": doors.by_others(unique)}
    lay_out_access(
        evidence, "The roads", record_access(evidence, doors), others if doors.watched else {}
    )


def by_raw_bytes(
    orders: Orders, doors: Doors, unique: UniqueNames, schemas: tuple[str, str, int]
) -> None:
    """Road (e): the changed value as bytes, with the id of a schema from another subject."""
    schema, changed, changed_id = schemas
    kafka, evidence, name = orders.kafka, orders.evidence, orders.topic
    asked_before = doors.by_others(unique)
    raw = schema_header.join(changed_id, plain_avro(changed, {"ID": 2, "AMOUNT": "12.50"}))
    answer = orders.tried(
        "(e) raw bytes", "the broker, which asks nobody", lambda: kafka.produce(name, raw)
    )
    evidence.control(
        "(e) raw bytes",
        {**answer, "the registry was left alone": doors.by_others(unique) == asked_before},
        expected={
            "status": None,
            "answer": "accepted",
            "told of 409": False,
            "written": {**NOTHING, "records": 1},
            "the registry was left alone": True,
        },
        says="(e) as raw bytes the change was acknowledged, and nobody asked the registry",
    )
    stored = kafka.read(name, 0)[-1].value or b""
    with AvroValues(orders.registry.url, name, schema) as values:
        try:
            said = f"read as {values.deserialize(stored)}"
        except DeserializerFailed as error:
            said = str(error)
    evidence.record("registry-aware consumer", "deserialize (e)", name, answer=said)
    orders.rows.append(("(e) … and its reader", "the deserializer", cut(said, 240), "nothing"))
    evidence.control(
        "(e) whether the reader failed, on the bytes that were produced",
        (stored == raw, said.startswith("the deserializer failed")),
        expected=(True, True),
        says="what failed on it was the reader",
    )


def with_texts_for_amounts(schema: str) -> str:
    """The schema with AMOUNT as a text: the incompatible change."""
    changed = json.loads(schema)
    (amount,) = (each for each in changed["fields"] if each["name"] == "AMOUNT")
    amount["type"] = ["null", "string"]
    return json.dumps(changed)
