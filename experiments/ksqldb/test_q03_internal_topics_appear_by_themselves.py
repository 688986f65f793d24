"""Q03. Repartition and changelog topics appear by themselves when a query needs them.

Set-up    streams and tables over topics with records in them; a table of statements: grouping by
          the key, by another column, by two, windows, every kind of join
Action    run the statements that remember something, one CREATE … AS SELECT each; TERMINATE the
          queries, then DROP their sinks with DELETE TOPIC
Observed  between the topic lists before and after, each statement's sink appeared, and with it
          topics that no client created by hand: a changelog (compacted, or deleting by time where
          the state is windowed) for what the query remembers, a repartition topic (deleting) where
          records have to move; TERMINATE takes them away and leaves the sink
Control   filter, projection, EXPLODE and PARTITION BY make their sinks only; grouping by the key
          and joining on keys make changelogs and no repartition topic
Limits    what created the topics is seen by nobody else being there to do it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.evidence.workload import list_topics
from lab.workloads.queries.runs import Queries, Query, Seen, TopicSeen
from lab.workloads.queries.table import load

TABLE = load()
FAMILIES = {
    "table": "even a filter of a table has a changelog: a table is read into a store",
    "group": "GROUP BY made a changelog, and a repartition topic unless it is by the key",
    "window": "with windows the changelog deletes as well: old windows go",
    "join": "joins made changelogs of what they keep, and repartition topics for sides that are"
    " not joined by their key",
}
"""Families of statements whose queries remember something, and what is seen of them."""
SHORT = {name: name for name in TABLE.sources}


@claim("Q03")
def test_internal_topics_appear_by_themselves(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    scale: Scale,
    evidence: Evidence,
) -> None:
    for partitions in (1, 3, 6) if scale.thorough else (3,):
        run = Queries(kafka, ksqldb, topic, source_name, evidence, partitions)
        appear_and_go(run, unique)


def appear_and_go(run: Queries, unique: UniqueNames) -> None:
    """The whole experiment over sources with as many partitions as ``run`` says."""
    evidence, kafka = run.evidence, run.kafka
    at = f"{run.partitions} partitions"

    # Set-up
    run.prepare(TABLE.named())
    before = list_topics(evidence, kafka, unique)

    # Action
    queries = [run.start(statement) for statement in TABLE.named()]
    run.wait_written(queries)
    running = {query: run.seen(query, "while it runs") for query in queries}
    appeared = list_topics(evidence, kafka, unique) - before
    for query in queries:
        run.terminate(query)
    cleaned = run.wait_cleaned(queries)
    terminated = {query: run.seen(query, "after TERMINATE") for query in queries}
    for query in queries:
        run.drop(query, delete_topic=True)
    run.wait_without_sinks(queries)
    dropped = {query: run.seen(query, "after DROP … DELETE TOPIC") for query in queries}

    # Observed
    remembering = [query for query in queries if query.statement.internal]
    for family, says in FAMILIES.items():
        of_family = [query for query in remembering if query.statement.family == family]
        evidence.observe(
            f"{at}, {family}: the topics under each query's prefix, and their clean-up policies",
            {query.statement.title: running[query].policies for query in of_family},
            expected={query.statement.title: query.statement.internal for query in of_family},
            says=f"{at}: {says}",
        )
    evidence.observe(
        f"{at}: everything that appeared between the topic lists",
        appeared,
        expected={topic.name for seen in running.values() for topic in seen.topics},
        says=f"{at}: what appeared are {len(queries)} sinks and "
        f"{sum(len(seen.internal) for seen in running.values())} internal topics, nothing else",
    )
    evidence.observe(
        f"{at}: internal topics after TERMINATE, and whether the sinks are still there",
        (cleaned, {len(s.internal) for s in terminated.values()}, sinks(terminated)),
        expected=(True, {0}, sinks(running)),
        says=f"{at}: TERMINATE took the internal topics away and left the sinks",
    )

    # Control
    stateless = [query for query in queries if not query.statement.internal]
    evidence.control(
        f"{at}: topics of the queries that remember nothing",
        {q.statement.title: len(running[q].topics) for q in stateless},
        expected={q.statement.title: 1 for q in stateless},
        says=f"{at}: {', '.join(q.statement.title for q in stateless)}: a sink only",
    )
    settled = [query for query in remembering if not query.statement.moves]
    evidence.control(
        f"{at}: repartition topics where records lie right already",
        {q.statement.title: running[q].moving for q in settled},
        expected={q.statement.title: [] for q in settled},
        says=f"{at}: GROUP BY the key and joins on keys made changelogs and no repartition topic",
    )
    evidence.control(
        f"{at}: what is left after DROP … DELETE TOPIC",
        {topic.name for seen in dropped.values() for topic in seen.topics},
        expected=set(),
        says=f"{at}: after DROP … DELETE TOPIC nothing is left",
    )

    lay_out(run, running, terminated, dropped)


def sinks(seen: Mapping[Query, Seen]) -> set[str]:
    """The sinks that are there."""
    return {each.sink.name for each in seen.values() if each.sink is not None}


def lay_out(
    run: Queries,
    running: Mapping[Query, Seen],
    terminated: Mapping[Query, Seen],
    dropped: Mapping[Query, Seen],
) -> None:
    """Which topics each statement made, and what was left of them."""
    run.evidence.table(
        f"Which topics will this query make? Sources of {run.partitions} partitions",
        [
            "Statement",
            "Sink",
            "Topics that records move through",
            "Topics that keep state",
            "After TERMINATE",
            "After DROP … DELETE TOPIC",
        ],
        [
            [
                Cell(query.statement.title, note=query.statement.text("…", SHORT)),
                "none" if seen.sink is None else about(seen.sink),
                listed(seen, seen.moving),
                listed(seen, seen.remembering),
                left(terminated[query]),
                left(dropped[query]),
            ]
            for query, seen in running.items()
        ],
        "In brackets the number of partitions, the clean-up policy, and how long a topic that"
        f" deletes keeps records. Internal topics begin with _confluent-ksql-{run.service}query_"
        "<query id>-, which is left out; # stands for ten digits. Without its - at the end that is"
        " also the name of the query's consumer group",
    )


def listed(seen: Seen, names: Sequence[str]) -> str:
    """Some of the internal topics, each in a line."""
    return "\n".join(f"{name} {about(seen.internal[name])}" for name in names) or "none"


def about(topic: TopicSeen) -> str:
    """Partitions, policy, and how long records are kept by a policy that deletes."""
    hours = "" if topic.retention_ms < 0 else f" after {topic.retention_ms / 3_600_000:.4g} h"
    kept = hours if "delete" in topic.policy else ""
    return f"({topic.partitions}, {topic.policy.replace(',', ' and ')}{kept})"


def left(seen: Seen) -> Cell:
    """What is left of a query's topics and group."""
    found = ["the sink"] if seen.sink is not None else []
    found += [f"{len(seen.internal)} internal topics"] if seen.internal else []
    return Cell(" and ".join(found) or "nothing", note=f"group: {seen.group_state.lower()}")
