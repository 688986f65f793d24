"""S05. The subject's name is made by the client's subject name strategy.

Set-up    two types, orders and customers, and one topic for each of the three strategies
Action    a registry-aware producer with each strategy writes an order and then a customer to its
          topic; consumers read the topic, one that takes each value's own schema, one that insists
          on the schema of orders
Observed  RecordNameStrategy registers both types under the records' names, whatever the topic;
          TopicRecordNameStrategy under topic and record name; both types stand in one topic; the
          consumer that takes each value's own schema reads both, the one that insists on orders
          fails on the customer
Control   with TopicNameStrategy the one subject is the topic's, and the second type is refused
          before anything is produced
Limits    Avro; values only
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from lab.clients.errors import DeserializerFailed, SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.registry_aware import REGISTERS, AvroValues, Strategy
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire import schema_header

AN_ORDER = {"id": 7}
A_CUSTOMER = {"name": "Ann"}


def order(namespace: str) -> str:
    """The schema of orders."""
    fields = [{"name": "id", "type": "int"}]
    return json.dumps({"type": "record", "name": "Order", "namespace": namespace, "fields": fields})


def customer(namespace: str) -> str:
    """The schema of customers."""
    fields = [{"name": "name", "type": "string"}]
    return json.dumps(
        {"type": "record", "name": "Customer", "namespace": namespace, "fields": fields}
    )


@claim("S05")
@pytest.mark.parametrize("strategy", ["RecordName", "TopicRecordName"])
def test_the_clients_strategy_names_the_subject(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
    strategy: Strategy,
) -> None:
    # Set-up
    shop = f"shop_{unique.token}"
    events, one_type = topic("events"), topic("one-type")
    records = [f"{shop}.Order", f"{shop}.Customer"]
    wanted = {
        "RecordName": records,
        "TopicRecordName": [f"{events}-{record}" for record in records],
        "TopicName": [f"{one_type}-value"],
    }
    for name in (*wanted[strategy], *wanted["TopicName"]):
        registry.set_level("BACKWARD", subject.named(name))

    def subjects() -> set[str]:
        return set(filter(unique.mine, registry.subjects()))

    def writes(topic_name: str, with_strategy: Strategy) -> list[str]:
        """What came of writing an order, then a customer."""
        choices = replace(REGISTERS, strategy=with_strategy)
        answers = []
        for what, schema, value in (
            ("an order", order(shop), AN_ORDER),
            ("a customer", customer(shop), A_CUSTOMER),
        ):
            with AvroValues(registry.url, topic_name, schema, choices) as values:
                answers.append(
                    evidence.attempt(
                        "registry-aware producer",
                        f"produce {what} with {with_strategy}Strategy",
                        topic_name,
                        partial(values.produce, kafka, value),
                        refusal=SerializerRefused,
                    )
                )
        return answers

    # Action
    before = subjects()
    written = writes(events, strategy)
    appeared = subjects() - before
    values = [record.value or b"" for record in kafka.read(events, 0)]
    with AvroValues(registry.url, events, None, replace(REGISTERS, strategy=strategy)) as taking:
        read = [taking.deserialize(value) for value in values]
    with AvroValues(
        registry.url, events, order(shop), replace(REGISTERS, strategy=strategy)
    ) as own:
        insisting = [
            evidence.attempt(
                "consumer that insists on orders",
                "deserialize",
                events,
                partial(own.deserialize, value),
                refusal=DeserializerFailed,
            )
            for value in values
        ]

    # Observed
    evidence.observe(
        "the subjects that appeared",
        appeared,
        expected=set(wanted[strategy]),
        says=f"{strategy}Strategy: the schemas landed under {' and '.join(wanted[strategy])}",
    )
    evidence.observe(
        "two types in one topic",
        {"answers": written, "schemas": [schema_header.split(v).schema_id for v in values]},
        expected={
            "answers": ["accepted", "accepted"],
            "schemas": [registry.version(name).schema_id for name in wanted[strategy]],
        },
        says="both types stand in one topic, each value with the id of its own schema",
    )
    evidence.observe(
        "a consumer that takes each value's own schema",
        read,
        expected=[AN_ORDER, A_CUSTOMER],
        says="a consumer that takes each value's own schema reads both",
    )
    evidence.observe(
        "a consumer that insists on the schema of orders",
        insisting,
        expected=["accepted", "refused"],
        says="one that insists on the schema of orders fails on the customer",
    )

    # Control
    before = subjects()
    written = writes(one_type, "TopicName")
    evidence.control(
        "the same with TopicNameStrategy",
        {
            "answers": written,
            "subjects": subjects() - before,
            "versions": versions(registry, wanted),
        },
        expected={
            "answers": ["accepted", "refused"],
            "subjects": set(wanted["TopicName"]),
            "versions": [1],
        },
        says="TopicNameStrategy: one subject, and the second type was refused",
    )
    evidence.control(
        "the end offset of its topic",
        kafka.end_offset(one_type),
        expected=1,
        says="of which nothing was produced",
    )


def versions(registry: SchemaRegistryClient, wanted: dict[str, list[str]]) -> list[int]:
    """The versions of the topic's subject."""
    return [int(number) for number in registry.versions(wanted["TopicName"][0])]
