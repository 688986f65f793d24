"""A producer with a registry-aware serializer inside, as applications run it.

Confluent's SerializingProducer is connected before it has anything to send, so that "it sent
nothing" says something. librdkafka's own statistics count the Produce requests that it sent.
"""

from __future__ import annotations

import json
from typing import Any, Self

import httpx2
from confluent_kafka import KafkaError, Message, SerializingProducer
from confluent_kafka.error import ValueSerializationError

from lab.clients.errors import SerializerRefused, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import Setting, border, translate
from lab.clients.records import Acknowledged, stored
from lab.clients.registry_aware import RegistryAwareValues
from lab.wait import wait_until

_STATISTICS_MS = 100


class RegistryAwareProducer:
    """Produces values of one topic through their serializer. Use it as a context manager.

    ``config`` goes on top of the client's settings, ``bootstrap.servers`` among them.
    """

    def __init__(
        self,
        kafka: KafkaClient,
        topic: str,
        values: RegistryAwareValues,
        *,
        config: dict[str, Setting] | None = None,
    ) -> None:
        self._topic = topic
        self._statistics: dict[str, Any] = {}
        self._seen = 0
        settings: dict[str, Any] = kafka.connection(
            {"acks": "all", "linger.ms": 0, "statistics.interval.ms": _STATISTICS_MS}
        )
        settings |= config or {}
        settings["stats_cb"] = self._note
        settings["value.serializer"] = values.serializer
        with border(f"connect a producer for {topic}"):
            self._producer = SerializingProducer(settings)
            self._producer.list_topics(topic, timeout=kafka.timeout_seconds)

    def _note(self, statistics: str) -> None:
        self._statistics = json.loads(statistics)
        self._seen += 1

    def produce(self, value: object, *, timeout_seconds: float = 15.0) -> Acknowledged:
        """Produce one value and wait for the acknowledgement.

        Raises SerializerRefused, Unreachable (the registry or the broker did not answer), or
        BrokerRefused.
        """
        doing = f"produce to {self._topic}"
        answers: list[tuple[KafkaError | None, Message]] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            answers.append((error, message))

        try:
            self._producer.produce(self._topic, value=value, on_delivery=delivered)
        except ValueSerializationError as error:
            raise _refusal(error) from error
        self._producer.flush(timeout_seconds)
        if not answers:
            raise Unreachable(f"{doing}: no acknowledgement within {timeout_seconds:g} s")
        failure, message = answers[0]
        if failure is not None:
            raise translate(failure, doing)
        record = stored(message)
        return Acknowledged(record.topic, record.partition, record.offset, record.timestamp_ms)

    def produce_requests(self) -> int:
        """How many Produce requests librdkafka has sent so far, by statistics made after the call.

        Raises ConditionTimeout when it makes none.
        """
        seen = self._seen

        def counted() -> bool:
            self._producer.poll(_STATISTICS_MS / 1000)
            # The next statistics may have been gathered before the call, those after it were not.
            return self._seen >= seen + 2

        wait_until("new statistics of the producer", counted, timeout_seconds=20)
        brokers = self._statistics.get("brokers", {})
        return sum(int(broker.get("req", {}).get("Produce", 0)) for broker in brokers.values())

    def close(self) -> None:
        """Give up what was not delivered, and close the connections."""
        self._producer.purge()
        self._producer.flush(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refusal(error: ValueSerializationError) -> SerializerRefused | Unreachable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, httpx2.TransportError):
            return Unreachable(f"the registry did not answer: {type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    return SerializerRefused(f"{type(error).__name__}: {error}")
