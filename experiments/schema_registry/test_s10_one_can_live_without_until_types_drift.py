"""S10. A platform can run without a registry, until types drift apart.

Set-up    a topic of orders as plain JSON; a writer, and a reader that adds up the amounts
Action    in the morning the writer's new release writes amounts as texts ("12.50"); in the evening
          the reader reads the day's orders. The same day again with registry-aware clients
Observed  without a registry everything is acknowledged and the reader breaks in the evening, at the
          first order of the new release; with the registry killed, primitive (KAFKA) and plain JSON
          values go through ksqlDB from end to end, and a changed type is lost there, in the reader
Control   with a registry the same release is refused in the morning, in the writer: nothing it
          wrote reaches the topic, and the reader adds the day's orders up
Limits    one reader in Python, one in ksqlDB; readers that convert types break later or never
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from lab.clients.errors import SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import TopicName
from lab.clients.records import Acknowledged
from lab.clients.registry_aware import REGISTERS, AvroValues
from lab.clients.schema_registry import SchemaRegistryClient
from lab.errors import LabError
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.model import Outcome
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.workload import produce, wait_for_records
from lab.wait import wait_until

OLD_RELEASE = ({"id": 1, "amount": 5}, {"id": 2, "amount": 7})
NEW_RELEASE = {"id": 3, "amount": "12.50"}


class ReaderBroke(LabError):
    """The reader's own code failed on a value."""


@dataclass
class Day:
    """What happens to one platform in one day, in words, as it happens."""

    name: str
    kafka: KafkaClient
    topic: TopicName
    evidence: Evidence
    story: list[tuple[str, str]] = field(default_factory=list)

    def writes(self, when: str, what: str, write: Callable[[], Acknowledged]) -> bool:
        """Let the writer write one order; whether the broker has it."""
        answer = self.evidence.attempt(
            "writer", f"{when}: {what}", self.topic, write, refusal=SerializerRefused
        )
        end = self.kafka.end_offset(self.topic)
        told = "acknowledged" if answer == "accepted" else "refused in the writer"
        self.story.append((f"{when}: {what}", f"{told}; end offset {end}"))
        return answer == "accepted"

    def reads(self, decode: Callable[[bytes], object]) -> dict[str, object]:
        """Let the reader add up the day's amounts; how far it came."""
        total, read = 0, 0
        for record in self.kafka.read(self.topic, 0):
            try:
                value = decode(record.value or b"")
                assert isinstance(value, dict)
                total = total + value["amount"]
            except TypeError as error:
                broke = ReaderBroke(f"at offset {record.offset}: {type(error).__name__}: {error}")
                self.evidence.record(
                    "reader", "add up the amounts", self.topic, answer=broke, outcome=Outcome.FAIL
                )
                self.story.append(("evening: add up the amounts", f"the reader breaks {broke}"))
                return {"read": read, "broke at offset": record.offset}
            read += 1
        self.evidence.record("reader", "add up the amounts", self.topic, answer=total)
        self.story.append(("evening: add up the amounts", f"the reader has read all: {total}"))
        return {"read": read, "total": total}


def avro(mark: str, amount: str) -> str:
    """The schema of orders whose amount is of this type."""
    fields = [{"name": "id", "type": "int"}, {"name": "amount", "type": amount}]
    return json.dumps({"type": "record", "name": f"Order_{mark}", "fields": fields})


@claim("S10")
def test_the_same_accident_breaks_the_reader_or_is_refused_in_the_writer(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    without = Day("without a registry", kafka, topic("plain"), evidence)
    guarded = Day("with a registry", kafka, topic("guarded"), evidence)
    registry.set_level("BACKWARD", subject("guarded-value"))

    # Action: the day without a registry
    def plain(order: object) -> Callable[[], Acknowledged]:
        return lambda: kafka.produce(without.topic, json.dumps(order).encode())

    for order in OLD_RELEASE:
        without.writes("night", f"the old release writes {order}", plain(order))
    accepted = without.writes(
        "morning", f"the new release writes {NEW_RELEASE}", plain(NEW_RELEASE)
    )
    evening = without.reads(json.loads)

    # Observed
    evidence.observe(
        "the morning without a registry",
        {"accepted": accepted, "end offset": kafka.end_offset(without.topic)},
        expected={"accepted": True, "end offset": 3},
        says="without a registry the new release's order was acknowledged in the morning",
    )
    evidence.observe(
        "the evening without a registry",
        evening,
        expected={"read": 2, "broke at offset": 2},
        says="and the reader broke on it in the evening",
    )

    # Control: the same day with a registry
    old, new = avro(unique.token, "int"), avro(unique.token, "string")
    with (
        AvroValues(registry.url, guarded.topic, old, REGISTERS) as old_release,
        AvroValues(registry.url, guarded.topic, new, REGISTERS) as new_release,
    ):
        for order in OLD_RELEASE:
            guarded.writes(
                "night",
                f"the old release writes {order}",
                lambda order=order: old_release.produce(kafka, order),  # type: ignore[misc]
            )
        accepted = guarded.writes(
            "morning",
            f"the new release writes {NEW_RELEASE}",
            lambda: new_release.produce(kafka, NEW_RELEASE),
        )
        evening = guarded.reads(old_release.deserialize)
    evidence.control(
        "the morning with a registry",
        {"accepted": accepted, "end offset": kafka.end_offset(guarded.topic)},
        expected={"accepted": False, "end offset": 2},
        says="with a registry the new release was refused in the morning, in the writer",
    )
    evidence.control(
        "the evening with a registry",
        evening,
        expected={"read": 2, "total": 12},
        says="and the reader read everything that there was",
    )
    evidence.table(
        "The same accident twice",
        ["", without.name, guarded.name],
        [
            [when, before, after]
            for (when, before), (_, after) in zip(without.story, guarded.story, strict=True)
        ],
        "What came of each step; the end offset tells what the broker has",
    )


@claim("S10")
@pytest.mark.disruptive
def test_primitive_and_plain_json_values_go_through_without_a_registry(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    faults: Faults,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")

    # Set-up
    faults.kill("schema-registry")
    plain, plain_sink = source_name("plain"), source_name("plain_sink")
    numbers, numbers_sink = source_name("numbers"), source_name("numbers_sink")
    plain_topic, numbers_topic = topic("plain"), topic("numbers")

    # Action
    run = partial(run_statement, evidence, ksqldb)
    run(
        f"CREATE STREAM {plain} (id INT, amount INT)"
        f" WITH (KAFKA_TOPIC='{plain_topic}', VALUE_FORMAT='JSON');"
    )
    run(f"CREATE STREAM {plain_sink} AS SELECT id, amount * 2 AS amount FROM {plain} EMIT CHANGES;")
    run(
        f"CREATE STREAM {numbers} (amount BIGINT)"
        f" WITH (KAFKA_TOPIC='{numbers_topic}', VALUE_FORMAT='KAFKA');"
    )
    run(f"CREATE STREAM {numbers_sink} AS SELECT amount * 2 AS amount FROM {numbers} EMIT CHANGES;")
    for order in (*OLD_RELEASE, NEW_RELEASE, {"id": 4, "amount": 1}):
        value = json.dumps(order).encode()
        produce(evidence, kafka, plain_topic, value, actor="writer")
    for number in range(1, 5):
        produce(evidence, kafka, numbers_topic, number.to_bytes(8, "big"), actor="writer")
    for sink, count in ((plain_sink, 3), (numbers_sink, 4)):
        wait_for_records(kafka, sink)
        wait_until(
            f"{count} records in {sink}",
            partial(has_records, kafka, sink, count),
            timeout_seconds=60,
        )

    # Observed
    evidence.observe(
        "the numbers in the sink of primitive values",
        [int.from_bytes(record.value or b"", "big") for record in kafka.read_all(numbers_sink)],
        expected=[2, 4, 6, 8],
        says="registry killed: primitive (KAFKA) values went through ksqlDB",
    )
    amounts = amounts_of(kafka, plain_sink)
    evidence.observe(
        "the orders of the old release in the sink of plain JSON",
        {number: amounts.get(number) for number in (1, 2, 4)},
        expected={1: 10, 2: 14, 4: 2},
        says="so did plain JSON",
    )
    evidence.observe(
        "the order of the new release, in the source's topic and in the sink",
        (len(kafka.read(plain_topic, 0)), amounts.get(3)),
        expected=(4, None),
        says="the order with the changed type is in the topic, and lost to the reader ksqlDB",
    )

    # Control
    faults.restart("schema-registry")
    kafka.produce(plain_topic, json.dumps({"id": 5, "amount": 3}).encode())
    wait_until(
        "the next order in the sink",
        lambda: 5 in amounts_of(kafka, plain_sink),
        timeout_seconds=60,
    )
    evidence.control(
        "with the registry back",
        amounts_of(kafka, plain_sink).get(5),
        expected=6,
        says="with the registry back plain JSON went on as before: it makes no difference to it",
    )


def has_records(kafka: KafkaClient, topic: str, count: int) -> bool:
    """Whether the topic has at least so many records."""
    return sum(kafka.end_offsets(topic).values()) >= count


def run_statement(evidence: Evidence, ksqldb: KsqlClient, statement: str) -> None:
    """Run a statement, recorded."""
    evidence.act("user", statement, "ksqldb", lambda: ksqldb.execute(statement))


def amounts_of(kafka: KafkaClient, sink: str) -> dict[int, object]:
    """The amounts in a sink of plain JSON, by order."""
    stored = [json.loads(record.value or b"") for record in kafka.read_all(sink)]
    return {order["ID"]: order["AMOUNT"] for order in stored}
