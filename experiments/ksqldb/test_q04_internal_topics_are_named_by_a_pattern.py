"""Q04. The names of the internal topics follow a pattern made of service id, query id and step.

Set-up    a stream of orders over a topic with records in it
Action    start CREATE TABLE AS … GROUP BY a column that is not the key; read the service id from
          /info and the query id from the answer to the statement
Observed  the topics that appeared are the sink and exactly
          _confluent-ksql-<service id>query_<query id>-Aggregate-GroupBy-repartition and
          _confluent-ksql-<service id>query_<query id>-Aggregate-Aggregate-Materialize-changelog
Control   the short forms that are often quoted exist as topics nowhere on the cluster, and a query
          that needs no internal topics has none under its own prefix
Limits    the names of a grouping; those of joins and windows are not looked at here
"""

from __future__ import annotations

import json

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import QueryId, ServiceId, TopicName
from lab.evidence import claim
from lab.evidence.checkers import topics_appeared
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.workload import list_topics, produce, wait_for_records


@claim("Q04")
def test_internal_topics_are_named_by_a_pattern(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    orders_topic, orders = topic("orders", partitions=2), source_name("orders")
    for key, region in ((b"o1", "north"), (b"o2", "south")):
        value = json.dumps({"region": region}).encode()
        produce(evidence, kafka, orders_topic, value, key=key)
    by_region, filtered = source_name("by_region"), source_name("filtered")
    ksqldb.execute(
        f"CREATE STREAM {orders} (id VARCHAR KEY, region VARCHAR)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )

    def start(statement: str, sink: str) -> QueryId:
        """Start a query and wait until it has written to its sink."""
        query = evidence.act("user", statement, sink, lambda: ksqldb.start_query(statement))
        wait_for_records(kafka, sink)
        return query

    # Action
    service = evidence.act("user", "GET /info", "ksqldb", ksqldb.info).service_id
    list_topics(evidence, kafka, unique)
    query = start(
        f"CREATE TABLE {by_region} AS SELECT region, COUNT(*) AS n FROM {orders}"
        " GROUP BY region EMIT CHANGES;",
        by_region,
    )
    list_topics(evidence, kafka, unique)

    # Observed
    prefix = internal_prefix(service, query)
    repartition = f"{prefix}Aggregate-GroupBy-repartition"
    changelog = f"{prefix}Aggregate-Aggregate-Materialize-changelog"
    evidence.observe(
        "the topics that appeared",
        finding=evidence.finding(topics_appeared, expected=[by_region, repartition, changelog]),
        says=f"appeared: {repartition} and {changelog}",
    )

    # Control
    short_forms = {f"{query}-Aggregate-GroupBy-repartition", f"{by_region}-changelog"}
    evidence.control(
        "the short forms that are often quoted, among all topics of the cluster",
        short_forms & kafka.topics(),
        expected=set(),
        says=f"the short forms {' and '.join(sorted(short_forms))} are no topics",
    )
    stateless = start(
        f"CREATE STREAM {filtered} AS SELECT * FROM {orders} WHERE region = 'north' EMIT CHANGES;",
        filtered,
    )
    evidence.control(
        "internal topics of a query that needs none",
        with_prefix(kafka, internal_prefix(service, stateless)),
        expected=[],
        says="a filter has no topic under its prefix",
    )
    evidence.control(
        "internal topics of the grouping query, looked for in the same way",
        with_prefix(kafka, prefix),
        expected=[changelog, repartition],
        says="the grouping query has two under its own",
    )


def internal_prefix(service: ServiceId, query: QueryId) -> str:
    """What the names of a query's internal topics begin with."""
    return f"_confluent-ksql-{service}query_{query}-"


def with_prefix(kafka: KafkaClient, prefix: str) -> list[TopicName]:
    """All topics of the cluster whose names begin so."""
    return sorted(name for name in kafka.topics() if name.startswith(prefix))
