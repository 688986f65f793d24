"""Q01. ksqlDB is a client of the broker, built on Kafka Streams.

Set-up    streams and tables over topics with records in them
Action    start persistent queries of several kinds; ask the broker's admin API about their groups;
          then TERMINATE them
Observed  each query is a consumer group, _confluent-ksql-<service id>query_<query id>; its members
          are consumers of Kafka Streams' threads, by their client ids and by the assignor that they
          agreed on; each partition of the topics that the query reads, its repartition topics
          included, belongs to exactly one member; the group commits offsets like any client's
Control   a stream that is only declared has no group, no statement has one before it runs, and
          after TERMINATE each group is empty or gone
Limits    how the members divide the partitions among themselves is up to Kafka Streams
"""

from __future__ import annotations

from lab.clients.kafka import GroupDescription, KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.workloads.queries.groups import from_streams, not_owned_once
from lab.workloads.queries.runs import Queries, Query, Seen, came_about
from lab.workloads.queries.table import load

TABLE = load()
DEFAULT = ("filter", "by_column", "session", "streams_right_column", "stream_table", "tables")


@claim("Q01")
def test_it_is_a_client_of_the_broker(
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
    before = groups_of(kafka, unique)

    # Action
    queries = [run.start(statement) for statement in chosen]
    run.wait_written(queries)
    committed = {query.statement.title: run.wait_committed(query) for query in queries}
    came_about(
        "every member has its partitions",
        lambda: not any(unowned(run, query, run.look(query)) for query in queries),
    )
    groups = groups_of(kafka, unique)
    running = {query: run.seen(query, "while it runs") for query in queries}
    for query in queries:
        run.terminate(query)
    came_about("all groups are empty or gone", lambda: all(map(run.is_idle, queries)))
    ended = {query: run.seen(query, "after TERMINATE") for query in queries}

    # Observed
    evidence.observe(
        "the groups that appeared",
        groups - before,
        expected={query.group for query in queries},
        says=f"{len(queries)} queries, {len(queries)} consumer groups, such as {queries[0].group}",
    )
    evidence.observe(
        "groups that are not of Kafka Streams' threads",
        [q.group for q, seen in running.items() if not from_streams(seen.group, q.group)],
        expected=[],
        says="their members are consumers of Kafka Streams' threads, such as "
        + client_of(running[queries[0]].group),
    )
    evidence.observe(
        "partitions of what the queries read that do not have exactly one owner",
        {
            q.statement.title: not_owned_once(seen.group, read(run, q, seen))
            for q, seen in running.items()
        },
        expected={query.statement.title: [] for query in queries},
        says="each partition that a query reads belongs to exactly one member of its group",
    )
    evidence.observe(
        "whether the groups committed up to the ends of their sources",
        committed,
        expected=dict.fromkeys(committed, True),
        says="the groups committed offsets up to the ends of the sources' partitions",
    )

    # Control
    evidence.control(
        "groups while the streams and tables were only declared",
        before,
        expected=set(),
        says=f"{len(run.sources)} declared streams and tables had no group",
    )
    evidence.control(
        "members of the groups after TERMINATE",
        {q.statement.title: members(seen) for q, seen in ended.items()},
        expected={query.statement.title: [] for query in queries},
        says="after TERMINATE the groups were "
        + " or ".join(sorted({seen.group_state.lower() for seen in ended.values()})),
    )

    lay_out(run, running, ended)


def groups_of(kafka: KafkaClient, unique: UniqueNames) -> set[str]:
    """The consumer groups whose names come from this test's."""
    return set(filter(unique.mine, kafka.groups()))


def read(run: Queries, query: Query, seen: Seen) -> dict[str, int]:
    """The topics that the query reads, its own ones included, with their partitions."""
    sources = {str(run.topics[name]): run.partitions for name in query.statement.sources}
    own = (seen.internal[name] for name in seen.moving)
    return sources | {str(topic.name): topic.partitions for topic in own}


def unowned(run: Queries, query: Query, seen: Seen) -> list[str]:
    """The partitions of what the query reads that do not have exactly one owner."""
    return not_owned_once(seen.group, read(run, query, seen))


def members(seen: Seen) -> list[str]:
    """The members of the query's group."""
    return [] if seen.group is None else [member.member_id for member in seen.group.members]


def client_of(group: GroupDescription | None) -> str:
    """The client id of a group's first member."""
    return group.members[0].client_id if group is not None and group.members else "nobody"


def lay_out(run: Queries, running: dict[Query, Seen], ended: dict[Query, Seen]) -> None:
    """The groups as the broker describes them."""
    rows: list[list[Cell | str]] = []
    for query, seen in running.items():
        group = seen.group
        shown = () if group is None else group.members
        rows.append(
            [
                Cell(query.statement.title, note=query.group),
                Cell(seen.group_state.lower(), note="" if group is None else group.assignor),
                "\n".join(
                    f"{m.client_id.removeprefix(query.group).lstrip('-')}"
                    f" at {m.host.lstrip('/')}: {len(m.assignment)}"
                    for m in sorted(shown, key=lambda m: m.client_id)
                ),
                ended[query].group_state.lower(),
            ]
        )
    run.evidence.table(
        "The consumer groups of persistent queries",
        ["Query", "State", "Members, and how many partitions each has", "After TERMINATE"],
        rows,
        "As the admin API describes them; under the query its group, under the state the assignor."
        " Members are shown by their client ids, without the group's name before them",
    )
