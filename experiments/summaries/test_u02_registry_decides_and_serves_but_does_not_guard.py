"""U02. "Schema Registry only manages schema information": it also decides and serves, guards not.

Set-up    a topic of orders, the subject of its values with a schema and the level BACKWARD
Action    let the registry judge an incompatible schema; let a registry-aware producer write a value
          that the schema does not allow, and a valid one; let a consumer with an empty cache read;
          let a raw client write violating bytes, with the registry running and with it killed
Observed  the registry decides: 409; it serves: the consumer's deserializer fetches the schema by
          the id in the record; the check is the producer's: the refused value stays away from the
          topic; it does not guard the broker: the violating bytes are stored as they are, and no
          broker asked the registry; with the registry killed they are stored just so
Control   under level NONE the incompatible schema is let in; a valid value reaches the topic; the
          consumer fails on the violating bytes, and on a new record while the registry is dead
Limits    each step is one case of a claim of its own: S03, S06, S11 and K08 have more of them
"""

from __future__ import annotations

import json
from functools import partial

import pytest

from lab.clients.errors import ClientError, DeserializerFailed, SerializerRefused, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.registry_aware import AvroValues, Choices
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.faults import Faults
from lab.evidence.names import SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence

AN_ORDER = {"id": 7}
NO_ORDER = {"id": "seven"}
VIOLATING = b"three apples, please"


def order(mark: str, kind: str = "int") -> str:
    """The schema of orders whose id is of this kind."""
    fields = [{"name": "id", "type": kind}]
    return json.dumps({"type": "record", "name": f"Order_{mark}", "fields": fields})


@claim("U02")
def test_the_registry_decides_and_serves_but_does_not_guard_the_broker(
    kafka: KafkaClient,
    doors: Doors,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    orders, name, open_to_all = topic("orders"), subject("orders-value"), subject("open-value")
    schema, incompatible = order(unique.token), order(unique.token, "string")
    steward = SchemaRegistryClient(doors("steward").url)
    producer, consumer = doors("producer's serializer"), doors("consumer's deserializer")
    steward.set_level("BACKWARD", name)
    steward.set_level("NONE", open_to_all)
    schema_id = steward.register(name, schema)
    steward.register(open_to_all, schema)

    # Action
    decided = {
        which: evidence.act(
            "steward",
            "register an incompatible schema",
            which,
            partial(steward.try_register, which, incompatible),
        ).status
        for which in (name, open_to_all)
    }
    with AvroValues(producer.url, orders, schema, Choices()) as values:
        answers = [
            evidence.attempt(
                "registry-aware producer",
                f"produce {value}",
                orders,
                partial(values.produce, kafka, value),
                refusal=SerializerRefused,
            )
            for value in (NO_ORDER, AN_ORDER)
        ]
    after_the_producer = kafka.end_offset(orders)
    evidence.act(
        "raw client",
        "produce violating bytes",
        orders,
        lambda: kafka.produce(orders, VIOLATING),
    )
    valid, violating = (record.value or b"" for record in kafka.read(orders, 0))
    with AvroValues(consumer.url, orders, None, Choices()) as values:
        read = evidence.act(
            "registry-aware consumer", "deserialize", orders, lambda: values.deserialize(valid)
        )
        failed = evidence.attempt(
            "registry-aware consumer",
            "deserialize violating bytes",
            orders,
            lambda: values.deserialize(violating),
            refusal=DeserializerFailed,
        )
    steward.close()

    # Observed
    evidence.observe(
        "an incompatible schema under BACKWARD",
        decided[name],
        expected=409,
        says="the registry decides: an incompatible schema is refused with 409",
    )
    evidence.observe(
        "what the consumer's deserializer asked, and what it read",
        ([str(each) for each in consumer.asked()], read),
        expected=([f"GET /schemas/ids/{schema_id} → 200"], AN_ORDER),
        says="it serves: the deserializer fetched the schema by the id in the record",
    )
    evidence.observe(
        "a value that the schema does not allow",
        answers[0],
        expected="refused",
        says="the check is the client's: the serializer refused the value",
    )
    evidence.observe(
        "violating bytes from a raw client",
        violating,
        expected=VIOLATING,
        says="it does not guard: violating bytes were stored as they are",
    )
    if doors.watched:
        evidence.observe(
            "what anybody but these clients asked the registry about the topic",
            doors.by_others(unique, [schema_id]),
            expected=[],
            says="and no broker asked the registry about them",
        )
    else:
        evidence.limit("this target keeps no log of what its registry was asked")

    # Control
    evidence.control(
        "the same schema under NONE",
        decided[open_to_all],
        expected=200,
        says="under NONE the same schema was let in",
    )
    evidence.control(
        "a valid value, and the end offset after both",
        (answers[1], after_the_producer),
        expected=("accepted", 1),
        says="of the two values the valid one reached the topic",
    )
    evidence.control(
        "the consumer on the violating bytes",
        failed,
        expected="refused",
        says="the consumer is what failed on the violating bytes",
    )
    others = {"anybody else, the broker included": doors.by_others(unique, [schema_id])}
    access = record_access(evidence, doors)
    lay_out_access(evidence, "The summary", access, others if doors.watched else {})


@claim("U02")
@pytest.mark.disruptive
def test_the_broker_takes_violating_bytes_without_the_registry(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    faults: Faults,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")

    # Set-up
    orders, schema = topic("orders"), order(unique.token)
    registry.register(subject("orders-value"), schema)
    with AvroValues(registry.url, orders, schema, Choices()) as values:
        values.produce(kafka, AN_ORDER)
    valid = kafka.read(orders, 0)[0].value or b""

    def read_with_an_empty_cache(data: bytes) -> str:
        """ "read", "failed", or "no registry"."""
        with AvroValues(registry.url, orders, None, Choices()) as reader:
            try:
                evidence.act(
                    "consumer with an empty cache",
                    "deserialize",
                    orders,
                    lambda: reader.deserialize(data),
                )
            except Unreachable:
                return "no registry"
            except ClientError:
                return "failed"
        return "read"

    # Action
    faults.kill("schema-registry")
    evidence.act(
        "raw client", "produce violating bytes", orders, lambda: kafka.produce(orders, VIOLATING)
    )
    stored = [record.value for record in kafka.read(orders, 0)]
    dead = read_with_an_empty_cache(valid)
    faults.restart("schema-registry")

    # Observed
    evidence.observe(
        "the topic while the registry was dead",
        stored,
        expected=[valid, VIOLATING],
        says="registry killed: the broker stored the violating bytes just so",
    )

    # Control
    evidence.control(
        "a consumer with an empty cache, registry dead and back",
        (dead, read_with_an_empty_cache(valid)),
        expected=("no registry", "read"),
        says="a consumer that needs the schema could not read until the registry was back",
    )
