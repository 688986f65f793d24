"""Q07. The state's history is in the compacted changelog, and the state can be rebuilt from it.

Set-up    a table that counts and sums orders by region, and a copy of a table of users, of whom one
          was deleted; every change is written to the changelogs, nothing is gathered in a cache
Action    the changelogs are compacted: small segments, no patience; then the node is stopped, the
          state of both queries is removed from its disk, all records of the sources are deleted,
          and the node is started again
Observed  compaction kept the latest record of each key at its offset, the deleted user's is a
          tombstone; after the restart the pull queries answer as before, although neither the files
          nor the sources were there; the next order of each region is counted on, and is the only
          record that the sink got since
Control   the same again with the changelogs' records deleted too: the users are gone, and the next
          orders are counted from one
Limits    that the node read the changelogs is concluded from there being no other copy; the node is
          stopped in an orderly way: what one that is killed does again is Q15's
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import pytest

from lab.clients.errors import BrokerRefused, ClientError, KsqlRefused, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import QueryId, SourceName, TopicName
from lab.clients.records import StoredRecord
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.compaction import compacted, latest_by_key
from lab.evidence.faults import Faults
from lab.evidence.model import Outcome
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.servers import own_server
from lab.evidence.sources import stream_of_orders, table_of_users
from lab.evidence.tables import Cell
from lab.evidence.workload import produce
from lab.targets.base import Target
from lab.wait import wait_until
from lab.workloads.state_stores import rocksdb_folders

PARTITIONS = 2
REGIONS = ("north", "south", "east", "west", "centre", "isles")
USERS = ("ada", "ben", "cleo", "dan", "eve", "fay")
DELETED = "ben"
ROUNDS = 4
LAST_SEEN = ROUNDS - 2
"""The round in which the user is deleted; one more follows, so that the tombstone is compacted."""
UNCACHED = {
    "ksql.streams.auto.offset.reset": "earliest",
    # The setting's name until Kafka 3.4, and since.
    "ksql.streams.cache.max.bytes.buffering": "0",
    "ksql.streams.statestore.cache.max.bytes": "0",
}
SMALL_SEGMENTS = {"segment.ms": "1", "min.compaction.lag.ms": "3600000"}
COMPACT_NOW = {"min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0.001"}
PATIENCE_SECONDS = 120

Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Table:
    """A table, its query, its changelog, and the statement that asks for all of it."""

    name: SourceName
    query: QueryId
    changelog: TopicName
    pull: str


@claim("Q07")
@pytest.mark.disruptive
def test_state_is_rebuilt_from_the_compacted_changelog(
    lab: Target,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
    faults: Faults,
    tmp_path: Path,
) -> None:
    faults.require("kill", "restart", "ksqldb_state")
    node = own_server(lab)

    # Set-up
    orders_topic, users_topic = (topic(n, partitions=PARTITIONS) for n in ("orders", "users"))
    orders, users = source_name("orders"), source_name("users")
    ksqldb.execute(stream_of_orders(orders, orders_topic) + table_of_users(users, users_topic))
    totals = start(
        (evidence, kafka, ksqldb),
        source_name("totals"),
        f"SELECT region, COUNT(*) AS n, SUM(amount) AS total FROM {orders} GROUP BY region",
        columns="region, n, total",
    )
    people = start(
        (evidence, kafka, ksqldb),
        source_name("people"),
        f"SELECT * FROM {users}",
        columns="id, age",
    )
    tables = (totals, people)
    for table in tables:
        kafka.alter_topic_config(table.changelog, SMALL_SEGMENTS)

    # Action
    before: dict[SourceName, Rows] = {}
    for n in range(ROUNDS):
        order_everywhere(evidence, kafka, orders_topic)
        for user in USERS:
            if user != DELETED or n <= LAST_SEEN:
                left = user == DELETED and n == LAST_SEEN
                value = None if left else json.dumps({"age": 30 + n}).encode()
                produce(evidence, kafka, users_topic, value, key=user.encode())
        counted: Rows = [(region, n + 1, 10 * (n + 1)) for region in sorted(REGIONS)]
        known: Rows = [(user, 30 + n) for user in USERS if user != DELETED or n < LAST_SEEN]
        before[totals.name] = rows_once(ksqldb, totals, counted)
        before[people.name] = rows_once(ksqldb, people, known)
    for table in tables:
        evidence.record("ksqldb", "answers a pull query", table.name, answer=before[table.name])
    # The store has a change before its changelog does: the producer gathers records for a while.
    ordered, changed = ROUNDS * len(REGIONS), ROUNDS * len(USERS) - (ROUNDS - 1 - LAST_SEEN)
    changelogs = {
        table.name: records_once(kafka, table.changelog, count)
        for table, count in ((totals, ordered), (people, changed))
    }
    with quick_cleaner(kafka, evidence):
        for table in tables:
            evidence.act(
                "experiment",
                "compact from now on",
                table.changelog,
                partial(kafka.alter_topic_config, table.changelog, COMPACT_NOW),
            )
        clean = {t.name: cleaned(kafka, t.changelog, changelogs[t.name]) for t in tables}
    sink = TopicName(totals.name)
    sink_before = kafka.read_all(sink)

    faults.stop(node)
    forget(evidence, faults, lab, node, tables, tmp_path)
    for source in (orders_topic, users_topic):
        empty(evidence, kafka, source)
    faults.restart(node)
    after = {t.name: rows_once(ksqldb, t, before[t.name]) for t in tables}
    order_everywhere(evidence, kafka, orders_topic)
    counted_on: Rows = [(region, ROUNDS + 1, 10 * (ROUNDS + 1)) for region in sorted(REGIONS)]
    going_on = rows_once(ksqldb, totals, counted_on)
    sink_after = records_once(kafka, sink, len(sink_before) + len(REGIONS))

    # Observed
    for table, kind in ((totals, "counts"), (people, "users")):
        evidence.observe(
            f"the changelog of the {kind}, before and after its compaction",
            finding=compacted(changelogs[table.name], clean[table.name]),
        )
    evidence.observe(
        "what the changelog has of the deleted user, before and after",
        [values_of(DELETED, log[people.name]) for log in (changelogs, clean)],
        expected=[values_of(DELETED, changelogs[people.name]), [None]],
        says="of all records of the user who was deleted the tombstone alone is left",
    )
    evidence.observe(
        "the pull queries' answers after the restart, against those before",
        after,
        expected=before,
        says="with its files removed and the sources emptied, the node answered as before:"
        f" {len(after[totals.name])} counts, {len(after[people.name])} users",
    )
    evidence.observe(
        "the next order of each region",
        going_on,
        expected=counted_on,
        says=f"the next order of each region was counted as number {ROUNDS + 1}",
    )
    evidence.observe(
        "the sink since the stop",
        sorted(
            (record.key or b"", json.loads(record.value or b"{}"))
            for record in sink_after
            if record not in sink_before
        ),
        expected=[
            (str(region).encode(), {"N": n, "TOTAL": total}) for region, n, total in counted_on
        ],
        says=f"the sink got these {len(REGIONS)} changes since, and nothing twice",
    )
    lay_out(evidence, changelogs[totals.name], clean[totals.name])

    # Control
    faults.stop(node)
    forget(evidence, faults, lab, node, tables, tmp_path)
    for log in (orders_topic, users_topic, totals.changelog, people.changelog):
        empty(evidence, kafka, log)
    faults.restart(node)
    order_everywhere(evidence, kafka, orders_topic)
    begun_anew: Rows = [(region, 1, 10) for region in sorted(REGIONS)]
    evidence.control(
        "the counts with the changelogs' records deleted as well, after another order each",
        rows_once(ksqldb, totals, begun_anew),
        expected=begun_anew,
        says="without the changelogs' records the next order of each region was counted as number"
        " 1: what was counted before is gone",
    )
    evidence.control(
        "the users with the changelogs' records deleted as well",
        rows_once(ksqldb, people, []),
        expected=[],
        says="and no user is known",
    )


def start(
    clients: tuple[Evidence, KafkaClient, KsqlClient],
    name: SourceName,
    select: str,
    *,
    columns: str,
) -> Table:
    """Start a table's query, and wait for its changelog."""
    evidence, kafka, ksqldb = clients
    statement = f"CREATE TABLE {name} AS {select} EMIT CHANGES;"
    query = evidence.act(
        "user", statement, name, partial(ksqldb.start_query, statement, properties=UNCACHED)
    )

    def changelog() -> TopicName | None:
        found = (t for t in kafka.topics() if f"_{query}-" in t and t.endswith("-changelog"))
        return next(found, None)

    return Table(
        name,
        query,
        wait_until(f"a changelog of {query}", changelog),
        f"SELECT {columns} FROM {name};",
    )


def order_everywhere(evidence: Evidence, kafka: KafkaClient, topic: TopicName) -> None:
    """One order in each region."""
    for region in REGIONS:
        value = json.dumps({"region": region, "amount": 10}).encode()
        produce(evidence, kafka, topic, value, key=region.encode())


def rows_once(ksqldb: KsqlClient, table: Table, expected: Rows) -> Rows:
    """The rows of a table once they are as expected; what they are if that does not happen."""
    last: Rows = []

    def probe() -> bool:
        last[:] = sorted(tuple(row) for row in ksqldb.pull(table.pull).rows)
        return last == expected

    with suppress(ConditionTimeout):
        wait_until(
            f"{table.name} has the rows that are expected",
            probe,
            timeout_seconds=PATIENCE_SECONDS,
            ignore=(KsqlRefused, Unreachable),  # a node that restores its state says so
        )
    return list(last)


def records_once(kafka: KafkaClient, topic: TopicName, count: int) -> list[StoredRecord]:
    """A topic's records once there are so many."""
    wait_until(
        f"{count} records in {topic}",
        lambda: sum(kafka.end_offsets(topic).values()) >= count,
        timeout_seconds=PATIENCE_SECONDS,
    )
    return kafka.read_all(topic)


def values_of(key: str, log: Sequence[StoredRecord]) -> list[bytes | None]:
    """Every value that a log has under a key."""
    return [record.value for record in log if record.key == key.encode()]


@contextmanager
def quick_cleaner(kafka: KafkaClient, evidence: Evidence) -> Iterator[None]:
    """The brokers' log cleaners look for work every quarter of a second, if brokers may be told."""
    name = "log.cleaner.backoff.ms"
    told = []
    try:
        for broker in kafka.brokers():
            kafka.alter_broker_config(broker, {name: "250"})
            told.append(broker)
    except ClientError as error:
        evidence.record("broker", f"refuses {name}", answer=error, outcome=Outcome.FAIL)
    try:
        yield
    finally:
        for broker in told:
            kafka.alter_broker_config(broker, {name: None})


def cleaned(
    kafka: KafkaClient, topic: TopicName, before: Sequence[StoredRecord]
) -> list[StoredRecord]:
    """The changelog once it is compacted but for the last round, which may be in open segments."""
    most = 2 * len(latest_by_key(before))
    last: list[StoredRecord] = []

    def probe() -> bool:
        last[:] = kafka.read_all(topic)
        return len(last) <= most and len(values_of(DELETED, last)) <= 1

    with suppress(ConditionTimeout):
        wait_until(f"{topic} is compacted", probe, timeout_seconds=PATIENCE_SECONDS)
    return list(last)


def forget(
    evidence: Evidence,
    faults: Faults,
    lab: Target,
    node: str,
    tables: Sequence[Table],
    scratch: Path,
) -> None:
    """Remove the queries' state from the disk of the node, which is down."""

    def applications() -> set[str]:
        copy = Path(mkdtemp(dir=scratch))
        lab.copy_state(node, copy)
        kept = {database.application for database in rocksdb_folders(copy)}
        return {name for name in kept if any(table.query in name for table in tables)}

    there = applications()
    assert len(there) == len(tables), f"not every table has its folder: {there}"
    for application in sorted(there):
        faults.remove_state(node, application)
    left = evidence.act("experiment", "look for the tables' databases", node, applications)
    assert not left, f"still there: {left}"


def empty(evidence: Evidence, kafka: KafkaClient, topic: TopicName) -> None:
    """Delete every record of a topic; a compacted one is made a deleting one for the while."""
    policy = kafka.topic_config(topic)["cleanup.policy"]
    if "delete" not in policy:
        kafka.alter_topic_config(topic, {"cleanup.policy": "delete"})
    for partition, end in kafka.end_offsets(topic).items():

        def deleted(partition: int = partition, end: int = end) -> bool:
            kafka.delete_records(topic, partition, before=end)
            return True

        if end:
            # The partition's leader learns of the policy some time after it was changed.
            wait_until(f"{topic}-{partition} is emptied", deleted, ignore=(BrokerRefused,))
    if "delete" not in policy:
        kafka.alter_topic_config(topic, {"cleanup.policy": policy})
    evidence.record("experiment", "delete all records", topic, answer=kafka.ranges(topic))


def lay_out(
    evidence: Evidence, before: Sequence[StoredRecord], after: Sequence[StoredRecord]
) -> None:
    """Key by key, what the changelog held and what compaction left of it."""

    def told(record: StoredRecord) -> str:
        numbers = json.loads(record.value or b"{}")
        return f"{record.offset}: n = {numbers.get('KSQL_AGG_VARIABLE_0')}"

    rows: list[Sequence[Cell | str]] = []
    for partition, key in sorted(latest_by_key(before)):
        here = (int(partition), key)
        were, are = (
            [r for r in log if (int(r.partition), r.key) == here] for log in (before, after)
        )
        rows.append([str(partition), key.decode(), *("; ".join(map(told, r)) for r in (were, are))])
    evidence.table(
        "A changelog and what compaction left of it",
        ["Partition", "Key", "Before", "After"],
        rows,
        f"{len(before)} records became {len(after)}: offset and count of each. Offsets stay as they"
        " are; the open segment is left alone, so that a key may still have two records",
    )
