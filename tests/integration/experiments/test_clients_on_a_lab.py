"""The typed clients against the real components; the lab is the session's."""

from __future__ import annotations

import json
import threading

import pytest

from lab.clients.errors import (
    BrokerRefused,
    DeserializerFailed,
    IncompatibleSchema,
    KsqlRefused,
    RegistryNotFound,
    SerializerRefused,
    TopicExists,
    UnknownTopic,
    Unreachable,
)
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.plain import plain_avro, proto3_file, protobuf_message, read_plain_avro
from lab.clients.registry_aware import (
    REGISTERS,
    AvroValues,
    Choices,
    JsonValues,
    ProtobufValues,
)
from lab.clients.schema_registry import SchemaRegistryClient
from lab.clients.serializing import RegistryAwareProducer
from lab.clients.tail import Tail
from lab.endpoints import Endpoints
from lab.errors import ConditionTimeout
from lab.evidence.names import GroupFactory, SourceFactory, SubjectFactory, TopicFactory
from lab.wait import wait_until
from lab.wire import schema_header

pytestmark = pytest.mark.xdist_group("session-lab")

FIRST = json.dumps({"type": "record", "name": "E", "fields": [{"name": "x", "type": "int"}]})
OTHER = json.dumps({"type": "record", "name": "E", "fields": [{"name": "x", "type": "string"}]})


def test_records_go_and_come_back_as_bytes(kafka: KafkaClient, topic: TopicFactory) -> None:
    name = topic("t", partitions=3, config={"retention.ms": "-1"})
    described = kafka.describe_topic(name)
    assert described.partitions == 3
    assert set(described.leaders.values()) <= set(kafka.brokers())
    assert kafka.topic_config(name)["retention.ms"] == "-1"
    assert not kafka.is_internal(name)
    first = kafka.produce(name, b"\x00\xff", key=b"k", partition=1, timestamp_ms=1_700_000_000_000)
    kafka.produce(name, None, key=b"k", partition=1, headers=(("h", b"1"), ("n", None)))
    assert (first.partition, first.offset, first.timestamp_ms) == (1, 0, 1_700_000_000_000)
    value, tombstone = kafka.read_all(name)
    assert (value.key, value.value, value.headers) == (b"k", b"\x00\xff", ())
    assert (tombstone.value, tombstone.headers) == (None, (("h", b"1"), ("n", None)))
    assert kafka.end_offsets(name) == {0: 0, 1: 2, 2: 0}
    assert [record.offset for record in kafka.read(name, 1, start=1)] == [1]
    assert kafka.read(name, 1, start=2) == []
    kafka.delete_records(name, 1, before=1)
    assert kafka.range_of(name, 1).start == 1
    assert [record.offset for record in kafka.read(name, 1)] == [1]


def test_a_tail_gets_what_comes_and_nothing_from_before(
    kafka: KafkaClient, topic: TopicFactory
) -> None:
    first, second = topic("a", partitions=2), topic("b")
    kafka.produce(first, b"before", partition=1)
    with Tail(kafka, [first, second]) as tail:
        sent = kafka.produce(first, b"after", key=b"k", partition=1)
        kafka.produce(second, None, key=b"k")
        came = tail.until("both records", lambda came: came if len(came) == 2 else None)
        with pytest.raises(ConditionTimeout):
            tail.until("a third", lambda came: len(came) > 2, timeout_seconds=0.2)
    records = {each.record.topic: each.record for each in came}
    assert (records[first].offset, records[first].value) == (sent.offset, b"after")
    assert records[second].value is None
    assert all(abs(each.at_ns / 1e6 - sent.timestamp_ms) < 60_000 for each in came)
    with pytest.raises(UnknownTopic):
        Tail(kafka, [f"{first}-none"])


def test_configs_are_altered_and_taken_back(kafka: KafkaClient, topic: TopicFactory) -> None:
    name, (broker,) = topic("t", config={"retention.ms": "-1"}), kafka.brokers()
    backoff = kafka.broker_config(broker)["log.cleaner.backoff.ms"]
    kafka.alter_topic_config(name, {"cleanup.policy": "compact", "segment.ms": "1"})
    kafka.alter_broker_config(broker, {"log.cleaner.backoff.ms": "14999"})

    def shown() -> tuple[str, str, str, str]:
        found = kafka.topic_config(name)
        about_topic = (found["cleanup.policy"], found["segment.ms"], found["retention.ms"])
        return (*about_topic, kafka.broker_config(broker)["log.cleaner.backoff.ms"])

    # A broker learns of a change some time after the controller has answered.
    wait_until("changed", lambda: shown() == ("compact", "1", "-1", "14999"))
    kafka.alter_topic_config(name, {"segment.ms": None})
    kafka.alter_broker_config(broker, {"log.cleaner.backoff.ms": None})
    wait_until("taken back", lambda: shown() == ("compact", "604800000", "-1", backoff))
    with pytest.raises(BrokerRefused):
        kafka.alter_topic_config(name, {"segment.ms": "soon"})
    with pytest.raises(UnknownTopic):
        kafka.alter_topic_config(f"{name}-none", {"segment.ms": "1"})


def test_what_a_broker_refuses(kafka: KafkaClient, topic: TopicFactory) -> None:
    name = topic("t")
    with pytest.raises(TopicExists):
        kafka.create_topic(name)
    assert kafka.ensure_topic(name) == name
    with pytest.raises(UnknownTopic):
        kafka.describe_topic(f"{name}-none")
    with pytest.raises(UnknownTopic):
        kafka.topic_config(f"{name}-none")
    with pytest.raises(UnknownTopic):
        kafka.produce(name, b"x", partition=7, timeout_seconds=3)
    with pytest.raises(BrokerRefused, match="TOPIC_EXCEPTION"):
        kafka.create_topic("not a name")
    with pytest.raises(BrokerRefused, match="MSG_SIZE_TOO_LARGE"):
        kafka.produce(name, bytes(2_000_000))
    kafka.delete_topics([f"{name}-none"])
    kafka.delete_topics([])


def test_a_group_commits_and_is_described(
    kafka: KafkaClient, topic: TopicFactory, group: GroupFactory
) -> None:
    name, readers = topic("t"), group("readers")
    for n in range(3):
        kafka.produce(name, str(n).encode())
    assert kafka.committed(readers) == {}
    with kafka.member(readers, [name]) as member:
        assert [record.value for record in member.poll(2)] == [b"0", b"1"]
        described = kafka.describe_group(readers)
        assert described.members[0].assignment == ((name, 0),)
        member.commit(name, 0, 2)
    assert kafka.committed(readers)[name, 0].offset == 2  # type: ignore[index]  # a plain 0
    assert readers in kafka.groups()
    with kafka.member(readers, [name], auto_offset_reset="error") as member:
        assert member.poll(1)[0].value == b"2"
    kafka.delete_groups([readers, f"{readers}-none"])
    assert readers not in kafka.groups()


def test_the_registry_refuses_and_forgets(
    registry: SchemaRegistryClient, subject: SubjectFactory
) -> None:
    name = subject("s-value")
    schema_id = registry.register(name, FIRST)
    assert registry.register(name, FIRST) == schema_id
    assert json.loads(registry.schema_by_id(schema_id)) == json.loads(FIRST)
    assert registry.lookup(name, FIRST).version == 1
    assert not registry.check(name, OTHER).compatible
    with pytest.raises(IncompatibleSchema, match="Incompatible"):
        registry.register(name, OTHER)
    assert registry.versions(name) == [1]
    registry.forget(name)
    assert name not in registry.subjects(deleted=True)
    with pytest.raises(RegistryNotFound):
        registry.versions(name)


def test_registry_aware_values(
    endpoints: Endpoints,
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
) -> None:
    name = topic("t")
    schema_id = registry.register(subject("t-value"), FIRST)
    with AvroValues(endpoints.schema_registry_url or "", name, FIRST) as avro:
        avro.produce(kafka, {"x": 7})
        stored = kafka.read(name, 0)[0].value or b""
        framed = schema_header.split(stored)
        assert framed.schema_id == schema_id
        assert framed.payload == plain_avro(FIRST, {"x": 7})
        assert read_plain_avro(FIRST, framed.payload) == avro.deserialize(stored) == {"x": 7}
        with pytest.raises(SerializerRefused):
            avro.serialize({"y": 1})
        with pytest.raises(DeserializerFailed):
            avro.deserialize(b"plain text")
    with pytest.raises(DeserializerFailed):
        read_plain_avro(OTHER, b"\x7f")


def test_a_producer_with_its_serializer_inside(
    registry: SchemaRegistryClient, kafka: KafkaClient, topic: TopicFactory, subject: SubjectFactory
) -> None:
    name, value_subject = topic("t"), subject("t-value")
    message = protobuf_message(proto3_file("e.proto", "", {"E": {"x": "int32"}}), [0])
    with (
        ProtobufValues(registry.url, name, message, REGISTERS) as values,
        RegistryAwareProducer(kafka, name, values) as producer,
    ):
        assert producer.produce_requests() == 0
        with pytest.raises(SerializerRefused):
            producer.produce({"x": 7})
        assert producer.produce_requests() == 0
        assert producer.produce(message(x=7)).offset == 0
        assert producer.produce_requests() == 1
        stored = kafka.read(name, 0)[0].value or b""
        assert values.deserialize(stored) == message(x=7)
        with pytest.raises(DeserializerFailed):
            values.deserialize(b"plain text")
    assert schema_header.split(stored).schema_id == registry.version(value_subject).schema_id
    schema = json.dumps({"type": "object", "properties": {"x": {"type": "integer"}}})
    with JsonValues(registry.url, topic("j"), schema) as documents:
        with pytest.raises(SerializerRefused):
            documents.serialize({"x": 7})
        registry.register(subject("j-value"), schema, schema_type="JSON")
        assert documents.deserialize(documents.serialize({"x": 7})) == {"x": 7}


def test_without_the_registry_nobody_answers(kafka: KafkaClient, topic: TopicFactory) -> None:
    name = topic("t")
    choices = Choices(timeout_seconds=2)
    with (
        AvroValues("http://127.0.0.1:1", name, FIRST, choices) as values,
        RegistryAwareProducer(kafka, name, values) as producer,
    ):
        with pytest.raises(Unreachable, match="registry"):
            producer.produce({"x": 7})
        with pytest.raises(Unreachable, match="registry"):
            values.serialize({"x": 7})
        with pytest.raises(Unreachable, match="registry"):
            values.deserialize(schema_header.join(1, b"x"))


def test_statements_pull_and_push_queries(
    kafka: KafkaClient, ksqldb: KsqlClient, topic: TopicFactory, source_name: SourceFactory
) -> None:
    info = ksqldb.info()
    assert info.status == "RUNNING"
    assert ksqldb.healthy()
    orders_topic, orders, counts = topic("t"), source_name("s"), source_name("c")
    ksqldb.execute(
        f"CREATE STREAM {orders} (id VARCHAR KEY, n INT)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )
    assert ksqldb.sources()[orders] == "STREAM"
    query = ksqldb.start_query(
        f"CREATE TABLE {counts} AS SELECT id, COUNT(*) AS total FROM {orders}"
        " GROUP BY id EMIT CHANGES;"
    )
    running = {found.query_id: found for found in ksqldb.queries()}
    assert running[query].sinks == (counts,)
    with ksqldb.push(f"SELECT id, n FROM {orders} EMIT CHANGES;") as push:
        kafka.produce(orders_topic, b'{"n": 1}', key=b"a")
        assert push.take(1) == [("a", 1)]
        kafka.produce(orders_topic, b'{"n": 2}', key=b"a")
        assert push.take(1) == [("a", 2)]
    total = wait_until(
        "both records are counted",
        lambda: [
            row for row in ksqldb.pull(f"SELECT * FROM {counts} WHERE id='a';") if row[1] == 2
        ],
        timeout_seconds=30,
    )
    assert total == [("a", 2)]
    limited = ksqldb.pull(f"SELECT id, n FROM {orders} EMIT CHANGES LIMIT 2;")
    assert list(limited) == [("a", 1), ("a", 2)]
    assert limited.header.column_names == ("ID", "N")


def test_closing_a_push_query_from_elsewhere_ends_it(
    ksqldb: KsqlClient, topic: TopicFactory, source_name: SourceFactory
) -> None:
    orders_topic, orders = topic("t"), source_name("s")
    ksqldb.execute(
        f"CREATE STREAM {orders} (id VARCHAR KEY, n INT)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )
    push = ksqldb.push(f"SELECT * FROM {orders} EMIT CHANGES;")
    rows: list[object] = []
    reader = threading.Thread(target=lambda: rows.extend(push))
    reader.start()
    assert push.header.query_id is not None
    assert ksqldb.end_query(push.header.query_id)
    reader.join(15)
    assert not reader.is_alive()
    assert rows == []
    push.close()


def test_what_ksqldb_refuses(ksqldb: KsqlClient) -> None:
    with pytest.raises(KsqlRefused) as caught:
        ksqldb.execute("CREATE NONSENSE;")
    assert (caught.value.status, caught.value.error_code) == (400, 40001)
    assert caught.value.statement_text
    with pytest.raises(KsqlRefused) as caught:
        ksqldb.pull("SELECT * FROM NO_SUCH_SOURCE;")
    assert caught.value.status == 400
    assert not ksqldb.end_query("no-such-query")  # type: ignore[arg-type]  # a name that none has
