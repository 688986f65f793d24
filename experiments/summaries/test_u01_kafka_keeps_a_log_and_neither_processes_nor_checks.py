"""U01. "Kafka takes in streams and manages data": it keeps and hands over a log; it neither
processes nor checks what is in it.

Set-up    one topic with a registered Avro schema, and a ksqlDB query that reads it as text
Action    ksqlDB is killed; a valid record and bytes that violate the schema are produced; then the
          broker is killed, and both are started again
Observed  the broker took all bytes (K08), processed nothing while ksqlDB was dead (K09), and after
          its own SIGKILL handed over the same bytes at the same offsets (K01)
Control   with ksqlDB back what was produced is processed: it is a client that does it; the
          registry-aware serializer refuses the violating value: it is a client that checks;
          records that are deleted by request are not handed over any more
Limits    the three claims have experiments of their own, which look more closely
"""

from __future__ import annotations

import json
from functools import partial

import pytest

from lab.clients.errors import SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import TopicName
from lab.clients.plain import plain_avro
from lab.clients.registry_aware import AvroValues
from lab.clients.schema_registry import SchemaRegistryClient
from lab.endpoints import Endpoints
from lab.evidence import claim
from lab.evidence.checkers import bytes_changed
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import fetched, produce
from lab.targets.base import Target
from lab.wait import wait_until
from lab.wire import schema_header

ORDER = json.dumps(
    {"type": "record", "name": "Order", "fields": [{"name": "item", "type": "string"}]}
)
VIOLATING = b"three apples, please"


@claim("U01")
@pytest.mark.disruptive
def test_kafka_keeps_a_log_and_neither_processes_nor_checks(
    lab: Target,
    endpoints: Endpoints,
    faults: Faults,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")
    by_role = {found.role: found.name for found in lab.components()}

    # Set-up
    orders = topic("orders")
    schema_id = registry.register(subject("orders-value"), ORDER)
    stream, sink = source_name("orders"), source_name("shouted")
    ksqldb.execute(
        f"CREATE STREAM {stream} (line VARCHAR)"
        f" WITH (KAFKA_TOPIC='{orders}', VALUE_FORMAT='KAFKA');"
    )
    statement = f"CREATE STREAM {sink} AS SELECT UCASE(line) AS line FROM {stream} EMIT CHANGES;"
    evidence.act("user", statement, sink, lambda: ksqldb.start_query(statement))

    # Action
    valid = schema_header.join(schema_id, plain_avro(ORDER, {"item": "apple"}))
    faults.kill(by_role["ksqldb"])
    for value in (valid, VIOLATING):
        produce(evidence, kafka, orders, value)
    processed_by_nobody = len(records_in(TopicName(sink), kafka))
    faults.kill(by_role["broker"])
    faults.restart(by_role["broker"])
    stored = fetched(evidence, kafka.read(orders, 0))
    processed = wait_until(
        "the sink has what was produced",
        lambda: VIOLATING.upper() in records_in(TopicName(sink), kafka),
        timeout_seconds=60,
        every_seconds=0.2,
    )

    # Observed
    evidence.observe(
        "what was stored",
        [record.value for record in stored],
        expected=[valid, VIOLATING],
        says="it took a valid record and bytes that violate the registered schema alike",
    )
    evidence.observe(
        "the bytes after the broker's SIGKILL",
        finding=evidence.finding(bytes_changed, topic=orders),
        says="handed them over byte for byte after its own SIGKILL",
    )
    evidence.observe(
        "records in the sink while ksqlDB was dead",
        processed_by_nobody,
        expected=0,
        says="and processed nothing while ksqlDB was dead",
    )

    # Control
    evidence.control(
        "whether the sink has it with ksqlDB back",
        processed,
        expected=True,
        says="with ksqlDB back what was produced is processed: a client does that",
    )
    with AvroValues(endpoints.schema_registry_url or "", orders, ORDER) as avro:
        refused = evidence.attempt(
            "registry-aware producer",
            "produce what the schema does not allow",
            orders,
            partial(avro.produce, kafka, VIOLATING.decode()),
            refusal=SerializerRefused,
        )
    evidence.control(
        "the registry-aware serializer and the violating value",
        refused,
        expected="refused",
        says="the serializer refused the violating value: a client checks that",
    )
    kafka.delete_records(orders, 0, before=1)
    evidence.control(
        "what is left after a record was deleted by request",
        [record.value for record in kafka.read(orders, 0)],
        expected=[VIOLATING],
        says="what was deleted by request was handed over no more",
    )


def records_in(topic: TopicName, kafka: KafkaClient) -> list[bytes]:
    """The values that a topic has now; none if there is no such topic yet."""
    if not kafka.has_topic(topic):
        return []
    return [record.value or b"" for record in kafka.read_all(topic)]
