"""S06. The check against the schema happens in the client's serializer, before a byte goes out.

Set-up    for Avro, Protobuf and JSON Schema a topic whose value subject holds the schema of orders;
          a registry-aware producer, connected to the broker through a proxy that reads the
          protocol; every client reaches the registry through a recording proxy of its own
Action    produce values that the schema does not allow, then with another, incompatible schema
Observed  each is refused in the producer; neither the proxy nor librdkafka's statistics know of a
          Produce request, and the topic's end offset is where it was; the registry was asked by
          the serializers, by a deserializer and by nobody else about this topic: by no broker
Control   a valid value is sent in one Produce request and moves the end offset by one
Limits    where brokers are reached with TLS only the statistics count Produce requests
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import pytest
from google.protobuf.message import Message

from lab.clients.errors import DeserializerFailed, SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import Setting
from lab.clients.names import SchemaType
from lab.clients.plain import proto3_file, protobuf_message
from lab.clients.registry_aware import (
    REGISTERS,
    AvroValues,
    Choices,
    JsonValues,
    ProtobufValues,
    RegistryAwareValues,
)
from lab.clients.schema_registry import SchemaRegistryClient
from lab.clients.serializing import RegistryAwareProducer
from lab.endpoints import Capabilities, Endpoints
from lab.evidence import claim
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.names import SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire.kafka_proxy import KafkaProxy


@dataclass(frozen=True)
class Orders:
    """Orders in one format: Confluent's serializer for them, and values for it."""

    open: Callable[[str, str, Choices], RegistryAwareValues]
    changed: Callable[[str, str, Choices], RegistryAwareValues]
    valid: object
    invalid: dict[str, object]
    valid_when_changed: object


def orders_in(schema_type: SchemaType, mark: str) -> Orders:
    """``mark`` makes the schemas unlike any that the registry has."""
    if schema_type == "AVRO":
        return Orders(
            lambda url, topic, choices: AvroValues(url, topic, avro(mark, "int"), choices),
            lambda url, topic, choices: AvroValues(url, topic, avro(mark, "string"), choices),
            valid={"id": 7},
            invalid={"a text for a number": {"id": "seven"}, "a customer": {"name": "Ann"}},
            valid_when_changed={"id": "seven"},
        )
    if schema_type == "JSON":
        return Orders(
            lambda url, topic, choices: JsonValues(
                url, topic, json_schema(mark, "integer"), choices
            ),
            lambda url, topic, choices: JsonValues(
                url, topic, json_schema(mark, "string"), choices
            ),
            valid={"id": 7},
            invalid={"a text for a number": {"id": "seven"}, "a customer": {"name": "Ann"}},
            valid_when_changed={"id": "seven"},
        )
    order, changed, customer = (
        protobuf(mark, "Order", id="int32"),
        protobuf(mark, "Order", id="string"),
        protobuf(mark, "Customer", name="string"),
    )
    return Orders(
        lambda url, topic, choices: ProtobufValues(url, topic, order, choices),
        lambda url, topic, choices: ProtobufValues(url, topic, changed, choices),
        valid=order(id=7),
        invalid={"no message": {"id": 7}, "a customer": customer(name="Ann")},
        valid_when_changed=changed(id="seven"),
    )


def avro(mark: str, kind: str) -> str:
    """The Avro schema of orders whose id is of this kind."""
    fields = [{"name": "id", "type": kind}]
    return json.dumps({"type": "record", "name": f"Order_{mark}", "fields": fields})


def json_schema(mark: str, kind: str) -> str:
    """The JSON Schema of orders whose id is of this kind."""
    schema: dict[str, Any] = {"type": "object", "title": f"Order_{mark}", "required": ["id"]}
    return json.dumps(schema | {"properties": {"id": {"type": kind}}})


def protobuf(mark: str, kind: str, **fields: str) -> type[Message]:
    """A Protobuf message with these fields, in a file of its own."""
    return protobuf_message(
        proto3_file(f"{kind}_{mark}.proto", f"shop_{mark}", {kind: fields}), [0]
    )


@claim("S06")
@pytest.mark.parametrize("schema_type", get_args(SchemaType))
def test_the_check_is_made_before_a_byte_is_sent(
    endpoints: Endpoints,
    capabilities: Capabilities,
    kafka: KafkaClient,
    doors: Doors,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
    schema_type: SchemaType,
) -> None:
    # Set-up
    orders = orders_in(schema_type, unique.token)
    name, orders_subject = topic("orders"), subject("orders-value")
    steward = SchemaRegistryClient(doors("steward").url)
    steward.set_level("BACKWARD", orders_subject)
    with orders.open(steward.url, name, REGISTERS) as values:
        values.serialize(orders.valid)
    steward.close()
    serializing, changing = doors("serializer").url, doors("serializer, changed schema").url
    serializer = orders.open(serializing, name, Choices())
    changed_serializer = orders.changed(changing, name, REGISTERS)
    with (
        serializer,
        changed_serializer,
        watched(endpoints, capabilities) as (config, seen_on_the_way),
        RegistryAwareProducer(kafka, name, serializer, config=config) as producer,
        RegistryAwareProducer(kafka, name, changed_serializer, config=config) as changed,
    ):

        def requests() -> dict[str, object]:
            """How many Produce requests there were: counted in the clients, seen by the proxy."""
            counted = producer.produce_requests() + changed.produce_requests()
            return {"counted": counted, "seen": seen_on_the_way()}

        def tried(what: str, by: RegistryAwareProducer, value: object) -> str:
            return evidence.attempt(
                "registry-aware producer",
                f"produce {what}",
                name,
                partial(by.produce, value),
                refusal=SerializerRefused,
            )

        # Action
        end_before = kafka.end_offset(name)
        answers = {what: tried(what, producer, value) for what, value in orders.invalid.items()}
        answers["an incompatible schema"] = tried(
            "an incompatible schema", changed, orders.valid_when_changed
        )
        sent, moved = requests(), kafka.end_offset(name) - end_before

        # Observed
        evidence.observe(
            "what the producer said to each",
            answers,
            expected=dict.fromkeys(answers, "refused"),
            says=f"{schema_type}: {', '.join(answers)}: each refused in the producer",
        )
        evidence.observe(
            "Produce requests sent, and how far the end offset moved",
            (sent, moved),
            expected=({"counted": 0, "seen": 0 if capabilities.proxy else None}, 0),
            says=f"{schema_type}: no Produce request was sent, the end offset stayed",
        )

        # Control
        valid = tried("a valid order", producer, orders.valid)
        evidence.control(
            "a valid value",
            {
                "answer": valid,
                "requests": requests(),
                "moved": kafka.end_offset(name) - end_before,
            },
            expected={
                "answer": "accepted",
                "requests": {"counted": 1, "seen": 1 if capabilities.proxy else None},
                "moved": 1,
            },
            says=f"{schema_type}: a valid value went out in one Produce request, the offset moved",
        )

    # Observed: who asked the registry
    stored = kafka.read(name, 0)[0].value or b""
    with orders.open(doors("deserializer").url, name, Choices()) as reader:
        read_by(evidence, schema_type, reader, stored)
    schema_id = int.from_bytes(stored[1:5], "big")
    others = doors.by_others(unique, [schema_id]) if doors.watched else None
    access = record_access(evidence, doors)
    anybody = {} if others is None else {"anybody else, the broker included": others}
    lay_out_access(evidence, schema_type, access, anybody)
    evidence.observe(
        "who asked the registry to check the changed schema",
        [told for told in access["serializer, changed schema"] if told.startswith("POST")],
        expected=[f"POST /subjects/{orders_subject}/versions → 409"],
        says=f"{schema_type}: the changed schema was refused by the registry, with 409",
    )
    evidence.observe(
        "what the other serializer asked before it refused by itself",
        [told for told in access["serializer"] if told.startswith("POST")],
        expected=[f"POST /subjects/{orders_subject} → 200"],
        says=f"{schema_type}: for the other values the serializer only looked its schema up",
    )
    if others is not None:
        evidence.observe(
            "what anybody else asked about this topic's subject or schema",
            others,
            expected=[],
            says=f"{schema_type}: nobody else asked the registry anything: no broker did",
        )
    else:
        evidence.limit("this target keeps no log of what its registry was asked")


@contextmanager
def watched(
    endpoints: Endpoints, capabilities: Capabilities
) -> Iterator[tuple[dict[str, Setting], Callable[[], int | None]]]:
    """How clients reach the brokers, and how many Produce requests were seen on the way.

    Nobody sees any, None, where the brokers cannot be reached through a proxy.
    """
    if not capabilities.proxy:
        yield {}, lambda: None
        return
    with KafkaProxy(endpoints.bootstrap_servers) as proxy:

        def seen() -> int:
            assert not proxy.problems, proxy.problems
            return len(proxy.seen("Produce"))

        yield {"bootstrap.servers": proxy.bootstrap_servers}, seen


def read_by(
    evidence: Evidence, schema_type: SchemaType, reader: RegistryAwareValues, stored: bytes
) -> None:
    """Let a consumer with an empty cache read; what it asks the registry is what matters here."""
    try:
        evidence.act(
            "registry-aware consumer",
            "deserialize",
            schema_type,
            lambda: str(reader.deserialize(stored)).strip(),
        )
    except DeserializerFailed as error:
        evidence.limit(f"{schema_type}: a consumer with an empty cache could not read: {error}")
