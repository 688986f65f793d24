"""S07. A registry-aware value starts with a zero byte and a four-byte schema id.

Set-up    for Avro, Protobuf and JSON Schema a topic and Confluent's serializer
Action    produce an order with each; fetch the bytes back; take them apart by hand
Observed  a zero byte and four bytes that are, big-endian, the id under which the registry has the
          value's schema; in Protobuf then the way to the message within the schema; what is left is
          decoded by a plain library with the schema fetched by that id, and is the order
Control   plain JSON has no such header: the parser finds 0x7b, and the registry-aware deserializer
          refuses it and says so; without the five bytes in front the same value is refused as well
Limits    values only; keys have the same header; the deserializer has the Protobuf schema in its
          cache, since not every registry serves one as the descriptor that Python's client asks for
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import get_args

import pytest

from lab.clients.errors import DeserializerFailed
from lab.clients.kafka import KafkaClient
from lab.clients.names import SchemaType, TopicName
from lab.clients.plain import (
    proto3_file,
    protobuf_file,
    protobuf_message,
    read_plain_avro,
    read_plain_json,
    read_plain_protobuf,
)
from lab.clients.registry_aware import (
    REGISTERS,
    AvroValues,
    JsonValues,
    ProtobufValues,
    RegistryAwareValues,
)
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.wire import schema_header
from lab.wire.errors import DecodeError

ORDER = {"id": 7, "note": "fragile"}
AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [{"name": "id", "type": "int"}, {"name": "note", "type": "string"}],
    }
)
JSON = json.dumps(
    {
        "type": "object",
        "title": "Order",
        "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["id"],
    }
)
# The order is the second message of its file, so that the way to it is not the default.
PROTOBUF = proto3_file(
    "orders.proto",
    "shop",
    {"Customer": {"name": "string"}, "Order": {"id": "int32", "note": "string"}},
)
ORDER_MESSAGE = protobuf_message(PROTOBUF, [1])


@claim("S07")
@pytest.mark.parametrize("schema_type", get_args(SchemaType))
def test_values_start_with_zero_and_a_schema_id(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    evidence: Evidence,
    schema_type: SchemaType,
) -> None:
    # Set-up
    orders, orders_subject = topic("orders"), subject("orders-value")
    with values_of(schema_type, registry.url, orders) as values:
        # Action
        written = evidence.act(
            "registry-aware producer",
            f"produce an order in {schema_type}",
            orders,
            lambda: values.produce(kafka, as_written(schema_type)),
        )
        fetched = kafka.read(orders, written.partition, start=written.offset)[0].value or b""
        framed = schema_header.split(fetched)
        indexes, _ = indexes_of(schema_type, framed.payload)
        evidence.record(
            "broker",
            "fetch",
            orders,
            answer={
                "value": fetched,
                "magic": fetched[:1],
                "schema id": fetched[1:5],
                "message indexes": indexes,
            },
        )

        # Observed
        evidence.observe(
            "the first byte",
            fetched[:1],
            expected=b"\x00",
            says=f"{schema_type}: the first byte is 0",
        )
        evidence.observe(
            "the next four bytes, and the id of the subject's schema",
            int.from_bytes(fetched[1:5], "big"),
            expected=registry.version(orders_subject).schema_id,
            says="the next four are the schema's id",
        )
        if schema_type == "PROTOBUF":
            evidence.observe(
                "the message indexes",
                indexes,
                expected=(1,),
                says="then the way to the second message of the schema",
            )
        evidence.observe(
            "the rest, decoded by a plain library with the schema of that id",
            decoded(schema_type, registry, framed),
            expected=ORDER,
            says="a plain library decodes the rest with the schema of that id",
        )
        evidence.observe(
            "the registry-aware deserializer on the same bytes",
            as_read(values.deserialize(fetched)),
            expected=ORDER,
            says="as the registry-aware deserializer does",
        )

        # Control
        plain = json.dumps(ORDER).encode()
        evidence.control(
            "plain JSON, taken apart in the same way",
            reason(lambda: schema_header.split(plain), DecodeError),
            expected="magic byte 0x7b, not 0x00 at byte 0",
            says="plain JSON begins with 0x7b, not with a header",
        )
        for what, data in (("plain JSON", plain), ("the value without its header", fetched[5:])):
            said = reason(
                lambda data=data: values.deserialize(data),  # type: ignore[misc]
                DeserializerFailed,
            )
            evidence.record("registry-aware consumer", f"deserialize {what}", orders, answer=said)
            evidence.control(
                f"the registry-aware deserializer on {what}",
                "magic byte" in said.lower() or "schema id" in said.lower(),
                expected=True,
                says=f"{schema_type}: the deserializer refused {what} for its first byte",
            )


def values_of(schema_type: SchemaType, url: str, topic: TopicName) -> RegistryAwareValues:
    """Confluent's serializer and deserializer for orders, registering their schema."""
    if schema_type == "AVRO":
        return AvroValues(url, topic, AVRO, REGISTERS)
    if schema_type == "JSON":
        return JsonValues(url, topic, JSON, REGISTERS)
    return ProtobufValues(url, topic, ORDER_MESSAGE, REGISTERS)


def as_written(schema_type: SchemaType) -> object:
    """The order as the serializer takes it."""
    return ORDER_MESSAGE(**ORDER) if schema_type == "PROTOBUF" else ORDER


def as_read(value: object) -> object:
    """The order as plain data."""
    return value if isinstance(value, dict) else {n: getattr(value, n, None) for n in ORDER}


def indexes_of(schema_type: SchemaType, payload: bytes) -> tuple[tuple[int, ...], bytes]:
    """The message indexes, which only Protobuf has, and what comes after them."""
    return schema_header.message_indexes(payload) if schema_type == "PROTOBUF" else ((), payload)


def decoded(
    schema_type: SchemaType, registry: SchemaRegistryClient, framed: schema_header.Framed
) -> object:
    """The payload, decoded by a plain library with nothing but what the registry serves."""
    if schema_type == "AVRO":
        return read_plain_avro(registry.schema_by_id(framed.schema_id), framed.payload)
    if schema_type == "JSON":
        return read_plain_json(registry.schema_by_id(framed.schema_id), framed.payload)
    indexes, data = indexes_of(schema_type, framed.payload)
    file = protobuf_file(registry.schema_by_id(framed.schema_id))
    return read_plain_protobuf(protobuf_message(file, indexes), data)


def reason(call: Callable[[], object], kind: type[Exception]) -> str:
    """Why the call fails; a text that says so when it does not."""
    try:
        return f"it did not fail: {call()!r}"
    except kind as error:
        return str(error)
