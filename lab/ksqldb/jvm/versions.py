"""What the JVM side says of itself."""

from __future__ import annotations

from functools import cache

import jpype  # type: ignore[import-untyped] # it has none


@cache
def kafka_streams() -> str:
    """Kafka Streams' version, as its own jar has it."""
    return str(jpype.JClass("org.apache.kafka.common.utils.AppInfoParser").getVersion())


_CONFIGURATIONS = (
    "org.apache.kafka.streams.StreamsConfig",
    "org.apache.kafka.clients.consumer.ConsumerConfig",
    "org.apache.kafka.clients.producer.ProducerConfig",
    "org.apache.kafka.clients.admin.AdminClientConfig",
)


@cache
def known_properties() -> frozenset[str]:
    """Every setting that Kafka Streams and the clients under it know."""
    found: set[str] = set()
    for name in _CONFIGURATIONS:
        found.update(str(n) for n in jpype.JClass(name).configDef().names())
    return frozenset(found)


def invalid_value(name: str, value: str) -> str | None:
    """Why a setting cannot have a value, or None when it can; unknown settings can have any."""
    for configuration in _CONFIGURATIONS:
        key = jpype.JClass(configuration).configDef().configKeys().get(name)
        if key is None:
            continue
        try:
            parsed = jpype.JClass("org.apache.kafka.common.config.ConfigDef").parseType(
                name, value, key.type()
            )
            if key.validator is not None:
                key.validator.ensureValid(name, parsed)
        except jpype.JException as error:
            return str(error.getMessage())
        return None
    return None
