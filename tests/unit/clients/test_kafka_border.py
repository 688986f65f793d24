"""Nothing of confluent-kafka gets past the border untranslated."""

from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

import pytest
from confluent_kafka import KafkaError, KafkaException

from lab.clients import errors
from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import border, connection, result, translate


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.UNKNOWN_TOPIC_OR_PART, errors.UnknownTopic),
        (KafkaError._UNKNOWN_PARTITION, errors.UnknownTopic),
        (KafkaError.TOPIC_ALREADY_EXISTS, errors.TopicExists),
        (KafkaError.GROUP_ID_NOT_FOUND, errors.UnknownGroup),
        (KafkaError._ALL_BROKERS_DOWN, errors.Unreachable),
        (KafkaError._MSG_TIMED_OUT, errors.Unreachable),
        (KafkaError._TRANSPORT, errors.Unreachable),
        (KafkaError.NOT_ENOUGH_REPLICAS, errors.BrokerRefused),
        (KafkaError.MSG_SIZE_TOO_LARGE, errors.BrokerRefused),
    ],
)
def test_codes(code: int, kind: type[errors.ClientError]) -> None:
    error = translate(KafkaError(code), "try something")
    assert type(error) is kind
    assert "try something" in error.message


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (KafkaException(KafkaError(KafkaError._TRANSPORT)), errors.Unreachable),
        (KafkaException("odd"), errors.UnexpectedAnswer),
        (KafkaException(), errors.UnexpectedAnswer),
        (FutureTimeout(), errors.Unreachable),
        (BufferError("full"), errors.ClientError),
        (RuntimeError("closed"), errors.ClientError),
        (ValueError("bad"), errors.ClientError),
        (TypeError("worse"), errors.ClientError),
    ],
)
def test_everything_that_the_library_raises(
    raised: Exception, kind: type[errors.ClientError]
) -> None:
    with pytest.raises(errors.ClientError) as caught, border("try something"):
        raise raised
    assert type(caught.value) is kind


def test_results_of_futures() -> None:
    future: Future[int] = Future()
    with pytest.raises(errors.Unreachable):
        result(future, "wait", 0.01)
    future.set_result(5)
    assert result(future, "wait", 0.01) == 5


def test_the_callers_settings_come_last() -> None:
    assert connection("h:1", {"log_level": 3})["log_level"] == 3
    client = KafkaClient("h:1", config={"client.id": "a"})
    assert client.connection({"client.id": "b"})["client.id"] == "b"
    assert client.connection()["bootstrap.servers"] == "h:1"


def test_a_broker_that_is_not_there() -> None:
    client = KafkaClient("127.0.0.1:9")
    client.timeout_seconds = 0.5
    with pytest.raises(errors.Unreachable):
        client.topics()
    with pytest.raises(errors.Unreachable):
        client.produce("t", b"x", timeout_seconds=0.5)
    with pytest.raises(errors.Unreachable):
        client.range_of("t", 0, timeout_seconds=0.5)
