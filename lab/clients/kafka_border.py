"""The border to confluent-kafka: its exceptions become the lab's, its futures plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from lab import access
from lab.clients.errors import (
    BrokerRefused,
    ClientError,
    TopicExists,
    UnexpectedAnswer,
    UnknownGroup,
    UnknownTopic,
    Unreachable,
)

T = TypeVar("T")

Setting = str | int | float | bool
"""A value of a client's configuration."""

_NO_ANSWER = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError.REQUEST_TIMED_OUT,
    }
)
_UNKNOWN_TOPIC = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)


def translate(error: KafkaError, doing: str) -> ClientError:
    """The lab's error for ``error``, which happened while ``doing`` ("create topic orders")."""
    code, name, text = error.code(), error.name(), error.str()
    if code in _NO_ANSWER:
        return Unreachable(f"{doing}: {text} ({name})")
    kind = BrokerRefused
    if code in _UNKNOWN_TOPIC:
        kind = UnknownTopic
    elif code == KafkaError.TOPIC_ALREADY_EXISTS:
        kind = TopicExists
    elif code == KafkaError.GROUP_ID_NOT_FOUND:
        kind = UnknownGroup
    return kind(doing, code=code, name=name, text=text)


@contextmanager
def border(doing: str) -> Iterator[None]:
    """Translate everything that confluent-kafka raises inside."""
    try:
        yield
    except KafkaException as error:
        cause = error.args[0] if error.args else None
        if isinstance(cause, KafkaError):
            raise translate(cause, doing) from error
        raise UnexpectedAnswer(f"{doing}: {error}") from error
    except FutureTimeout as error:
        raise Unreachable(f"{doing}: no answer in time") from error
    except BufferError as error:
        raise ClientError(f"{doing}: the producer's queue is full") from error
    except (RuntimeError, ValueError, TypeError) as error:
        raise ClientError(f"{doing}: {error}") from error


def result(future: Future[T], doing: str, timeout_seconds: float) -> T:
    """The future's value, or the lab's error."""
    with border(doing):
        return future.result(timeout=timeout_seconds)


def connection(
    bootstrap_servers: str, config: Mapping[str, Setting] | None = None
) -> dict[str, Setting]:
    """Settings that every client shares; ``config`` goes on top.

    What the brokers ask for to let a client in is among them (see lab/access.py).

    librdkafka's log is off: what matters arrives as an error here. The reconnect back-off is short
    because experiments restart brokers.
    """
    return {
        "bootstrap.servers": bootstrap_servers,
        "log_level": 0,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "broker.address.family": "v4",
        **access.kafka_settings(bootstrap_servers),
        **(config or {}),
    }
