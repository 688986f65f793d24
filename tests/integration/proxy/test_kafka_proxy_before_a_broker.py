"""The proxy before a real broker: whole conversations are named, and faults reach the client."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from lab.clients.kafka import KafkaClient
from lab.evidence.workload import wait_until_settled
from lab.wire.kafka_proxy import KafkaProxy
from lab.wire.proxy_rules import Rule
from lab.wire.requests import decode_produce


@pytest.fixture
def kafka(bootstrap: str) -> KafkaClient:
    return KafkaClient(bootstrap)


def test_a_transaction_is_seen_request_by_request(kafka: KafkaClient, name: str) -> None:
    topic, sink = kafka.create_topic(name), kafka.create_topic(f"{name}-sink")
    kafka.produce(topic, b"in")
    with KafkaProxy(kafka.bootstrap_servers) as proxy:
        through = KafkaClient(proxy.bootstrap_servers)
        consumer = Consumer(
            through.connection(
                {
                    "group.id": name,
                    "auto.offset.reset": "earliest",
                    "client.id": "consumer",
                    "enable.auto.commit": False,
                }
            )
        )
        consumer.subscribe([topic])
        message = consumer.poll(30)
        assert message is not None
        assert message.value() == b"in"
        producer = Producer(through.connection({"transactional.id": name, "client.id": "producer"}))
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(sink, b"out")
        producer.send_offsets_to_transaction(
            [TopicPartition(topic, 0, 1)], consumer.consumer_group_metadata(), 30
        )
        producer.commit_transaction(30)
        consumer.close()
    by_client = {
        client: [f.api for f in proxy.frames if f.way == "request" and f.client_id == client]
        for client in ("consumer", "producer")
    }
    assert {"FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "Fetch"} <= set(
        by_client["consumer"]
    )
    asked = [api for api in by_client["producer"] if api not in {"ApiVersions", "Metadata"}]
    in_order = [
        *("InitProducerId", "AddPartitionsToTxn", "Produce"),
        *("AddOffsetsToTxn", "TxnOffsetCommit", "EndTxn"),
    ]
    positions = [asked.index(api) for api in in_order]
    assert positions[0] == min(positions)
    assert positions[-1] == max(positions)
    (sent,) = [found for f in proxy.seen("Produce") for found in decode_produce(f.body)]
    assert all(batch.transactional for batch in sent.batches)
    assert proxy.problems == []
    wait_until_settled(kafka, sink)
    assert [record.value for record in kafka.read(sink, 0, committed=True)] == [b"out"]


def test_a_commit_that_is_never_answered_is_repeated(kafka: KafkaClient, name: str) -> None:
    topic = kafka.create_topic(name)
    with KafkaProxy(kafka.bootstrap_servers) as proxy:
        rule = proxy.add(Rule("EndTxn", "answer", "cut"))
        through = KafkaClient(proxy.bootstrap_servers)
        producer = Producer(through.connection({"transactional.id": name}))
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(topic, b"once")
        try:
            producer.commit_transaction(30)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            producer.commit_transaction(30)
        assert rule.done == 1
        assert len(proxy.seen("EndTxn")) >= 2
    wait_until_settled(kafka, topic)
    assert [record.value for record in kafka.read(topic, 0, committed=True)] == [b"once"]
