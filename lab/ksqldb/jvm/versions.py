"""What the JVM side says of itself."""

from __future__ import annotations

from functools import cache

import jpype  # type: ignore[import-untyped] # it has none


@cache
def kafka_streams() -> str:
    """Kafka Streams' version, as its own jar has it."""
    return str(jpype.JClass("org.apache.kafka.common.utils.AppInfoParser").getVersion())


@cache
def known_properties() -> frozenset[str]:
    """Every setting that Kafka Streams and the clients under it know."""
    found: set[str] = set()
    for name, method in (
        ("org.apache.kafka.streams.StreamsConfig", "configDef"),
        ("org.apache.kafka.clients.consumer.ConsumerConfig", "configDef"),
        ("org.apache.kafka.clients.producer.ProducerConfig", "configDef"),
        ("org.apache.kafka.clients.admin.AdminClientConfig", "configDef"),
    ):
        definition = getattr(jpype.JClass(name), method)()
        found.update(str(n) for n in definition.names())
    return frozenset(found)
