"""Q03. Repartition and changelog topics appear by themselves when a query needs them.

Set-up    a stream of orders, keyed by id, over a topic with records in it
Action    one statement: count the orders by region, which is not the key
Observed  between the topic lists before and after, the sink appeared, and with it a repartition
          topic (deleting) and a changelog topic (compacted) that no client created by hand
Control   a filter and a projection make neither; counting by the key makes a changelog only
Limits    what created the topics is seen by nobody else being there to do it; joins and windows
          are not looked at here
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName, TopicName
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.workload import list_topics, produce, wait_for_records

SINK, REPARTITION, CHANGELOG = "sink", "repartition", "changelog"


@claim("Q03")
def test_internal_topics_appear_by_themselves(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    orders_topic, orders = topic("orders", partitions=2), source_name("orders")
    for key, region in ((b"o1", "north"), (b"o2", "south"), (b"o3", "north")):
        value = json.dumps({"region": region, "amount": 5}).encode()
        produce(evidence, kafka, orders_topic, value, key=key)
    ksqldb.execute(
        f"CREATE STREAM {orders} (id VARCHAR KEY, region VARCHAR, amount INT)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )

    def appeared_with(sink: SourceName, statement: str) -> set[TopicName]:
        """The topics that are there once the statement's query has written to its sink."""
        before = list_topics(evidence, kafka, unique)
        evidence.act("user", statement, sink, lambda: ksqldb.start_query(statement))
        wait_for_records(kafka, sink)
        return list_topics(evidence, kafka, unique) - before

    # Action
    by_region = appeared_with(
        sink := source_name("by_region"),
        f"CREATE TABLE {sink} AS SELECT region, COUNT(*) AS n FROM {orders}"
        " GROUP BY region EMIT CHANGES;",
    )

    # Observed
    evidence.observe(
        "the kinds of topics that appeared",
        kinds(by_region),
        expected={SINK: 1, REPARTITION: 1, CHANGELOG: 1},
        says="GROUP BY a column that is not the key: a sink, a repartition and a changelog topic",
    )
    evidence.observe(
        "their clean-up policies",
        {kind(name): kafka.topic_config(name)["cleanup.policy"] for name in by_region},
        expected={SINK: "compact", REPARTITION: "delete", CHANGELOG: "compact"},
        says="the repartition topic deletes, the changelog is compacted",
    )

    # Control
    filtered = appeared_with(
        sink := source_name("filtered"),
        f"CREATE STREAM {sink} AS SELECT * FROM {orders} WHERE region = 'north' EMIT CHANGES;",
    )
    projected = appeared_with(
        sink := source_name("projected"),
        f"CREATE STREAM {sink} AS SELECT id, amount FROM {orders} EMIT CHANGES;",
    )
    by_key = appeared_with(
        sink := source_name("by_key"),
        f"CREATE TABLE {sink} AS SELECT id, COUNT(*) AS n FROM {orders} GROUP BY id EMIT CHANGES;",
    )
    evidence.control(
        "a filter and a projection",
        [kinds(filtered), kinds(projected)],
        expected=[{SINK: 1}, {SINK: 1}],
        says="a filter and a projection made their sinks only",
    )
    evidence.control(
        "GROUP BY the key",
        kinds(by_key),
        expected={SINK: 1, CHANGELOG: 1},
        says="GROUP BY the key made a changelog and no repartition topic",
    )


def kind(name: str) -> str:
    """What a topic is, by the end of its name."""
    return next((k for k in (REPARTITION, CHANGELOG) if name.endswith(f"-{k}")), SINK)


def kinds(names: Iterable[str]) -> dict[str, int]:
    """How many topics of each kind there are."""
    return dict(Counter(map(kind, names)))
