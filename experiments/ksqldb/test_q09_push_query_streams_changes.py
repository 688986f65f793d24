"""Q09. A push query streams changes as they happen.

Set-up    an empty topic with a stream over it, and a table that counts its orders by region
Action    push from the stream, with a WHERE clause, and send one order after the other, each after
          the row of the one before; push from the table and change one region twice; then start
          the same query three times and end it by LIMIT, by /close-query and by closing the
          connection
Observed  every order's row came before the next order was sent, with the partition, offset and
          timestamp that the broker had acknowledged; orders that the WHERE clause passes over gave
          no row; the table gave a row per change; while a query ran, SHOW QUERIES listed it and a
          group with members stood on the broker; whichever way it was ended, both were gone, and
          where the server had ended it its answer had come to an end, too
Control   a pull query on the same table answers and its answer ends by itself; no group appears
          with it and SHOW QUERIES never lists it, while the push query beside it goes on
Limits    push queries that run as Kafka Streams applications; not the optimised kind (v2) that
          shares a consumer, which has no group of its own
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from lab.clients.errors import UnknownGroup, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.ksqldb_rows import PushQuery
from lab.clients.names import GroupName, QueryId, SourceName, TopicName
from lab.clients.records import Acknowledged
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.push_checkers import ROW, rows_follow_records
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.evidence.traces import Traces
from lab.evidence.workload import INVOKE
from lab.wait import wait_until

ORDERS = 10
PASSED_OVER = ("o3", "o7")
"""Orders without an amount, which the query's WHERE clause passes over."""


@dataclass
class Sender:
    """Sends orders to the stream's topic, one at a time, and keeps what was acknowledged."""

    kafka: KafkaClient
    evidence: Evidence
    topic: TopicName
    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)

    def send(self, name: str, region: str, amount: int) -> None:
        """Send one order; ``at`` is when it was acknowledged, by the clock of ``perf_counter``."""
        value = json.dumps({"id": name, "region": region, "amount": amount}).encode()
        self.acknowledged[name] = self.evidence.act(
            "producer", "produce", self.topic, lambda: self.kafka.produce(self.topic, value)
        )
        self.at[name] = time.perf_counter()


@dataclass(frozen=True)
class Standing:
    """A query as SHOW QUERIES and the broker show it: its type, and its group's members."""

    listed: str | None
    members: int


@dataclass(frozen=True)
class Ending:
    """A query before and after its end; whether its answer was complete, None if nobody read on."""

    before: Standing
    after: Standing
    complete: bool | None


ANSWERS = {
    True: Cell("complete", "yes"),
    False: Cell("incomplete", "odd"),
    None: Cell("nobody to read it"),
}


@claim("Q09")
def test_push_query_streams_changes(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    # Set-up
    where, orders, by_region = topic("orders"), source_name("orders"), source_name("by_region")
    for statement in (
        (
            f"CREATE STREAM {orders} (id VARCHAR, region VARCHAR, amount INT)"
            f" WITH (KAFKA_TOPIC='{where}', VALUE_FORMAT='JSON');"
        ),
        (
            f"CREATE TABLE {by_region} AS SELECT region, COUNT(*) AS n FROM {orders}"
            " GROUP BY region EMIT CHANGES;"
        ),
    ):
        evidence.act("user", statement, "ksqldb", partial(ksqldb.execute, statement))
    sender = Sender(kafka, evidence, where)
    traces = Traces(kafka, unique, evidence)
    latencies: list[list[str]] = []

    # Action
    count = ORDERS * (10 if scale.thorough else 1)
    rows = rows_of_orders(ksqldb, evidence, sender, orders, count, latencies)
    changes = rows_of_changes(ksqldb, evidence, sender, by_region, latencies)
    endings = Endings(kafka, ksqldb, evidence, traces, sender, orders)
    ended = {
        "LIMIT": endings.by_limit(),
        "/close-query": endings.by_close_query(),
        "closing the connection": endings.by_disconnecting(),
    }

    # Observed
    evidence.observe(
        "when the rows came",
        finding=evidence.finding(rows_follow_records, source=where, passed_over=PASSED_OVER),
        says=f"{count - len(PASSED_OVER)} orders had their rows before the next one was sent,"
        f" {len(PASSED_OVER)} that the WHERE clause passes over had none",
    )
    sent = {
        name: (ack.partition, ack.offset, ack.timestamp_ms)
        for name, ack in sender.acknowledged.items()
        if name in rows
    }
    evidence.observe(
        "partition, offset and timestamp in the rows, and those that the broker acknowledged",
        rows,
        expected=sent,
        says="each row told the partition, offset and timestamp that the broker had acknowledged",
    )
    evidence.observe(
        "rows of the table for two changes of one region",
        changes,
        expected=[("changing", 1), ("changing", 2)],
        says="a table's push query gave a row for each change, not the last state only",
    )
    for how, seen in ended.items():
        evidence.observe(
            f"ended by {how}: as it ran, after it, and whether its answer was complete",
            (seen.before.listed, seen.before.members > 0, seen.after, seen.complete is not False),
            expected=("PUSH", True, Standing(None, 0), True),
            says=f"ended by {how}: it was listed and had a group with members; then neither was"
            " left",
        )

    # Control
    pull_beside_push(ksqldb, evidence, traces, by_region, changes[-1:], latencies)
    endings.lay_out()
    evidence.table(
        "How long rows take",
        ["What", "Times", "Shortest ms", "Median ms", "Longest ms"],
        latencies,
        "On the machine that the environment describes. A table's changes come when its query"
        " commits (commit.interval.ms) or its cache is full, a stream's at once",
    )


def rows_of_orders(
    ksqldb: KsqlClient,
    evidence: Evidence,
    sender: Sender,
    orders: SourceName,
    count: int,
    latencies: list[list[str]],
) -> dict[str, tuple[object, ...]]:
    """Send orders, each after the row of the one before; the rows by their orders' ids."""
    sql = (
        f"SELECT id, ROWPARTITION AS p, ROWOFFSET AS o, ROWTIME AS t FROM {orders}"
        " WHERE amount > 0 EMIT CHANGES;"
    )
    rows: dict[str, tuple[object, ...]] = {}
    took: list[float] = []
    with evidence.act("user", sql, "ksqldb", lambda: ksqldb.push(sql)) as query:
        for n in range(count):
            name = f"o{n}"
            evidence.record("producer", INVOKE, sender.topic, answer={"id": name})
            sender.send(name, "north", 0 if name in PASSED_OVER else 1)
            if name in PASSED_OVER:
                continue
            try:
                found, *told = next(query)
            except (StopIteration, Unreachable) as error:
                evidence.record("push query", "no row", name, answer=error, outcome="fail")
                break
            took.append((time.perf_counter() - sender.at[name]) * 1_000)
            rows[str(found)] = tuple(told)
            evidence.record(
                "push query", ROW, sender.topic, answer={"id": found, "p,o,t": told, "ms": took[-1]}
            )
    latencies.append(["the first order → its row", "1", *summary(took[:1])])
    latencies.append(["acknowledged order → its row", str(len(took) - 1), *summary(took[1:])])
    return rows


def rows_of_changes(
    ksqldb: KsqlClient,
    evidence: Evidence,
    sender: Sender,
    by_region: SourceName,
    latencies: list[list[str]],
) -> list[tuple[object, ...]]:
    """Change a region twice, the second time after the first change's row; the rows."""
    sql = f"SELECT region, n FROM {by_region} WHERE region = 'changing' EMIT CHANGES;"
    rows: list[tuple[object, ...]] = []
    took: list[float] = []
    with evidence.act("user", sql, "ksqldb", lambda: ksqldb.push(sql)) as query:
        for name in ("c1", "c2"):
            sender.send(name, "changing", 1)
            try:
                rows.append(next(query))
            except (StopIteration, Unreachable) as error:
                evidence.record("push query", "no row", name, answer=error, outcome="fail")
                break
            took.append((time.perf_counter() - sender.at[name]) * 1_000)
            evidence.record("push query", "change", by_region, answer=rows[-1])
    latencies.append(["acknowledged order → the table's row", str(len(took)), *summary(took)])
    return rows


@dataclass
class Endings:
    """Starts one push query after the other and ends each in another way."""

    kafka: KafkaClient
    ksqldb: KsqlClient
    evidence: Evidence
    traces: Traces
    sender: Sender
    orders: SourceName
    rows: list[list[Cell | str]] = field(default_factory=list)

    def by_limit(self) -> Ending:
        """Let the last row that it asks for come after it was seen running."""
        there = len(self.sender.acknowledged)

        def end(query: PushQuery) -> bool:
            self.sender.send("last", "north", 1)
            return len(list(query)) == 1

        return self._ended("LIMIT", f" LIMIT {there + 1}", there, end)

    def by_close_query(self) -> Ending:
        """Ask the server to end it; the answer ends then."""

        def end(query: PushQuery) -> bool:
            asked = self.ksqldb.end_query(query.header.query_id or QueryId(""))
            return asked and list(query) == []

        return self._ended("/close-query", "", len(self.sender.acknowledged), end)

    def by_disconnecting(self) -> Ending:
        """Close the connection and say nothing."""

        def end(query: PushQuery) -> None:
            query.disconnect()

        return self._ended("closing the connection", "", len(self.sender.acknowledged), end)

    def lay_out(self) -> None:
        """The endings in a table."""
        self.evidence.table(
            "How push queries end",
            ["Ended by", "SHOW QUERIES", "Members of its group", "Answer", "Gone after s"],
            self.rows,
            "Before → after the end; gone is when neither SHOW QUERIES listed it nor a member was"
            " left on the broker",
        )

    def _ended(
        self, how: str, limit: str, rows: int, end: Callable[[PushQuery], bool | None]
    ) -> Ending:
        """A query that has given ``rows`` rows, before and after its end; whether all was said."""
        view = self.traces.look()
        sql = f"SELECT id FROM {self.orders} EMIT CHANGES{limit};"
        query = self.evidence.act("user", sql, "ksqldb", lambda: self.ksqldb.push(sql))
        query.take(rows)
        id_ = query.header.query_id
        left = self.traces.since(view, about=f"a push query that ends by {how}")
        (group,) = left.groups if len(left.groups) == 1 else (GroupName(""),)
        before = self._standing(id_, group)
        begun = time.perf_counter()
        complete = self.evidence.act("user", f"end by {how}", str(id_), lambda: end(query))
        try:
            wait_until(
                f"query {id_} is gone from SHOW QUERIES, and its members from the broker",
                lambda: self._standing(id_, group) == Standing(None, 0),
                timeout_seconds=60,
            )
        except ConditionTimeout as error:
            self.evidence.record("broker", "still there", group, answer=error, outcome="fail")
        took = time.perf_counter() - begun
        after = self._standing(id_, group)
        self.evidence.record("broker", "standing", group, answer={"before": before, "after": after})
        query.disconnect()
        self.rows.append(
            [
                how,
                f"{before.listed} → {after.listed or 'not listed'}",
                f"{before.members} → {after.members}",
                ANSWERS[complete],
                f"{took:.2f}",
            ]
        )
        return Ending(before, after, complete)

    def _standing(self, query: QueryId | None, group: str) -> Standing:
        types = [q.query_type for q in self.ksqldb.queries() if q.query_id == query]
        return Standing(types[0] if types else None, members_of(self.kafka, group))


def members_of(kafka: KafkaClient, group: str) -> int:
    """How many members a group has; 0 for one that is not listed."""
    if group not in kafka.groups():
        return 0
    try:
        return len(kafka.describe_group(group).members)
    except UnknownGroup:
        return 0


def pull_beside_push(
    ksqldb: KsqlClient,
    evidence: Evidence,
    traces: Traces,
    by_region: SourceName,
    last: list[tuple[object, ...]],
    latencies: list[list[str]],
) -> None:
    """The control: the same table, pulled while a push query on it runs; ``last`` is its state."""
    pull = f"SELECT region, n FROM {by_region} WHERE region = 'changing';"
    push = pull.replace(";", " EMIT CHANGES;")
    running = evidence.act("user", push, "ksqldb", lambda: ksqldb.push(push))
    running.take(1)
    view = traces.look()
    took, answers, ids = [], [], set()
    for _ in range(10):
        begun = time.perf_counter()
        answer = evidence.act("user", pull, "ksqldb", lambda: ksqldb.pull(pull))
        took.append((time.perf_counter() - begun) * 1_000)
        answers.append(answer.rows)
        ids.add(answer.header.query_id)
    left = traces.since(view, about="pull queries beside a push query")
    listed = {query.query_id for query in ksqldb.queries()}
    evidence.control(
        "a pull query's answers, each read to its end; what appeared; whether it is listed",
        (answers, left.nothing, bool(ids & listed)),
        expected=([tuple(last)] * 10, True, False),
        says="a pull query answered with the last state and its answer ended, ten times; no group"
        " appeared and SHOW QUERIES did not list it",
    )
    evidence.control(
        "whether the push query goes on beside it",
        running.header.query_id in listed,
        expected=True,
        says="the push query beside it went on",
    )
    running.close()
    latencies.append(["pull query → the end of its answer", str(len(took)), *summary(took)])


def summary(took_ms: list[float]) -> list[str]:
    """Shortest, median and longest of some times."""
    if not took_ms:
        return ["—"] * 3
    in_order = sorted(took_ms)
    return [f"{ms:.1f}" for ms in (in_order[0], in_order[len(in_order) // 2], in_order[-1])]
