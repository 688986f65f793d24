"""Q17. ksqlDB's own metadata is a topic, the command topic, and it starts from that.

Set-up    a stream, a table, a query that filters, one that counts and one that inserts
Action    the command topic is read; questions are asked that change nothing; another query is
          started and terminated, its stream dropped; the server is killed with -9 and started again
Observed  the topic has one partition, deletes nothing, and got each statement as a record, in
          order, the terminating and the dropping ones too; after the restart every source, its
          columns and every query are there under the same ids, what was dropped is not, and the
          next order is filtered and counted on
Control   a server with a new service id, on the same brokers, has no source and no query, and a
          command topic of its own; questions and pull queries leave no record in the topic
Limits    the restarted server has its disk too: that the statements come from the topic is
          concluded from the server with the new service id, which differs in nothing else
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

import pytest

from lab.clients.errors import KsqlRefused, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import QueryId, SourceName, TopicName
from lab.clients.records import StoredRecord
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.servers import Servers, own_server
from lab.evidence.sources import stream_of_orders, table_of_users
from lab.evidence.workload import produce
from lab.targets.base import Target
from lab.wait import wait_until
from lab.wire.command_topic import Command, decode, topic_of

PATIENCE_SECONDS = 120
PROCESSING_LOG = "KSQL_PROCESSING_LOG"
"""A stream that a new ksqlDB may create for itself."""


@claim("Q17")
@pytest.mark.disruptive
def test_metadata_is_a_topic(
    lab: Target,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    faults: Faults,
    servers: Servers,
) -> None:
    faults.require("kill", "restart")
    node = own_server(lab)
    commands = TopicName(topic_of(ksqldb.info().service_id))
    begin = kafka.end_offset(commands)

    # Set-up
    orders_topic, users_topic = topic("orders"), topic("users")
    orders, users = source_name("orders"), source_name("users")
    large, totals, short = (source_name(n) for n in ("large", "totals", "short_lived"))
    given = Given(evidence, ksqldb)
    given.statement(stream_of_orders(orders, orders_topic), f"stream {orders} create")
    given.statement(table_of_users(users, users_topic), f"table {users} create")
    given.statement(
        f"CREATE STREAM {large} AS SELECT * FROM {orders} WHERE amount > 10 EMIT CHANGES;",
        f"stream {large} create",
    )
    given.statement(
        f"CREATE TABLE {totals} AS SELECT region, COUNT(*) AS n FROM {orders} GROUP BY region"
        " EMIT CHANGES;",
        f"table {totals} create",
    )
    given.statement(
        f"INSERT INTO {large} SELECT id, region, amount * 100 AS amount FROM {orders}"
        " WHERE amount = 1 EMIT CHANGES;",
        f"INSERT INTO {large}",
    )

    # Action
    order(evidence, kafka, orders_topic, "north", 50)
    counted_once(ksqldb, totals, {"north": 1})
    asked_at = kafka.end_offset(commands)
    for question in ("SHOW STREAMS;", "SHOW QUERIES;", f"DESCRIBE {totals};", "SHOW PROPERTIES;"):
        evidence.act("user", question, node, partial(ksqldb.execute, question))
    evidence.act("user", "a pull query", totals, lambda: ksqldb.pull(f"SELECT * FROM {totals};"))
    quiet = kafka.end_offset(commands) - asked_at
    ended = given.statement(
        f"CREATE STREAM {short} AS SELECT * FROM {orders} EMIT CHANGES;", f"stream {short} create"
    )
    given.statement(f"TERMINATE {ended};", f"TERMINATE {ended}")
    given.statement(f"DROP STREAM {short};", f"stream {short} drop")
    log = [r for r in kafka.read(commands, 0, start=begin, committed=True) if unique.mine(text(r))]
    decoded = [decode(record.key, record.value) for record in log]
    before = wait_until("every query runs", partial(known, ksqldb), timeout_seconds=60)
    faults.kill(node)
    begun = time.monotonic()
    faults.restart(node)
    back_seconds = round(time.monotonic() - begun, 1)
    after = known_once(ksqldb, before)
    order(evidence, kafka, orders_topic, "north", 60)
    counts = counted_once(ksqldb, totals, {"north": 2})
    passed = amounts_once(kafka, TopicName(large), 60)
    lay_out(evidence, log, decoded, given)

    # Observed
    config = kafka.topic_config(commands)
    evidence.observe(
        "the command topic",
        {
            "partitions": kafka.describe_topic(commands).partitions,
            "cleanup.policy": config["cleanup.policy"],
            "retention.ms": config["retention.ms"],
        },
        expected={"partitions": 1, "cleanup.policy": "delete", "retention.ms": "-1"},
        says=f"{commands} has one partition and keeps everything for ever",
    )
    evidence.observe(
        "its records against the statements that were given",
        [subject_of(command) for command in decoded],
        expected=given.subjects,
        says=f"each of the {len(given.subjects)} statements is a record in it, in their order",
    )
    evidence.observe(
        "the server after the restart, against before",
        after,
        expected=before,
        says=f"killed and back in {back_seconds} s: {len(before['sources'])} sources with their"
        f" columns, {len(before['queries'])} queries with their ids; what was dropped stays away",
    )
    evidence.observe(
        "the next order",
        {"counted": counts, "passed on": 60 in passed},
        expected={"counted": {"north": 2}, "passed on": True},
        says="the queries go on: the next order was filtered and counted",
    )

    # Control
    evidence.control(
        "records that questions and a pull query left",
        quiet,
        expected=0,
        says="questions and a pull query left no record",
    )
    other = servers(service_id=servers.service_id("other"))
    evidence.control(
        "a server with a new service id",
        {
            "sources": sorted(set(other.ksqldb.sources()) - {PROCESSING_LOG}),
            "queries": other.ksqldb.queries(),
            "its command topic is there": kafka.has_topic(topic_of(other.server.service_id)),
        },
        expected={"sources": [], "queries": [], "its command topic is there": True},
        says="a server with a new service id has a command topic of its own, no source, no query",
    )


class Given:
    """The statements that were given, with what their records must be about."""

    def __init__(self, evidence: Evidence, ksqldb: KsqlClient) -> None:
        self.subjects: list[str] = []
        self.queries: dict[str, QueryId] = {}
        self._evidence = evidence
        self._ksqldb = ksqldb

    def statement(self, statement: str, subject: str) -> QueryId | None:
        """Run one statement; the id of the query that it started, if it did."""
        entities = self._evidence.act(
            "user", statement, "ksqldb", partial(self._ksqldb.execute, statement)
        )
        self.subjects.append(subject)
        query = entities[-1].query_id
        if query is not None:
            self.queries[subject] = query
        return query


def subject_of(command: Command) -> str:
    """What a command is about: its key, or how its statement begins if it makes no source."""
    first, *words = command.statement.rstrip("; ").split()
    if first in {"INSERT", "TERMINATE"}:
        return " ".join([first, *words[: 2 if first == "INSERT" else 1]])
    return command.subject


def text(record: StoredRecord) -> str:
    """A record's key and value, to look for names in."""
    return ((record.key or b"") + (record.value or b"")).decode(errors="replace")


Known = dict[str, dict[str, object]]
"""What a server knows: sources with their columns, persistent queries by id."""


def known(ksqldb: KsqlClient) -> Known:
    """Every source and every persistent query; empty until all of these run."""
    queries = [query for query in ksqldb.queries() if query.query_type == "PERSISTENT"]
    if any(query.state != "RUNNING" for query in queries):
        return {}
    return {
        "sources": {name: [kind, columns(ksqldb, name)] for name, kind in ksqldb.sources().items()},
        "queries": {query.query_id: [list(query.sinks), query.statement_text] for query in queries},
    }


def columns(ksqldb: KsqlClient, source: SourceName) -> object:
    """A source's columns, as DESCRIBE tells them."""
    described = ksqldb.execute(f"DESCRIBE `{source}`;")[0].data.get("sourceDescription")
    return described.get("fields") if isinstance(described, dict) else None


def known_once(ksqldb: KsqlClient, expected: Known) -> Known:
    """What the server knows once that is as expected; what it is if that does not happen."""
    last: Known = {}

    def probe() -> bool:
        last.clear()
        last.update(known(ksqldb))
        return last == expected

    with suppress(ConditionTimeout):
        wait_until(
            "the server knows what it knew",
            probe,
            timeout_seconds=PATIENCE_SECONDS,
            ignore=(KsqlRefused, Unreachable),
        )
    return last


def order(
    evidence: Evidence, kafka: KafkaClient, topic: TopicName, region: str, amount: int
) -> None:
    """Produce one order."""
    value = json.dumps({"region": region, "amount": amount}).encode()
    produce(evidence, kafka, topic, value, key=b"o%d" % amount)


def counted_once(ksqldb: KsqlClient, table: SourceName, expected: dict[str, int]) -> dict[str, int]:
    """The counts once they are as expected; what they are if that does not happen."""
    last: dict[str, int] = {}

    def probe() -> bool:
        last.clear()
        rows = ksqldb.pull(f"SELECT region, n FROM {table};").rows
        last.update({str(region): int(str(n)) for region, n in rows})
        return last == expected

    with suppress(ConditionTimeout):
        wait_until(
            f"{table} has {expected}",
            probe,
            timeout_seconds=PATIENCE_SECONDS,
            ignore=(KsqlRefused, Unreachable),
        )
    return last


def amounts_once(kafka: KafkaClient, sink: TopicName, awaited: int) -> list[int]:
    """The amounts in a sink once this one is among them; without it if it does not come."""
    last: list[int] = []

    def probe() -> bool:
        last[:] = [json.loads(r.value or b"{}").get("AMOUNT", 0) for r in kafka.read_all(sink)]
        return awaited in last

    with suppress(ConditionTimeout):
        wait_until(f"{awaited} in {sink}", probe, timeout_seconds=PATIENCE_SECONDS)
    return last


def lay_out(
    evidence: Evidence, log: Sequence[StoredRecord], decoded: Sequence[Command], given: Given
) -> None:
    """The command topic, record by record."""
    rows = [
        [
            str(record.offset),
            (record.key or b"").decode(),
            given.queries.get(subject_of(command), ""),
            "yes" if command.planned else "no",
            command.statement.replace("\n", " "),
        ]
        for record, command in zip(log, decoded, strict=True)
    ]
    evidence.table(
        "The command topic",
        ["Offset", "Key", "Query that it started", "Plan", "Statement, as it was written down"],
        rows,
        "The records that this experiment's statements left; the plan is how the query is built"
        " again, whatever the defaults are then",
    )
