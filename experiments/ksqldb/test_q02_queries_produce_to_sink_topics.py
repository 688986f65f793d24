"""Q02. CREATE STREAM AS and CREATE TABLE AS consume topics and produce to a sink topic.

Set-up    streams and tables over topics with records in them; a stream that is only declared
Action    run statements of every kind; a record more into a source; INSERT INTO … SELECT into one
          of the sinks; then DROP some sinks with DELETE TOPIC and some without
Observed  each statement's sink appeared: a topic with as many partitions as the sources have, that
          deletes by time for a stream, is compacted for a table, and both for a windowed table;
          in it stand the rows that the statement says, and the new record's row after them; INSERT
          INTO … SELECT writes to a sink that is there; the sources' records are as they were
Control   before the statements no such topic was there, and declaring a stream makes none; what
          DROP … DELETE TOPIC names is gone, while DROP alone leaves topic and records
Limits    the values are JSON; other formats are a matter of Q10 and Q11
"""

from __future__ import annotations

import json

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.evidence.workload import list_topics, produce
from lab.workloads.queries.runs import AS_KAFKA_STREAMS, Queries, Query, Seen, TopicSeen
from lab.workloads.queries.table import expected_rows, in_order, load

TABLE = load()
SHORT = {name: name for name in TABLE.sources}
DEFAULT = (
    "filter",
    "projection",
    "explode",
    "partition_by",
    "by_column",
    "by_two",
    "hopping",
    "streams_right_column",
    "stream_two_tables",
    "foreign_key",
)
LATER = b'{"uid": "u2", "region": "north", "tags": [], "amount": 1}'


@claim("Q02")
def test_queries_produce_to_sink_topics(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    scale: Scale,
    evidence: Evidence,
) -> None:
    # Set-up
    chosen = TABLE.named(*(() if scale.thorough else DEFAULT))
    run = Queries(kafka, ksqldb, topic, source_name, evidence)
    run.prepare(chosen)
    declared = list_topics(evidence, kafka, unique)
    before = records_of(run)

    # Action
    queries = [run.start(statement) for statement in chosen]
    run.wait_written(queries)
    sinks = {query: run.seen(query, "while it runs").sink for query in queries}
    rows = {query: run.rows(query, expected_rows(query.statement)) for query in queries}
    untouched = records_of(run)

    filtered = next(query for query in queries if query.statement.name == "filter")
    produce(evidence, kafka, run.topics["orders"], LATER, key=b"o4", config=AS_KAFKA_STREAMS)
    later = ("o4", {"UID": "u2", "REGION": "north", "TAGS": [], "AMOUNT": 1})
    followed = run.rows(filtered, [*expected_rows(filtered.statement), later])

    topics = list_topics(evidence, kafka, unique)
    statement = (
        f"INSERT INTO {filtered.sink} SELECT * FROM {run.sources['orders']}"
        " WHERE region = 'south' EMIT CHANGES;"
    )
    inserting = evidence.act(
        "user", statement, filtered.sink, lambda: ksqldb.start_query(statement)
    )
    south = ("o2", {"UID": "u2", "REGION": "south", "TAGS": ["blue"], "AMOUNT": 7})
    both = run.rows(filtered, in_order([*followed, south]))
    joined_by = list_topics(evidence, kafka, unique) - topics
    run.execute(f"TERMINATE {inserting};")

    kept, deleted = queries[::2], queries[1::2]
    for query in queries:
        run.drop(query, delete_topic=query in deleted)
    run.wait_without_sinks(deleted)
    dropped = {query: run.seen(query, "after DROP") for query in queries}
    still = run.rows(filtered, both)

    # Observed
    evidence.observe(
        "the sinks, their partitions and clean-up policies",
        {q.statement.title: about(sink) for q, sink in sinks.items()},
        expected={
            q.statement.title: f"{run.partitions} partitions, {q.statement.policy}" for q in queries
        },
        says=f"{len(queries)} sinks with {run.partitions} partitions: a stream's deletes, a table's"
        " is compacted, a windowed table's both",
    )
    for query in queries:
        wanted = expected_rows(query.statement)
        evidence.observe(
            f"{query.statement.title}: the rows in the sink",
            rows[query],
            expected=wanted,
            says=f"{query.statement.title}: {len(wanted)} rows",
        )
    evidence.observe(
        "the rows of the filter's sink after another record",
        followed,
        expected=[*expected_rows(filtered.statement), later],
        says="the sink followed its source: another record, another row",
    )
    evidence.observe(
        "the rows of that sink after INSERT INTO … SELECT, and the topics that appeared with it",
        (both, joined_by),
        expected=(in_order([*followed, south]), set()),
        says="INSERT INTO … SELECT let a second query write to the same sink, and made no topic",
    )
    evidence.observe(
        "the records of the sources, before and after",
        untouched,
        expected=before,
        says="reading took nothing away from the sources",
    )

    # Control
    evidence.control(
        "topics before the statements, sources declared",
        declared,
        expected=set(run.topics.values()),
        says="declaring streams and tables made no topic, and there was no sink",
    )
    evidence.control(
        "sinks after DROP … DELETE TOPIC",
        {q.statement.title for q in deleted if dropped[q].sink is not None},
        expected=set(),
        says=f"after DROP … DELETE TOPIC {len(deleted)} sinks are gone",
    )
    evidence.control(
        "sinks after DROP alone, and the rows in one of them",
        ({q.statement.title for q in kept if dropped[q].sink is not None}, still),
        expected=({query.statement.title for query in kept}, both),
        says=f"after DROP alone {len(kept)} sinks are still there, with their rows",
    )

    lay_out(run, sinks, rows, deleted, dropped)


def records_of(run: Queries) -> dict[str, list[object]]:
    """Every record of each source's topic: partition, offset, key and value."""
    return {
        name: [(r.partition, r.offset, r.key, r.value) for r in run.kafka.read_all(topic)]
        for name, topic in run.topics.items()
    }


def about(sink: TopicSeen | None) -> str:
    """A sink's partitions and policy."""
    return "no topic" if sink is None else f"{sink.partitions} partitions, {sink.policy}"


def lay_out(
    run: Queries,
    sinks: dict[Query, TopicSeen | None],
    rows: dict[Query, list[tuple[str, object]]],
    deleted: list[Query],
    dropped: dict[Query, Seen],
) -> None:
    """Each statement with its sink."""
    run.evidence.table(
        "Statements and their sinks",
        ["Statement", "Sink", "Rows", "DROP", "Sink after it"],
        [
            [
                Cell(query.statement.title, note=query.statement.text("…", SHORT)),
                about(sink),
                "\n".join(f"{key}: {json.dumps(value)}" for key, value in rows[query]),
                "… DELETE TOPIC" if query in deleted else "alone",
                Cell("there", "yes") if dropped[query].sink is not None else Cell("gone", "no"),
            ]
            for query, sink in sinks.items()
        ],
        "A sink's number of partitions and clean-up policy; keys are shown without windows",
    )
