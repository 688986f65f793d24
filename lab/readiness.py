"""Proofs of readiness: a component is ready when it has done its work once, in front of us.

The broker takes a record and gives it back; the registry stores a schema and serves it; ksqlDB
answers a statement and a pull query whose row is the very record that the broker took. Whatever a
proof made is removed again.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from lab import access
from lab.errors import LabError
from lab.wait import wait_until

GiveUp = Callable[[], None]
_ANSWER_SECONDS = 120
"""A restarted ksqlDB takes statements once it has started its queries, one after the other."""
QUIET = {"log_level": 0, "log.connection.close": False}
"""librdkafka would otherwise print every refused connection to standard error."""


class ProofFailed(LabError):
    """A component answered, but not as it must."""


@dataclass(frozen=True)
class Probe:
    """A topic with one known record, made by the broker's proof and used by ksqlDB's."""

    bootstrap_servers: str
    topic: str
    key: str
    value: str


@contextmanager
def broker_proven(
    bootstrap_servers: str, *, replicas: int, timeout_seconds: float, give_up: GiveUp
) -> Iterator[Probe]:
    """Prove the brokers ready; the probe topic exists inside the ``with`` block.

    Raises ConditionTimeout or ProofFailed.
    """
    deadline = time.monotonic() + timeout_seconds
    for address in bootstrap_servers.split(","):
        wait_until(
            f"{address} accepts connections",
            partial(_accepts, address),
            timeout_seconds=deadline - time.monotonic(),
            every_seconds=0.02,
            give_up=give_up,
        )
    from confluent_kafka import KafkaException  # noqa: PLC0415 - loaded while the JVMs start
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    admin = AdminClient(
        {
            "bootstrap.servers": bootstrap_servers,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
            **QUIET,
            **access.kafka_settings(bootstrap_servers),
        }
    )
    probe = Probe(bootstrap_servers, f"lab-probe-{uuid.uuid4().hex[:12]}", "proof", '{"N":42}')
    wait_until(
        f"a topic with {replicas} replica(s) can be created",
        lambda: _create_topic(admin, probe.topic, replicas),
        timeout_seconds=max(1.0, deadline - time.monotonic()),
        give_up=give_up,
        ignore=(KafkaException,),
    )
    try:
        _produce_and_consume(probe, max(1.0, deadline - time.monotonic()), give_up)
        yield probe
    finally:
        with contextlib.suppress(KafkaException):
            for future in admin.delete_topics([probe.topic], request_timeout=5).values():
                future.result(5)


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 0.5).close()
    except OSError:
        return False
    return True


def _create_topic(admin: Any, topic: str, replicas: int) -> bool:
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415

    new = NewTopic(topic, num_partitions=1, replication_factor=replicas)
    try:
        admin.create_topics([new], request_timeout=5)[topic].result(6)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return True


def _produce_and_consume(probe: Probe, timeout_seconds: float, give_up: GiveUp) -> None:
    from confluent_kafka import (  # noqa: PLC0415
        Consumer,
        KafkaException,
        Producer,
        TopicPartition,
    )

    base = {
        "bootstrap.servers": probe.bootstrap_servers,
        **QUIET,
        **access.kafka_settings(probe.bootstrap_servers),
    }
    producer = Producer({**base, "acks": "all", "linger.ms": 0})
    delivered: list[object] = []
    producer.produce(
        probe.topic,
        key=probe.key,
        value=probe.value,
        on_delivery=lambda error, message: delivered.append(error or message.offset()),
    )
    wait_until(
        "the broker acknowledges a record",
        lambda: producer.flush(0.1) == 0 and delivered,
        timeout_seconds=timeout_seconds,
        every_seconds=0.0,
        give_up=give_up,
    )
    if delivered != [0]:
        raise ProofFailed(f"the broker did not acknowledge a record at offset 0: {delivered[0]}")
    consumer = Consumer(
        {**base, "group.id": "lab-probe", "enable.auto.commit": False, "fetch.wait.max.ms": 50}
    )
    try:
        consumer.assign([TopicPartition(probe.topic, 0, 0)])
        message = wait_until(
            "the broker serves the record",
            lambda: consumer.poll(0.2),
            timeout_seconds=timeout_seconds,
            every_seconds=0.0,
            give_up=give_up,
            ignore=(KafkaException,),
        )
        if message.error() or message.value() != probe.value.encode():
            raise ProofFailed(
                f"the broker gave back {message.error() or message.value()!r} for {probe.value!r}"
            )
    finally:
        consumer.close()


def prove_registry(url: str, *, timeout_seconds: float, give_up: GiveUp) -> None:
    """Prove the registry ready by registering, fetching and deleting a schema.

    Raises ConditionTimeout or ProofFailed.
    """
    import requests  # noqa: PLC0415 - loaded while the JVMs start

    session = access.session_of(url)
    wait_until(
        f"{url}/subjects answers",
        lambda: session.get(f"{url}/subjects", timeout=5).status_code == 200,
        timeout_seconds=timeout_seconds,
        every_seconds=0.03,
        give_up=give_up,
        ignore=(requests.RequestException,),
    )
    subject = f"lab-probe-{uuid.uuid4().hex[:12]}"
    schema = json.dumps({"type": "enum", "name": subject.replace("-", "_"), "symbols": ["A"]})
    try:
        registered = session.post(
            f"{url}/subjects/{subject}/versions", json={"schema": schema}, timeout=30
        )
        if registered.status_code != 200:
            raise ProofFailed(f"the registry refused a schema: {registered.text}")
        schema_id = registered.json()["id"]
        served = session.get(f"{url}/schemas/ids/{schema_id}", timeout=30)
        if served.status_code != 200 or json.loads(served.json()["schema"]) != json.loads(schema):
            raise ProofFailed(f"the registry served another schema: {served.text}")
    finally:
        for query in ("", "?permanent=true"):
            session.delete(f"{url}/subjects/{subject}{query}", timeout=30)
        session.close()


def wait_for_ksqldb(url: str, *, timeout_seconds: float, give_up: GiveUp) -> None:
    """Wait until ksqlDB says that it is healthy. Raises ConditionTimeout."""
    import requests  # noqa: PLC0415

    with access.session_of(url) as session:
        wait_until(
            f"{url}/healthcheck is healthy",
            lambda: session.get(f"{url}/healthcheck", timeout=5).json().get("isHealthy"),
            timeout_seconds=timeout_seconds,
            every_seconds=0.03,
            give_up=give_up,
            ignore=(requests.RequestException, AttributeError),
        )


def prove_ksqldb(url: str, probe: Probe) -> None:
    """Prove ksqlDB ready: a stream over the probe topic, a pull query that returns its record.

    Raises ProofFailed.
    """

    stream = "LAB_PROBE_" + probe.topic.rpartition("-")[2].upper()
    with access.session_of(url) as session:
        _statement(
            session,
            url,
            f"CREATE STREAM {stream} (ID STRING KEY, N INT) "
            f"WITH (KAFKA_TOPIC='{probe.topic}', VALUE_FORMAT='JSON');",
        )
        try:
            answer = session.post(
                f"{url}/query",
                json={"ksql": f"SELECT ID, N FROM {stream};", "streamsProperties": {}},
                timeout=_ANSWER_SECONDS,
            )
            expected = [probe.key, json.loads(probe.value)["N"]]
            if answer.status_code != 200 or expected not in _rows(answer.text):
                raise ProofFailed(f"a pull query did not return {expected}: {answer.text[:500]}")
        finally:
            _statement(session, url, f"DROP STREAM {stream};")


def prove_connect(url: str, *, timeout_seconds: float, give_up: GiveUp) -> None:
    """Prove a Connect worker ready: it lists its connectors, and loads a plug-in that all have.

    The list comes from the topic in which the group keeps its configuration. Raises
    ConditionTimeout or ProofFailed.
    """
    import requests  # noqa: PLC0415

    plugin = "org.apache.kafka.connect.json.JsonConverter"
    with access.session_of(url) as session:
        wait_until(
            f"{url}/connectors answers",
            lambda: session.get(f"{url}/connectors", timeout=5).status_code == 200,
            timeout_seconds=timeout_seconds,
            every_seconds=0.1,
            give_up=give_up,
            ignore=(requests.RequestException,),
        )
        answer = session.get(f"{url}/connector-plugins/{plugin}/config", timeout=30)
        if answer.status_code != 200 or "schemas.enable" not in answer.text:
            raise ProofFailed(f"Connect did not load a plug-in: {answer.text[:500]}")


def _statement(session: Any, url: str, statement: str) -> None:
    answer = session.post(
        f"{url}/ksql", json={"ksql": statement, "streamsProperties": {}}, timeout=_ANSWER_SECONDS
    )
    if answer.status_code != 200:
        raise ProofFailed(f"ksqlDB refused {statement!r}: {answer.text[:500]}")


def _rows(text: str) -> list[list[Any]]:
    """The rows of an answer of ``/query``: a JSON array with a header, rows and maybe a footer."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        return [part["row"]["columns"] for part in json.loads(text) if "row" in part]
    return []
