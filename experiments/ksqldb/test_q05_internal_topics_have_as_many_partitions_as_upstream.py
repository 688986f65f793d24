"""Q05. Internal topics have as many partitions as the topics upstream of them.

Set-up    the same streams and tables three times, over topics with 1, 3 and 6 partitions
Action    run statements that group, window and join on each set of them; join a table of 6
          partitions on a foreign key of a table of 3
Observed  every repartition and changelog topic has 1, 3 and 6 partitions, as its sources; with a
          foreign key between tables of different counts each internal topic follows the side that
          it lies behind
Control   WITH (PARTITIONS=…) gives the sink another number and leaves the internal topics alone
Limits    a topic's number is read from the broker's metadata; sources with different numbers can be
          joined by foreign keys only
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.workloads.queries.runs import Queries, Query, Seen
from lab.workloads.queries.table import Statement, load

TABLE = load()
COUNTS = (1, 3, 6)
DEFAULT: Mapping[int, tuple[str, ...]] = {
    1: ("by_column", "streams_columns", "tables"),
    3: ("by_column", "by_two", "hopping", "streams_left", "stream_table_column", "foreign_key"),
    6: ("by_column", "session", "streams_columns", "foreign_key"),
}
"""By the sources' partitions, what is run unless everything is."""
BEHIND = {
    "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-#-topic": "right",
    "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-#-changelog": "right",
    "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-#-topic": "left",
    "KafkaTopic_Left-Reduce-changelog": "left",
    "KafkaTopic_Right-Reduce-changelog": "right",
    "Project-Last-changelog": "left",
}
"""The topics of a foreign-key join: subscriptions go to the right side, answers come back."""


@claim("Q05")
def test_internal_topics_have_as_many_partitions_as_upstream(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    scale: Scale,
    evidence: Evidence,
) -> None:
    # Set-up
    chosen = {
        count: stateful() if scale.thorough else TABLE.named(*DEFAULT[count]) for count in COUNTS
    }
    runs = {count: Queries(kafka, ksqldb, topic, source_name, evidence, count) for count in COUNTS}
    foreign_key, by_column = TABLE.named("foreign_key", "by_column")
    for count, run in runs.items():
        run.prepare({*chosen[count], foreign_key})

    # Action
    queries = {
        count: [runs[count].start(statement) for statement in chosen[count]] for count in COUNTS
    }
    three, six = runs[3], runs[6]
    mixed_sources = {"accounts": three.sources["accounts"], "users": six.sources["users"]}
    mixed = three.start(foreign_key, mark="_mixed", sources=mixed_sources)
    wide = three.start(by_column, "PARTITIONS=5", mark="_wide")
    for count, started in queries.items():
        runs[count].wait_written(started)
    three.wait_written([mixed, wide])
    seen = {
        count: {query: runs[count].seen(query, "while it runs") for query in started}
        for count, started in queries.items()
    }
    mixed_seen, wide_seen = (three.seen(query, "while it runs") for query in (mixed, wide))

    # Observed
    for count, found in seen.items():
        evidence.observe(
            f"sources of {count} partitions: the partitions of the internal topics",
            {query.statement.title: each.counts for query, each in found.items()},
            expected={
                query.statement.title: dict.fromkeys(query.statement.internal, count)
                for query in found
            },
            says=f"sources of {count}: {sum(len(each.internal) for each in found.values())}"
            f" internal topics of {len(found)} queries, each with {count}",
        )
    sides = {"left": three.partitions, "right": six.partitions}
    evidence.observe(
        "a foreign key from a table of 3 partitions to one of 6",
        mixed_seen.counts,
        expected={name: sides[side] for name, side in BEHIND.items()},
        says="a foreign key from 3 to 6 partitions: subscriptions have 6, answers 3",
    )

    # Control
    evidence.control(
        "the sink and the internal topics under WITH (PARTITIONS=5)",
        (wide_seen.sink and wide_seen.sink.partitions, wide_seen.counts),
        expected=(5, dict.fromkeys(by_column.internal, 3)),
        says="WITH (PARTITIONS=5): the sink has 5, its internal topics have 3 as the source",
    )

    lay_out(evidence, seen, {"3 and 6": (mixed, mixed_seen), "3, sink of 5": (wide, wide_seen)})


def stateful() -> tuple[Statement, ...]:
    """The statements whose queries have internal topics."""
    return tuple(statement for statement in TABLE.named() if statement.internal)


def lay_out(
    evidence: Evidence,
    seen: Mapping[int, Mapping[Query, Seen]],
    special: Mapping[str, tuple[Query, Seen]],
) -> None:
    """The partitions of everything that was made."""
    listed = [(str(count), *pair) for count, found in seen.items() for pair in found.items()]
    listed += [(sources, *pair) for sources, pair in special.items()]
    evidence.table(
        "How many partitions sources, internal topics and sinks have",
        ["Statement", "Sources", "Internal topics", "Sink"],
        [
            [
                query.statement.title,
                sources,
                "\n".join(f"{name}: {count}" for name, count in each.counts.items()),
                str(each.sink.partitions) if each.sink else "no sink",
            ]
            for sources, query, each in listed
        ],
        "The numbers are partitions; internal topics are shown without what stands before them, #"
        " stands for ten digits",
    )
