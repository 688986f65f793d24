"""K08. The broker accepts bytes that violate the registered schema.

Set-up    a topic whose value subject holds an Avro schema
Action    produce plain text, Avro written with another schema, and an unknown schema id
Observed  all three are acknowledged, and fetched back byte for byte
Control   the registry-aware serializer refuses the same values before a byte is sent, and the
          registry-aware deserializer is what fails on the stored bytes; a valid value passes both
Limits    Avro only; says nothing of brokers with plug-ins that validate on the server
"""

from __future__ import annotations

import json
from functools import partial

from lab.clients.errors import DeserializerFailed, RegistryNotFound, SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.plain import plain_avro
from lab.clients.registry_aware import AvroValues
from lab.clients.schema_registry import SchemaRegistryClient
from lab.endpoints import Endpoints
from lab.evidence import claim
from lab.evidence.checkers import bytes_changed
from lab.evidence.names import SubjectFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import fetched, produce
from lab.wire import schema_header

ORDER = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [{"name": "id", "type": "int"}, {"name": "amount", "type": "double"}],
    }
)
CUSTOMER = json.dumps(
    {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}]}
)
VALID_ORDER = {"id": 1, "amount": 9.5}
A_CUSTOMER = {"name": "Ann"}
A_TEXT = "three apples, please"
UNKNOWN_ID = 2**31 - 1


@claim("K08")
def test_broker_accepts_bytes_that_violate_the_schema(
    endpoints: Endpoints,
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    evidence: Evidence,
) -> None:
    # Set-up
    orders = topic("orders")
    evidence.act(
        "application",
        "register the schema of orders",
        orders_subject := subject("orders-value"),
        lambda: registry.register(orders_subject, ORDER),
    )
    customer_id = evidence.act(
        "application",
        "register another schema elsewhere",
        customers_subject := subject("customers-value"),
        lambda: registry.register(customers_subject, CUSTOMER),
    )
    nobody_knows = evidence.attempt(
        "application",
        "ask for a schema id that nobody registered",
        str(UNKNOWN_ID),
        lambda: registry.schema_by_id(UNKNOWN_ID),
        refusal=RegistryNotFound,
    )

    # Action
    plain_text = A_TEXT.encode()
    other_schema = schema_header.join(customer_id, plain_avro(CUSTOMER, A_CUSTOMER))
    unknown_id = schema_header.join(UNKNOWN_ID, plain_avro(ORDER, VALID_ORDER))
    for violating in (plain_text, other_schema, unknown_id):
        produce(evidence, kafka, orders, violating)

    # Observed
    stored = fetched(evidence, kafka.read(orders, 0))
    evidence.observe(
        "the fetched values are the produced ones",
        [record.value for record in stored],
        expected=[plain_text, other_schema, unknown_id],
        says="plain text, Avro of another schema and an unknown schema id: all acknowledged",
    )
    evidence.observe(
        "bytes at the acknowledged offsets", finding=evidence.finding(bytes_changed, topic=orders)
    )
    evidence.observe(
        "the registry did have a schema for this topic, and knew nothing of the unknown id",
        (registry.versions(orders_subject), nobody_knows),
        expected=([1], "refused"),
        says="although the subject had a schema",
    )

    # Control
    end_before = kafka.end_offset(orders)
    with AvroValues(endpoints.schema_registry_url or "", orders, ORDER) as avro:
        written = [
            evidence.attempt(
                "registry-aware producer",
                "produce what the schema does not allow",
                orders,
                partial(avro.produce, kafka, value),
                refusal=SerializerRefused,
            )
            for value in (A_TEXT, A_CUSTOMER)
        ]
        read = [
            evidence.attempt(
                "registry-aware consumer",
                "deserialize",
                orders,
                partial(avro.deserialize, record.value or b""),
                refusal=DeserializerFailed,
            )
            for record in stored
        ]
        end_after_refusals = kafka.end_offset(orders)
        acknowledged = evidence.act(
            "registry-aware producer",
            "produce a valid order",
            orders,
            lambda: avro.produce(kafka, VALID_ORDER),
        )
        valid = kafka.read(orders, 0, start=acknowledged.offset)[0]
        valid_read = avro.deserialize(valid.value or b"")
    evidence.control(
        "the serializer refuses, and the end offset stays",
        (written, end_after_refusals - end_before),
        expected=(["refused", "refused"], 0),
        says="the registry-aware serializer refused the same values, nothing reached the topic",
    )
    evidence.control(
        "the deserializer fails on each of the stored values",
        read,
        expected=["refused"] * 3,
        says="the registry-aware deserializer failed on all three",
    )
    evidence.control(
        "a valid value passes both",
        (acknowledged.offset, valid_read),
        expected=(end_before, VALID_ORDER),
        says="a valid value passed both",
    )
