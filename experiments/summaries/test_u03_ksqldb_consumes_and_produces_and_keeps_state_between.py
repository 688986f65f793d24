"""U03. "ksqlDB consumes Kafka and produces to a topic": and between them it makes internal topics
and keeps a state, from which it answers.

Set-up    orders over three partitions, with a stream over them
Action    one statement: count the orders by region; then look at what is on the broker and on the
          node's disk, pull from the table, push from it while another order comes
Observed  it consumes: a consumer group of the query's own has committed every order; it produces:
          the sink has the counts (Q02); and it made a repartition and a changelog topic (Q03),
          keeps a RocksDB database for each partition (Q06), answers a pull query with the sink's
          counts, leaving no trace on the broker (Q08), and pushes the row of the next order as that
          comes (Q09)
Control   before the statement there was neither sink nor group; a query that only filters makes a
          sink and no internal topic, and keeps no database; an unknown key has no row, and after
          TERMINATE the same pull query is refused; the push query is seen as a group
Limits    each step is one case of a claim of its own: Q02, Q03, Q06, Q08 and Q09 have more of them
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.ksqldb_rows import Row
from lab.clients.names import GroupName, QueryId, SourceName, TopicName
from lab.endpoints import Capabilities
from lab.evidence import claim
from lab.evidence.model import Entry
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.query_parts import QueryParts, group_of, wait_until_at_work
from lab.evidence.recorder import Evidence
from lab.evidence.servers import own_server
from lab.evidence.traces import Traces
from lab.evidence.workload import list_topics, produce, wait_for_records
from lab.targets.base import Target
from lab.wait import wait_until
from lab.workloads.state_stores import rocksdb_folders

PARTITIONS = 3
ORDERS = ("north", "south", "north", "east", "north", "south")
AT_ONCE = {
    "ksql.streams.auto.offset.reset": "earliest",
    "ksql.streams.commit.interval.ms": "100",
    "ksql.streams.cache.max.bytes.buffering": "0",
}


@claim("U03")
def test_ksqldb_consumes_and_produces_and_keeps_state_between(
    lab: Target,
    capabilities: Capabilities,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    tmp_path: Path,
) -> None:
    # Set-up
    orders, stream = topic("orders", partitions=PARTITIONS), source_name("orders")
    ksqldb.execute(
        f"CREATE STREAM {stream} (id VARCHAR KEY, region VARCHAR)"
        f" WITH (KAFKA_TOPIC='{orders}', VALUE_FORMAT='JSON');"
    )
    for n, region in enumerate(ORDERS):
        send(evidence, kafka, orders, n, region)
    table, filtered = source_name("by_region"), source_name("filtered")
    service, traces = ksqldb.info().service_id, Traces(kafka, unique, evidence)

    def start(sql: str, sink: SourceName) -> QueryId:
        """Start a query and return its id."""
        run = partial(ksqldb.execute, sql, properties=AT_ONCE)
        query = evidence.act("user", sql, "ksqldb", run)[-1].query_id
        assert query is not None
        wait_for_records(kafka, sink)
        return query

    # Action
    before, groups_before = list_topics(evidence, kafka, unique), groups_of(kafka, unique)
    query = start(
        f"CREATE TABLE {table} AS SELECT region, COUNT(*) AS n FROM {stream}"
        " GROUP BY region EMIT CHANGES;",
        table,
    )
    group = group_of(service, query)
    parts = wait_until_at_work(kafka, group, query, table, [orders])
    appeared = list_topics(evidence, kafka, unique) - before
    committed, counted = consumed_and_produced(evidence, kafka, parts, orders)
    databases = databases_of(lab, capabilities, evidence, group, tmp_path / "counting")
    view = traces.look()
    select = f"SELECT region, n FROM {table}"
    pulled = evidence.act("user", f"{select};", "ksqldb", lambda: rows(ksqldb, f"{select};"))
    left = traces.since(view, about="a pull query")
    view = traces.look()
    with ksqldb.push(f"{select} EMIT CHANGES;", properties=AT_ONCE) as push:
        seen: dict[str, int] = {}
        while seen != counted:
            seen |= region_and_count(next(push))
        pushing = traces.since(view, about="a push query").groups
        send(evidence, kafka, orders, len(ORDERS), "north")
        pushed = evidence.act(
            "ksqldb", "pushes a row", "user", lambda: region_and_count(next(push))
        )

    # Observed
    evidence.observe(
        "orders that the query's group has committed",
        committed,
        expected=sum(kafka.end_offsets(orders).values()) - 1,
        says=f"it consumes: group {group} committed every order",
    )
    evidence.observe(
        "the counts in the sink",
        counted,
        expected=dict(Counter(ORDERS)),
        says="it produces: the sink has the counts",
    )
    evidence.observe(
        "topics that appeared",
        sorted(appeared),
        expected=sorted([table, parts.only("repartition"), parts.only("changelog")]),
        says="and it made a repartition and a changelog topic by itself",
    )
    if databases is not None:
        evidence.observe(
            "partitions with a RocksDB database on the node",
            databases,
            expected=list(range(PARTITIONS)),
            says="it keeps a RocksDB database for each partition",
        )
    evidence.observe(
        "the pull query's rows, and what it left on the broker",
        [pulled, left.topics, left.groups],
        expected=[counted, [], []],
        says="a pull query is answered with the sink's counts and leaves no trace on the broker",
    )
    evidence.observe(
        "the push query's rows",
        pushed,
        expected={"north": counted["north"] + 1},
        says="a push query got the row of the next order as it came",
    )
    draw(evidence, orders, parts)

    # Control
    evidence.control(
        "the sink and the group before the statement",
        [str(table) in before, group in groups_before],
        expected=[False, False],
        says="before the statement there was neither sink nor group",
    )
    evidence.control(
        "groups that a push query was seen as, looked for in the same way as the pull query's",
        len(pushing),
        expected=1,
        says="the push query was seen as a group",
    )
    before = list_topics(evidence, kafka, unique)
    stateless = start(
        f"CREATE STREAM {filtered} AS SELECT * FROM {stream} WHERE region = 'north' EMIT CHANGES;",
        filtered,
    )
    evidence.control(
        "topics that appeared with a filter",
        sorted(list_topics(evidence, kafka, unique) - before),
        expected=[filtered],
        says="a filter made its sink only",
    )
    group = group_of(service, stateless)
    kept = databases_of(lab, capabilities, evidence, group, tmp_path / "filtering")
    if kept is not None:
        evidence.control("its databases", kept, expected=[], says="and keeps no database")
    refuse_what_is_not_there(ksqldb, evidence, query, f"SELECT region, n FROM {table}")


def refuse_what_is_not_there(
    ksqldb: KsqlClient, evidence: Evidence, query: QueryId, select: str
) -> None:
    """A pull query without a row, and one without a query behind it."""
    evidence.control(
        "a pull query for an unknown key",
        rows(ksqldb, f"{select} WHERE region = 'nowhere';"),
        expected={},
        says="an unknown key has no row",
    )
    terminate = f"TERMINATE {query};"
    evidence.act("user", terminate, "ksqldb", lambda: ksqldb.execute(terminate))
    refused = evidence.attempt(
        "user", f"{select};", "ksqldb", lambda: rows(ksqldb, f"{select};"), refusal=KsqlRefused
    )
    evidence.control(
        "the pull query after TERMINATE",
        refused,
        expected="refused",
        says="after TERMINATE the same pull query is refused",
    )


def consumed_and_produced(
    evidence: Evidence, kafka: KafkaClient, parts: QueryParts, orders: TopicName
) -> tuple[int, dict[str, int]]:
    """What the query has committed, and what its sink counts, once every order is in both."""
    wanted = dict(Counter(ORDERS))
    counted = wait_until(
        "the sink has every order",
        lambda: found if (found := counts_in(kafka, parts.sink)) == wanted else None,
        timeout_seconds=60,
    )
    committed = wait_until(
        "every order is committed",
        lambda: done if (done := committed_of(kafka, parts.group, orders)) == len(ORDERS) else None,
        timeout_seconds=60,
    )
    evidence.record("ksqldb", "has committed these orders", orders, answer=committed)
    for name in parts.internal:
        evidence.record("ksqldb", "makes an internal topic", name, answer=kafka.end_offsets(name))
    evidence.record("ksqldb", "writes the counts", parts.sink, answer=counted)
    return committed, counted


def draw(evidence: Evidence, orders: TopicName, parts: QueryParts) -> None:
    """The picture of what the statement led to."""
    evidence.sequence(
        "One statement, and what came of it",
        [step for step in evidence.history if is_shown(step)],
        "From the statement to the answers: between consuming and producing stands the rest",
        names={
            str(orders): "source topic",
            str(parts.sink): "sink topic",
            str(parts.only("repartition")): "repartition topic",
            str(parts.only("changelog")): "changelog topic",
        },
        lanes=["user", "ksqldb", "producer", "source topic", "repartition topic"],
    )


def send(evidence: Evidence, kafka: KafkaClient, topic: TopicName, n: int, region: str) -> None:
    """Produce an order."""
    produce(evidence, kafka, topic, json.dumps({"region": region}).encode(), key=b"o%d" % n)


def rows(ksqldb: KsqlClient, sql: str) -> dict[str, int]:
    """The answer of a pull query: region → count."""
    found: dict[str, int] = {}
    for row in ksqldb.pull(sql):
        found |= region_and_count(row)
    return found


def region_and_count(row: Row) -> dict[str, int]:
    """A row as region → count."""
    return {str(row[0]): int(str(row[1]))}


def counts_in(kafka: KafkaClient, sink: str) -> dict[str, int]:
    """The latest count of each region in the sink."""
    return {
        (record.key or b"").decode(): json.loads(record.value or b"{}").get("N")
        for record in kafka.read_all(sink)
    }


def committed_of(kafka: KafkaClient, group: GroupName, topic: TopicName) -> int:
    """How many records of the topic the group has committed."""
    return sum(c.offset for (name, _), c in kafka.committed(group).items() if name == topic)


def groups_of(kafka: KafkaClient, unique: UniqueNames) -> set[str]:
    """The groups whose names were derived from this test's."""
    return set(filter(unique.mine, kafka.groups()))


def databases_of(
    lab: Target, capabilities: Capabilities, evidence: Evidence, group: GroupName, copy: Path
) -> list[int] | None:
    """The partitions that have a RocksDB database of the query; None where nobody may look."""
    if not capabilities.ksqldb_state:
        evidence.limit("the node's state folder cannot be looked at here")
        return None
    node = own_server(lab)
    lab.copy_state(node, copy)
    found = sorted({d.partition for d in rocksdb_folders(copy) if d.application == group})
    evidence.record("experiment", f"finds databases of {group}", "ksqldb", answer=found)
    return found


def is_shown(step: Entry) -> bool:
    """Whether a step belongs in the picture: the last order, and all that was done and seen."""
    if step.kind != "step":
        return False
    if step.actor == "producer":
        return f"o{len(ORDERS)}" in str(step.answer)
    return step.actor in {"user", "ksqldb", "experiment"}
