"""Q13. Where a record is repartitioned, and where it updates a view, can be watched from outside.

Set-up    orders over three partitions, keyed by id; three queries over them: a count by region, a
          count by region and hour, a join with the table of buyers; nothing cached, commits every
          100 ms; a reader in no group that waits at the ends of all their topics
Action    a buyer is produced, then one order; every record that comes to any of the topics is taken
          down with when it came; the counts are pulled
Observed  the one order became one record in each repartition topic, in the partition of its new
          key; from there one in the changelog and one in the sink, in the same partition, with the
          order's own timestamp; the task that did it is that of the repartition topic's partition,
          in the query's own consumer group; the pull query answers the numbers in the sink's record
Control   an order whose region and buyer are null is read, its offset committed, and nothing comes
          of it: the counts drop it before their repartition topics, which do not move, the join
          before its sink; the order after it goes all the way; the processing log says of both
          counts that the row was left out, and why
Limits    a table's store itself is not read here (Q06 does); times are those at which the waiting
          reader got a record
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import PartitionId, QueryId, TopicName
from lab.clients.tail import Arrival, Tail
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.checkers import run_checker
from lab.evidence.following import SOURCE, Followed, Follower, followed, number
from lab.evidence.model import Entry
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.processing_log import UNPROCESSED, LogEntry, entry, is_written, log_topic
from lab.evidence.query_parts import group_of, owners, tasks, wait_until_at_work
from lab.evidence.recorder import Evidence
from lab.evidence.ways import one_way, record_arrival

HOUR_MS = 3_600_000
AT_ONCE = {
    "ksql.streams.auto.offset.reset": "earliest",
    "ksql.streams.commit.interval.ms": "100",
    "ksql.streams.cache.max.bytes.buffering": "0",
}
COUNT, HOURLY, JOIN = "a count", "a windowed count", "a stream-table join"


@claim("Q13")
def test_a_records_way_can_be_followed(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    # Set-up
    orders, buyers = topic("orders", partitions=3), topic("buyers", partitions=3)
    stream, table = source_name("orders"), source_name("buyers")
    ksqldb.execute(
        f"CREATE STREAM {stream} (id VARCHAR KEY, region VARCHAR, buyer VARCHAR, amount INT)"
        f" WITH (KAFKA_TOPIC='{orders}', VALUE_FORMAT='JSON');"
        f"CREATE TABLE {table} (id VARCHAR PRIMARY KEY, name VARCHAR)"
        f" WITH (KAFKA_TOPIC='{buyers}', VALUE_FORMAT='JSON');"
    )
    counts = f"SELECT region, COUNT(*) AS n, SUM(amount) AS total FROM {stream}"
    statements = {
        COUNT: f"TABLE {{}} AS {counts} GROUP BY region",
        HOURLY: f"TABLE {{}} AS {counts} WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY region",
        JOIN: "STREAM {} AS SELECT b.id AS buyer, o.id AS id, b.name AS name"
        f" FROM {stream} o JOIN {table} b ON o.buyer = b.id",
    }
    started: list[tuple[str, str, QueryId]] = []
    for (title, statement), name in zip(
        statements.items(), ("by_region", "by_hour", "named"), strict=True
    ):
        sink = source_name(name)
        sql = f"CREATE {statement.format(sink)} EMIT CHANGES;"
        run = partial(ksqldb.execute, sql, properties=AT_ONCE)
        query_id = evidence.act("user", sql, sink, run)[-1].query_id
        assert query_id is not None
        started.append((title, sink, query_id))
    service = ksqldb.info().service_id
    queries = [
        followed(
            title,
            wait_until_at_work(kafka, group_of(service, query), query, sink, [orders]),
            updates=title != JOIN,
        )
        for title, sink, query in started
    ]
    count, hourly, join = queries
    log = log_topic(ksqldb)
    watched = {name for query in queries for name in query.names} | {orders, buyers}

    with Tail(kafka, [*watched, *filter(None, [log])]) as tail:
        way = Follower(kafka, ksqldb, evidence, orders, tail, queries)

        # Action
        buyer = way.produce(buyers, "b1", {"NAME": "Ada"})
        kept = tail.until(
            "the buyer in the changelog of the join's table",
            lambda came: next((a for a in came if a.record.topic == join.changelog), None),
        )
        keeper = way.task(join, buyers, kept.record.partition)
        stored = record_arrival(evidence, kept, actor=keeper)
        produced, came = way.send("o1", {"region": "north", "buyer": "b1", "amount": 5})
        asked, rows = way.pull(
            count, f"SELECT n, total FROM {count.parts.sink} WHERE region = 'north';"
        )
        asked_windows, windows = way.pull(
            hourly, f"SELECT windowstart, n, total FROM {hourly.parts.sink} WHERE region = 'north';"
        )
        way.wait_until_read(produced)

        # Observed
        for query in queries:
            found = run_checker(
                one_way,
                [produced, *query.steps],
                source=orders,
                through=query.through,
                names=query.names | {orders: SOURCE},
            )
            evidence.observe(
                f"{query.title}: the order's way",
                finding=found,
                says=f"{query.title}: {found.says}",
            )
            observe_readers(way, query, produced)
        observe_answer(evidence, count, rows, came)
        observe_answer(evidence, hourly, windows, came, produced=produced)
        for query, more in ((count, [asked]), (hourly, [asked_windows]), (join, [buyer, stored])):
            steps = [produced, *query.steps, *more]
            draw(
                way, query, steps, f"The way of one order: {query.title}", {buyers: "buyers topic"}
            )
        lay_out(evidence, queries, produced)

        # Control
        leave_out_nulls(way, log)


def leave_out_nulls(way: Follower, log: TopicName | None) -> None:
    """An order without region and buyer, and the next one: what comes of them."""
    count, _, join = way.queries
    marked, before = len(way.evidence.history), len(way.tail.arrivals)
    lost = way.produce(way.source, "o2", {"region": None, "buyer": None, "amount": 7})
    produced, _ = way.send("o3", {"region": "north", "buyer": "b1", "amount": 9})
    way.wait_until_read(produced)
    wanted = {name for query in way.queries for name in query.through}
    came = [each for each in way.tail.arrivals[before:] if each.record.topic in wanted]
    stamp = number(produced, "timestamp_ms")
    places = [(q, name) for q in way.queries for name in q.through if name != join.repartition]
    way.evidence.control(
        "records that came to the counts' topics and to the join's sink, by their timestamps",
        sorted(
            [called(way.queries, each.record.topic), each.record.timestamp_ms]
            for each in came
            if each.record.topic != join.repartition
        ),
        expected=sorted([called([query], name), stamp] for query, name in places),
        says=f"nothing came of the order with nulls at offset {number(lost, 'offset')}, not"
        " even in the counts' repartition topics; the one after it went all the way",
    )
    said = told_by_the_log(way, log, lost)
    lay_out_lost(way.evidence, way.queries, lost, came, said or {})
    if said is not None:
        way.evidence.control(
            "the counts of which the processing log says that a value was null",
            sorted(said.keys() & {COUNT, HOURLY}),
            expected=sorted([COUNT, HOURLY]),
            says=f"the processing log says of both counts: {said.get(COUNT)}",
        )
    steps = [e for e in way.evidence.history[marked:] if e.kind == "step" and is_about(e, count)]
    lanes = {str(log): "processing log"} if log else {}
    draw(way, count, steps, "An order without a region, and the next one: a count", lanes)


def observe_readers(way: Follower, query: Followed, produced: Entry) -> None:
    """Who read the order, and who read what was made of it."""
    found = owners(way.kafka, query.parts.group)
    second = number(query.step(query.repartition), "partition")
    places = [
        (way.source, PartitionId(number(produced, "partition"))),
        (query.repartition, PartitionId(second)),
    ]
    way.evidence.observe(
        f"{query.title}: whether members of its group read the partitions of both records",
        [found.get(place, "nobody").startswith(query.parts.group) for place in places],
        expected=[True, True],
        says=f"{query.title}: both records were read by members of the query's group",
    )
    told = tasks(way.ksqldb, query.parts.id)
    numbers = [told.get(place, "") for place in places]
    if not all(numbers):
        way.evidence.limit(f"{query.title}: EXPLAIN does not tell which task reads what")
        return
    way.evidence.observe(
        f"{query.title}: the tasks that read both records, and their partitions",
        [
            [name.partition("_")[0] != numbers[1 - n].partition("_")[0], int(name.split("_")[-1])]
            for n, name in enumerate(numbers)
        ],
        expected=[[True, place[1]] for place in places],
        says=f"{query.title}: task {numbers[0]} repartitioned it, task {numbers[1]} went on",
    )


def observe_answer(
    evidence: Evidence,
    query: Followed,
    rows: list[list[object]],
    came: Sequence[Arrival],
    *,
    produced: Entry | None = None,
) -> None:
    """A pull query's answer against the record in the sink; ``produced`` if it has windows."""
    record = next(each.record for each in came if each.record.topic == query.parts.sink)
    value = json.loads(record.value or b"{}")
    window = []
    if produced is not None:
        # The sink's key of a windowed table ends in the window's start, 8 bytes.
        window = [int.from_bytes((record.key or b"")[-8:], "big")]
        stamp = number(produced, "timestamp_ms")
        evidence.observe(
            f"{query.title}: the start of the window in the sink's key",
            window,
            expected=[stamp - stamp % HOUR_MS],
            says=f"{query.title}: the sink's key names the hour of the order",
        )
    evidence.observe(
        f"{query.title}: the pull query's answer, against the sink's record",
        rows,
        expected=[[*window, value.get("N"), value.get("TOTAL")]],
        says=f"{query.title}: the pull query answers what the sink's record says",
    )


def draw(
    way: Follower, query: Followed, steps: Sequence[Entry], title: str, names: Mapping[str, str]
) -> None:
    """The picture of some steps."""
    way.evidence.sequence(
        title,
        steps,
        "Times are when a waiting reader got the record. Internal topics:"
        f" {query.repartition}, {query.changelog}",
        names={**query.names, **names, way.source: SOURCE},
        lanes=query.lanes(),
    )


def lay_out(evidence: Evidence, queries: Sequence[Followed], produced: Entry) -> None:
    """Where the order came, and when."""
    evidence.table(
        "One order, three ways",
        ["Query", "Topic", "Partition", "Offset", "By", "After"],
        [
            [
                query.title,
                step.target,
                str(number(step, "partition")),
                str(number(step, "offset")),
                step.actor,
                f"{(number(step, 'at_ns') - number(produced, 'at_ns')) / 1e6:.0f} ms",
            ]
            for query in queries
            for step in query.steps
        ],
        f"The order stands in partition {number(produced, 'partition')} of the source topic at"
        f" offset {number(produced, 'offset')}; all records have its timestamp",
    )


def lay_out_lost(
    evidence: Evidence,
    queries: Sequence[Followed],
    lost: Entry,
    came: Sequence[Arrival],
    said: Mapping[str, str],
) -> None:
    """How far the order with nulls came."""
    stamp = number(lost, "timestamp_ms")
    reached = [each.record.topic for each in came if each.record.timestamp_ms == stamp]
    evidence.table(
        "The order with nulls: how far it came",
        ["Query", "Read", "Records in its repartition topic", "In its sink", "Processing log"],
        [
            [
                query.title,
                f"committed past offset {number(lost, 'offset')}",
                str(reached.count(query.repartition)),
                str(reached.count(query.parts.sink)),
                said.get(query.title, "nothing was found"),
            ]
            for query in queries
        ],
        "The counts need its region, the join its buyer; both are null",
    )


def told_by_the_log(way: Follower, log: TopicName | None, lost: Entry) -> dict[str, str] | None:
    """What the processing log says of a null, by query; None where nothing is written to one."""
    if log is None:
        way.evidence.limit("this server has no stream KSQL_PROCESSING_LOG")
        return None

    def entries(came: Sequence[Arrival]) -> dict[str, tuple[Arrival, LogEntry]]:
        found = {}
        for arrival in came:
            said = entry(arrival.record) if arrival.record.topic == log else None
            if said is None or said.kind != UNPROCESSED or arrival.at_ns < number(lost, "at_ns"):
                continue
            for query in way.queries:
                if query.parts.id in said.logger and "null" in said.says:
                    found[query.title] = (arrival, said)
        return found

    try:
        way.tail.until(
            "both counts in the processing log",
            lambda came: entries(came).keys() >= {COUNT, HOURLY},
            timeout_seconds=15 if is_written(way.kafka, log) else 5,
        )
    except ConditionTimeout:
        if not is_written(way.kafka, log):
            way.evidence.limit(f"{log} is there, but this server writes nothing into it")
            return None
    found = entries(way.tail.arrivals)
    for query in way.queries:
        if query.title in found:
            arrival, said = found[query.title]
            answer = {"query": query.title, "logger": said.logger, "at_ns": arrival.at_ns}
            actor = way.task(query, way.source, number(lost, "partition"))
            way.evidence.record(actor, f"reports: {said.says}", log, answer=answer)
    return {title: said.says for title, (_, said) in found.items()}


def is_about(step: Entry, query: Followed) -> bool:
    """Whether a step belongs to the picture of a query."""
    about = step.answer.get("query") if isinstance(step.answer, dict) else None
    return step.actor == "producer" or step in query.steps or about == query.title


def called(queries: Sequence[Followed], topic: str) -> str:
    """A topic as the history shows it: the query's title, and what the topic is to it."""
    query = next(each for each in queries if topic in each.names)
    return f"{query.title}: {query.names[topic]}"
