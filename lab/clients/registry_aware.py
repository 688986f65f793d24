"""Registry-aware clients: Confluent's serializers and deserializers for one topic's values, typed.

They are what applications use; experiments watch them, and decode bytes with plain libraries
(plain.py) where they must not be their own witnesses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import httpx2
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    record_subject_name_strategy,
    topic_record_subject_name_strategy,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry import SchemaRegistryClient as ConfluentClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.message import Message

from lab import access
from lab.clients.errors import DeserializerFailed, SerializerRefused, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.names import SchemaType
from lab.clients.records import Acknowledged
from lab.clients.schema_registry import Reference

Strategy = Literal["TopicName", "RecordName", "TopicRecordName"]

_STRATEGIES: Mapping[Strategy, Callable[..., str | None]] = {
    "TopicName": topic_subject_name_strategy,
    "RecordName": record_subject_name_strategy,
    "TopicRecordName": topic_record_subject_name_strategy,
}


@dataclass(frozen=True)
class Choices:
    """What an application's configuration decides; the defaults register nothing.

    Without ``auto_register`` and ``use_latest`` the serializer asks the registry for the id of its
    own schema. ``retries`` are the client's own, for requests that no answer came to.
    """

    auto_register: bool = False
    use_latest: bool = False
    normalize: bool = False
    strategy: Strategy = "TopicName"
    timeout_seconds: float = 15.0
    retries: int = 0

    def of_serializer(self) -> dict[str, Any]:
        """The serializer's configuration, in its own words."""
        return {
            "auto.register.schemas": self.auto_register,
            "use.latest.version": self.use_latest,
            "normalize.schemas": self.normalize,
            "subject.name.strategy": _STRATEGIES[self.strategy],
        }

    def of_deserializer(self) -> dict[str, Any]:
        """The deserializer's configuration, in its own words."""
        return {"subject.name.strategy": _STRATEGIES[self.strategy]}


REGISTERS = Choices(auto_register=True)
TAKES_LATEST = Choices(use_latest=True)


class RegistryAwareValues:
    """Writes and reads the values of one topic. Use it as a context manager.

    What it learned from the registry stays in its cache as long as it lives.
    """

    def __init__(self, registry_url: str, topic: str, choices: Choices) -> None:
        self.choices = choices
        self._client = ConfluentClient(
            {
                "url": registry_url,
                "timeout": choices.timeout_seconds,
                "max.retries": choices.retries,
                "retries.wait.ms": 50,
                **_security(registry_url),
            }
        )
        self._context = SerializationContext(topic, MessageField.VALUE)
        self._topic = topic
        self.serializer: Callable[..., bytes | None]
        self._deserializer: Callable[..., object]

    def serialize(self, value: object) -> bytes:
        """The bytes for ``value``.

        Raises Unreachable when the registry did not answer, otherwise SerializerRefused, whatever
        the serializer raised.
        """
        try:
            data = self.serializer(value, self._context)
        except httpx2.TransportError as error:
            raise _unreachable(error) from error
        except Exception as error:
            raise SerializerRefused(f"{type(error).__name__}: {error}") from error
        if data is None:
            raise SerializerRefused("it made a null of the value")
        return data

    def produce(self, kafka: KafkaClient, value: object) -> Acknowledged:
        """Serialize and produce: nothing is sent unless the serializer accepts the value."""
        return kafka.produce(self._topic, self.serialize(value))

    def deserialize(self, data: bytes) -> object:
        """The value in ``data``. Raises Unreachable without the registry, or DeserializerFailed."""
        try:
            return self._deserializer(data, self._context)
        except httpx2.TransportError as error:
            raise _unreachable(error) from error
        except Exception as error:
            raise DeserializerFailed(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Close the connections to the registry."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AvroValues(RegistryAwareValues):
    """Avro values; read by ``schema``, or by the schema they were written with if it is None.

    By default the latest schema of the value subject is used and nothing is registered.
    """

    def __init__(
        self,
        registry_url: str,
        topic: str,
        schema: str | None,
        choices: Choices = TAKES_LATEST,
        *,
        references: Sequence[Reference] = (),
    ) -> None:
        super().__init__(registry_url, topic, choices)
        known = None if schema is None else _schema(schema, "AVRO", references)
        self.serializer = AvroSerializer(
            self._client, None if choices.use_latest else known, conf=choices.of_serializer()
        )
        self._deserializer = AvroDeserializer(self._client, known, conf=choices.of_deserializer())


class JsonValues(RegistryAwareValues):
    """JSON documents, validated by ``schema`` when written and when read."""

    def __init__(
        self, registry_url: str, topic: str, schema: str, choices: Choices = TAKES_LATEST
    ) -> None:
        super().__init__(registry_url, topic, choices)
        self.serializer = JSONSerializer(schema, self._client, conf=choices.of_serializer())
        self._deserializer = JSONDeserializer(
            schema, schema_registry_client=self._client, conf=choices.of_deserializer()
        )


class ProtobufValues(RegistryAwareValues):
    """Protobuf messages of one class."""

    def __init__(
        self,
        registry_url: str,
        topic: str,
        message: type[Message],
        choices: Choices = TAKES_LATEST,
    ) -> None:
        super().__init__(registry_url, topic, choices)
        self.serializer = ProtobufSerializer(
            cast("Message", message), self._client, choices.of_serializer()
        )
        self._deserializer = ProtobufDeserializer(
            cast("Message", message), choices.of_deserializer(), self._client
        )


def _security(registry_url: str) -> dict[str, Any]:
    found = access.http_access(registry_url)
    settings = {
        "basic.auth.user.info": None if found.basic is None else ":".join(found.basic),
        "ssl.ca.location": found.ca_file,
        "ssl.certificate.location": found.certificate_file,
        "ssl.key.location": found.key_file,
    }
    if found.token is not None:
        settings |= {
            "bearer.auth.credentials.source": "STATIC_TOKEN",
            "bearer.auth.token": found.token,
            "bearer.auth.logical.cluster": "",
        }
    return {name: value for name, value in settings.items() if value is not None}


def _schema(text: str, schema_type: SchemaType, references: Sequence[Reference]) -> Schema:
    return Schema(
        text,
        schema_type,
        [SchemaReference(str(r["name"]), str(r["subject"]), int(r["version"])) for r in references],
    )


def _unreachable(error: httpx2.TransportError) -> Unreachable:
    return Unreachable(f"the registry did not answer: {type(error).__name__}: {error}")
