"""A registry-aware client for Avro values: Confluent's serializer and deserializer, typed.

They are what applications use; experiments watch them, and decode bytes with a plain Avro library
where they must not be their own witnesses.
"""

from __future__ import annotations

import io
import json
from typing import Self

import fastavro
from confluent_kafka.schema_registry import SchemaRegistryClient as ConfluentClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from lab.clients.errors import DeserializerFailed, SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.records import Acknowledged


class AvroValues:
    """Writes and reads the values of one topic by the latest schema of its value subject.

    Registers nothing. Use it as a context manager.
    """

    def __init__(self, registry_url: str, topic: str, schema: str) -> None:
        self._client = ConfluentClient({"url": registry_url})
        self._context = SerializationContext(topic, MessageField.VALUE)
        self._topic = topic
        self._serializer = AvroSerializer(
            self._client, None, conf={"auto.register.schemas": False, "use.latest.version": True}
        )
        self._deserializer = AvroDeserializer(self._client, schema)

    def serialize(self, value: object) -> bytes:
        """The bytes for ``value``. Raises SerializerRefused, whatever the serializer raised."""
        try:
            data: bytes | None = self._serializer(value, self._context)
        except Exception as error:
            raise SerializerRefused(f"{type(error).__name__}: {error}") from error
        if data is None:
            raise SerializerRefused("it made a null of the value")
        return data

    def produce(self, kafka: KafkaClient, value: object) -> Acknowledged:
        """Serialize and produce: nothing is sent unless the serializer accepts the value."""
        return kafka.produce(self._topic, self.serialize(value))

    def deserialize(self, data: bytes) -> object:
        """The value in ``data``, read by this topic's schema. Raises DeserializerFailed."""
        try:
            return self._deserializer(data, self._context)
        except Exception as error:
            raise DeserializerFailed(f"{type(error).__name__}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def plain_avro(schema: str, value: object) -> bytes:
    """``value`` in Avro's binary encoding, without any header: a plain library's work."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(schema)), value)
    return buffer.getvalue()


def read_plain_avro(schema: str, data: bytes) -> object:
    """The value in ``data`` (no header). Raises DeserializerFailed."""
    try:
        return fastavro.schemaless_reader(
            io.BytesIO(data), fastavro.parse_schema(json.loads(schema)), None
        )
    except (EOFError, ValueError, TypeError, IndexError) as error:
        raise DeserializerFailed(f"{type(error).__name__}: {error}") from error
