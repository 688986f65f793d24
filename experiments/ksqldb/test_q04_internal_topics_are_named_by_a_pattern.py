"""Q04. The names of the internal topics follow a pattern made of service id, query id and step.

Set-up    streams and tables over topics with records in them; a table of statements that group,
          window and join them
Action    run each statement; read the service id from /info and the query id from the answer
Observed  the names of a query's internal topics are exactly
          _confluent-ksql-<service id>query_<query id>- and then the step and what the topic is for:
          Aggregate-GroupBy-repartition, Aggregate-Aggregate-Materialize-changelog,
          Join-left-repartition, KafkaTopic_Right-Reduce-changelog and so on; where Kafka Streams
          gives the name, that of the processor with its number
Control   the short forms that are often quoted exist as topics nowhere on the cluster, and a query
          that needs no internal topics has none under its own prefix
Limits    the numbers of processors follow from the topology: they are shown, not judged
"""

from __future__ import annotations

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import TopicName
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.evidence.workload import list_topics
from lab.workloads.queries.runs import Queries, Query, Seen
from lab.workloads.queries.table import load, masked

TABLE = load()
SHORT = {name: name for name in TABLE.sources}
STATELESS = ("filter", "projection")
DEFAULT = (
    "table_filter",
    "by_column",
    "table_by_column",
    "hopping",
    "streams_left",
    "streams_columns",
    "stream_table_column",
    "stream_two_tables",
    "tables",
    "foreign_key",
)
"""Every name of an internal topic occurs in one of these."""


@claim("Q04")
def test_internal_topics_are_named_by_a_pattern(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    scale: Scale,
    evidence: Evidence,
) -> None:
    # Set-up
    chosen = TABLE.named(*(() if scale.thorough else (*STATELESS, *DEFAULT)))
    run = Queries(kafka, ksqldb, topic, source_name, evidence)
    run.prepare(chosen)

    # Action
    before = list_topics(evidence, kafka, unique)
    queries = [run.start(statement) for statement in chosen]
    run.wait_written(queries)
    after = list_topics(evidence, kafka, unique)
    everywhere = kafka.topics()
    seen = {query: run.seen(query, "while it runs") for query in queries}

    # Observed
    patterns = {q.prefix + name for q in queries for name in q.statement.internal}
    evidence.observe(
        "the internal topics that appeared, numbers of processors as #",
        {masked(name) for name in after - before - {TopicName(q.sink) for q in queries}},
        expected=patterns,
        says=f"{len(patterns)} internal topics of {len(queries)} queries are named by the pattern"
        f" _confluent-ksql-{run.service}query_<query id>-<step>",
    )
    by_column = next(query for query in queries if query.statement.name == "by_column")
    evidence.observe(
        "the names of a GROUP BY's topics in full",
        {topic.name for topic in seen[by_column].internal.values()},
        expected={
            f"_confluent-ksql-{run.service}query_{by_column.id}-{step}"
            for step in (
                "Aggregate-GroupBy-repartition",
                "Aggregate-Aggregate-Materialize-changelog",
            )
        },
        says="GROUP BY another column: "
        + " and ".join(topic.name for topic in seen[by_column].internal.values()),
    )

    # Control
    short_forms = {name for query in queries for name in quoted(query)}
    evidence.control(
        "the short forms that are often quoted, among all topics of the cluster",
        short_forms & everywhere,
        expected=set(),
        says=f"the short forms that are often quoted are no topics, {len(short_forms)} looked for,"
        f" as {' and '.join(quoted(by_column))}",
    )
    stateless = [query for query in queries if not query.statement.internal]
    evidence.control(
        "internal topics of queries that need none",
        {q.statement.title: list(seen[q].internal) for q in stateless},
        expected={q.statement.title: [] for q in stateless},
        says=f"{', '.join(q.statement.title for q in stateless)}: no topic under its prefix",
    )

    lay_out(run, seen)


def quoted(query: Query) -> tuple[str, str]:
    """The names that are often given for a query's internal topics."""
    return f"{query.id}-Aggregate-GroupBy-repartition", f"{query.sink}-changelog"


def lay_out(run: Queries, seen: dict[Query, Seen]) -> None:
    """Every internal topic by its full name."""
    run.evidence.table(
        "The names of internal topics in full",
        ["Statement", "Query id", "Internal topics"],
        [
            [
                Cell(query.statement.title, note=query.statement.text("…", SHORT)),
                query.id,
                Cell("\n".join(topic.name for topic in found.internal.values()) or "none"),
            ]
            for query, found in seen.items()
        ],
        f"The service id from /info: {run.service}",
    )
