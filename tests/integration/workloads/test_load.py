"""The producer of loads logs every attempt, however it ends."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.clients.kafka import KafkaClient
from lab.evidence.checkers import duplicates, lost_acknowledged, reordered, run_checker
from lab.evidence.model import Outcome
from lab.evidence.workload import INVOKE, PRODUCE
from lab.wire.kafka_proxy import KafkaProxy
from lab.wire.proxy_rules import Rule
from lab.workloads.load import SAFE, Load
from lab.workloads.log import WorkloadLog

COUNT = 200


@pytest.fixture
def kafka(bootstrap: str) -> KafkaClient:
    return KafkaClient(bootstrap)


def run(kafka: KafkaClient, topic: str, **settings: str | int | float | bool) -> WorkloadLog:
    log = WorkloadLog()
    connection = kafka.connection({**SAFE, **settings})
    with Load(connection, topic, log, count=COUNT, per_second=10_000, prefix="n") as load:
        load.finish(timeout_seconds=60)
        assert load.ended
    return log


def counted(log: WorkloadLog) -> Counter[tuple[str, Outcome]]:
    return Counter((entry.action, entry.outcome) for entry in log.entries)


def test_acknowledged_attempts(kafka: KafkaClient, name: str) -> None:
    topic = kafka.create_topic(name)
    log = run(kafka, topic)
    assert counted(log) == {(INVOKE, Outcome.OK): COUNT, (PRODUCE, Outcome.OK): COUNT}
    log.fetched(kafka.read(topic, 0))
    for checker in (lost_acknowledged, duplicates, reordered):
        assert run_checker(checker, log.entries).outcome is Outcome.OK


def test_refused_attempts(kafka: KafkaClient, name: str) -> None:
    topic = kafka.create_topic(name, config={"max.message.bytes": "60"})
    log = run(kafka, topic)
    assert counted(log) == {(INVOKE, Outcome.OK): COUNT, (PRODUCE, Outcome.FAIL): COUNT}
    assert run_checker(lost_acknowledged, log.entries).outcome is Outcome.UNKNOWN


def test_attempts_that_nobody_knows_the_end_of(
    kafka: KafkaClient, bootstrap: str, name: str
) -> None:
    topic = kafka.create_topic(name)
    with KafkaProxy(bootstrap) as proxy:
        proxy.add(Rule("Produce", "answer", "drop", times=None))
        log = run(
            KafkaClient(proxy.bootstrap_servers),
            topic,
            **{"message.timeout.ms": 2_000, "batch.num.messages": 10_000},
        )
    assert counted(log) == {(INVOKE, Outcome.OK): COUNT, (PRODUCE, Outcome.UNKNOWN): COUNT}
    assert kafka.read(topic, 0), "the broker took some of them nevertheless"
