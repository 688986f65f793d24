"""K02. A topic is split into partitions, the client picks one by the record's key, and order holds
within one partition only.

Set-up    a topic of six partitions
Action    for each of three partitioners two producers take turns at writing records with keys
Observed  under each partitioner a key's records are all in one partition; the partitioners disagree
          about which, although the broker is the same; each partition has every producer's records
          in the order in which they were produced
Control   across partitions the order in which records are read is not that of their production
Limits    librdkafka's partitioners consistent (CRC-32), murmur2 (Java's) and fnv1a; the default
          setting max.in.flight without failures, K10 looks at retries
"""

from __future__ import annotations

from zlib import crc32

from confluent_kafka import Message, Producer

from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import border, translate
from lab.clients.names import TopicName
from lab.evidence import claim
from lab.evidence.checkers import duplicates, lost_acknowledged, reordered, went_back
from lab.evidence.names import TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.workload import PRODUCE, fetched

PARTITIONS = 6
PARTITIONERS = ("consistent", "murmur2", "fnv1a")
KEYS = [f"customer-{n}".encode() for n in range(12)]
ROUNDS = 5


@claim("K02")
def test_client_picks_the_partition_and_order_holds_within_it(
    kafka: KafkaClient, topic: TopicFactory, evidence: Evidence
) -> None:
    # Set-up
    topics = {name: topic(f"orders-{name}", partitions=PARTITIONS) for name in PARTITIONERS}

    # Action
    for partitioner, orders in topics.items():
        produce_in_turns(kafka, orders, partitioner, evidence)
    stored = {name: fetched(evidence, kafka.read_all(orders)) for name, orders in topics.items()}

    # Observed
    places = {
        name: {
            key.decode(): sorted({record.partition for record in records if record.key == key})
            for key in KEYS
        }
        for name, records in stored.items()
    }
    for name, by_key in places.items():
        evidence.record("topic", "partitions by key", topics[name], answer=by_key)
    evidence.observe(
        "the number of partitions that a key's records are in",
        {name: {len(found) for found in by_key.values()} for name, by_key in places.items()},
        expected={name: {1} for name in PARTITIONERS},
        says=f"{len(KEYS)} keys, three partitioners: each key's records are in one partition",
    )
    evidence.observe(
        "where CRC-32 puts the keys",
        {key: found[0] for key, found in places["consistent"].items()},
        expected={key.decode(): crc32(key) % PARTITIONS for key in KEYS},
        says="it is the one that the client's hash of the key selects",
    )
    evidence.observe(
        "whether the partitioners agree about all keys",
        len({str(by_key) for by_key in places.values()}),
        expected=len(PARTITIONERS),
        says="and another one under each partitioner: the client decides, not the broker",
    )
    for orders in topics.values():
        for checker in (reordered, duplicates, lost_acknowledged, went_back):
            evidence.observe(
                f"{checker.__name__}: {orders}", finding=evidence.finding(checker, topic=orders),
                says="within each partition both producers' records are in order, each once",
            )  # fmt: skip

    # Control
    orders = topics["consistent"]
    produced = [
        str(entry.answer["value"])
        for entry in evidence.history
        if entry.action == PRODUCE and entry.target == orders and isinstance(entry.answer, dict)
    ]
    read = [
        str(entry.answer["value"])
        for entry in evidence.history
        if entry.action == "fetch" and entry.target == orders and isinstance(entry.answer, dict)
    ]
    evidence.control(
        "whether the topic as a whole is read in the order of production",
        {"same records": sorted(read) == sorted(produced), "same order": read == produced},
        expected={"same records": True, "same order": False},
        says="across partitions the order of production is not the order of reading",
    )


def produce_in_turns(
    kafka: KafkaClient, topic: TopicName, partitioner: str, evidence: Evidence
) -> None:
    """Two producers write records with keys, one after the other, each attempt recorded."""
    settings = kafka.connection({"partitioner": partitioner, "acks": "all", "linger.ms": 0})
    answers: list[Message] = []

    def answered(error: object, message: Message) -> None:
        problem = message.error()
        if error is not None and problem is not None:
            raise translate(problem, f"produce to {topic}")
        answers.append(message)

    with border(f"produce to {topic}"):
        producers = {name: Producer(settings) for name in ("producer-a", "producer-b")}
        for n in range(ROUNDS):
            for key in KEYS:
                for name, producer in producers.items():
                    value = f"{name} {key.decode()} {n}".encode()
                    producer.produce(topic, value, key, on_delivery=answered)
                    producer.flush(15)
                    message = answers.pop()
                    evidence.record(
                        name,
                        PRODUCE,
                        topic,
                        answer={
                            "key": key,
                            "value": value,
                            "partition": message.partition(),
                            "offset": message.offset(),
                        },
                    )
