"""Q08. A pull query is answered over REST from the state, and leaves no trace on the broker.

Set-up    a stream of orders with event times over three partitions; three tables of counts and
          sums by region: plain, in tumbling windows, in session windows; the changelog of each is
          read to its end, so that what the stores hold is known without asking the server
Action    pull by key, by IN, by ranges, by other columns, by the windows' bounds, and everything;
          look at the broker's topics and groups before and after, and at every group that wrote
          into __consumer_offsets in between; in a second test pause the brokers and pull again
Observed  every answer is what the changelog holds, which is what the sink's topic holds; no topic
          and no group appeared, and none had a say; with the brokers paused the answers are the
          same
Control   a key that is in no store answers with no row, a terminated query's table with an error;
          a push query on the same table, looked for in the same way, does show as a group; while
          the brokers are paused a producer gets no answer
Limits    tables made by CREATE TABLE AS on one node; a pull query on a stream reads its topic
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import starmap
from statistics import median

import pytest

from lab.clients.errors import Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName
from lab.endpoints import Capabilities, Endpoints
from lab.evidence import claim
from lab.evidence.encoding import cut
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.pulls import (
    AGGREGATES,
    Ask,
    Pulls,
    ReadKey,
    Table,
    held_by_changelog,
    held_by_sink,
    in_order,
    in_regions,
    number,
)
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.traces import Traces
from lab.evidence.workload import produce
from lab.wire.window_keys import WindowedKey, session_window_key, time_window_key

REGIONS = ("north", "south", "east", "west")
ORDERS = 36
SIZE_MS = 10_000
GAP_MS = 5_000
HOUR_MS = 3_600_000

BY_BOUNDS = ["REGION", "WINDOWSTART", "WINDOWEND", *AGGREGATES]


def plain_key(data: bytes) -> WindowedKey:
    """A key without a window."""
    return WindowedKey(data, 0, 0)


def sink_window(data: bytes) -> WindowedKey:
    """A key of a tumbling window's sink: the start of the window after the key's own bytes."""
    start = int.from_bytes(data[-8:], "big")
    return WindowedKey(data[:-8], start, start + SIZE_MS)


@claim("Q08")
def test_pull_query_answers_from_the_state(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    # Set-up
    base = (time.time_ns() // 1_000_000 - HOUR_MS) // SIZE_MS * SIZE_MS
    orders = make_orders(evidence, kafka, ksqldb, topic, source_name, base)
    tables = make_tables(evidence, ksqldb, source_name, orders)
    held = {t.name: held_by_changelog(kafka, ksqldb, t, ORDERS) for t in tables}
    sinks = {t.name: held_by_sink(kafka, t, ORDERS) for t in tables if t.sink_key is not None}
    pulls = Pulls(ksqldb, evidence)
    traces = Traces(kafka, unique, evidence)

    # Action
    before = traces.look()
    differing = []
    asked = 0
    for table, asks in zip(tables, (plain_asks(), window_asks(base), session_asks()), strict=True):
        everything = held[table.name]
        for ask in asks:
            expected = list(filter(ask.keep, everything))
            where = f" WHERE {ask.where}" if ask.where else ""
            sql = f"SELECT {', '.join(table.columns)} FROM {table.name}{where};"
            if pulls.ask(ask.what, sql, expected) != in_order(expected):
                differing.append(sql)
            asked += 1
            # A query that answers nothing would be right whatever the store holds.
            assert expected, f"nothing was to be found by {sql}"
    plain = tables[0]
    some = pulls.ask(
        "some of all", f"SELECT {', '.join(plain.columns)} FROM {plain.name} LIMIT 2;", None
    )
    session_scan = pulls.refused("all sessions", f"SELECT * FROM {tables[2].name};")
    lay_out_latencies(evidence, ksqldb, tables, base, 500 if scale.thorough else 50)
    after = traces.since(before, about="pull queries")

    # Observed
    evidence.observe(
        "what the changelogs hold, and what the sinks hold",
        [in_order(held[name]) == in_order(rows) for name, rows in sinks.items()],
        expected=[True] * len(sinks),
        says=f"the changelogs hold {sum(map(len, held.values()))} rows in three tables; the sinks"
        " hold the same",
    )
    evidence.observe(
        "pull queries that did not answer with what the changelog holds",
        differing,
        expected=[],
        says=f"{asked} pull queries, by key, IN, range, window and in full, answered with exactly"
        " that",
    )
    evidence.observe(
        "LIMIT 2 of everything: how many rows, all of them in the store",
        (len(some), all(row in held[plain.name] for row in some)),
        expected=(2, True),
        says="LIMIT 2 answered with two of the store's rows",
    )
    evidence.observe(
        "topics and groups that appeared meanwhile, and groups that wrote into __consumer_offsets",
        (after.topics, after.groups, after.named or ()),
        expected=((), (), ()),
        says="no topic and no group appeared, and no new group wrote into __consumer_offsets",
    )

    # Control
    nobody = f"SELECT * FROM {plain.name} WHERE region = 'nowhere';"
    windowless = (
        f"SELECT * FROM {tables[1].name} WHERE region = 'north' AND WINDOWSTART = {base + 1};"
    )
    evidence.control(
        "an unknown key, and a window that no row has",
        [
            pulls.ask("an unknown key", nobody, []),
            pulls.ask("an unknown window", windowless, []),
        ],
        expected=[[], []],
        says="an unknown key and an unknown window answered with no row",
    )
    group_of_push(evidence, ksqldb, traces, plain)
    evidence.act(
        "user", "TERMINATE", plain.query, lambda: ksqldb.execute(f"TERMINATE {plain.query};")
    )
    refusal = pulls.refused("after TERMINATE", f"SELECT * FROM {plain.name};")
    evidence.control(
        "a pull query on a terminated query's table: status, whether the error names the table",
        refusal and (refusal.status, plain.name in refusal.reason),
        expected=(400, True),
        says="after TERMINATE it was refused with 400 and an error that names the table",
    )
    if session_scan is not None:
        evidence.limit(f"all sessions of a table cannot be pulled: {cut(session_scan.reason, 120)}")
    pulls.lay_out()


@claim("Q08")
@pytest.mark.disruptive
def test_pull_query_needs_no_broker(
    capabilities: Capabilities,
    endpoints: Endpoints,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    faults: Faults,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    faults.require("pause")

    # Set-up
    base = (time.time_ns() // 1_000_000 - HOUR_MS) // SIZE_MS * SIZE_MS
    orders = make_orders(evidence, kafka, ksqldb, topic, source_name, base)
    (plain,) = make_tables(evidence, ksqldb, source_name, orders, without_windows_only=True)
    held = in_order(held_by_changelog(kafka, ksqldb, plain, ORDERS))
    elsewhere = topic("elsewhere")
    impatient = KafkaClient(endpoints.bootstrap_servers)
    by_key = f"SELECT * FROM {plain.name} WHERE region = 'north';"
    scan = f"SELECT * FROM {plain.name};"

    # Action
    brokers = [f"broker-{n}" for n in range(1, capabilities.brokers + 1)]
    for broker in brokers:
        faults.pause(broker)
    answers = [
        in_order(evidence.act("user", sql, "ksqldb", partial(ksqldb.pull, sql)).as_dicts())
        for sql in (by_key, scan)
    ]
    produced = evidence.attempt(
        "producer",
        "produce",
        elsewhere,
        lambda: impatient.produce(elsewhere, b"x", timeout_seconds=2.0),
        refusal=Unreachable,
    )
    for broker in brokers:
        faults.resume(broker)

    # Observed
    evidence.observe(
        "answers while the brokers were paused",
        answers,
        expected=[[row for row in held if row["REGION"] == "north"], held],
        says=f"with {' and '.join(brokers)} paused, a key and a full scan were answered as before",
    )

    # Control
    evidence.control(
        "a producer while the brokers were paused",
        produced,
        expected="refused",
        says="a producer had no acknowledgement meanwhile",
    )
    evidence.control(
        "a producer after that",
        evidence.attempt(
            "producer",
            "produce",
            elsewhere,
            lambda: kafka.produce(elsewhere, b"y"),
            refusal=Unreachable,
        ),
        expected="accepted",
        says="afterwards it had",
    )


def plain_asks() -> list[Ask]:
    """What is asked of the table without windows."""
    return [
        Ask("one key", "region = 'north'", lambda r: r["REGION"] == "north"),
        Ask("some keys", "region IN ('north', 'east', 'nowhere')", in_regions("north", "east")),
        Ask("keys above one", "region > 'north'", in_regions("south", "west")),
        Ask("keys between two", "region BETWEEN 'f' AND 'south'", in_regions("north", "south")),
        Ask("key, and more", "region = 'north' AND n >= 1", in_regions("north")),
        Ask("another column", "total > 150", lambda r: number(r, "TOTAL") > 150),
        Ask("everything", "", lambda _: True),
    ]


def window_asks(base: int) -> list[Ask]:
    """What is asked of the table in tumbling windows; ``base`` is the first window's start."""
    first, last = base + 2 * SIZE_MS, base + 5 * SIZE_MS
    from_text = datetime.fromtimestamp(first / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [
        Ask("windows of a key", "region = 'north'", in_regions("north")),
        Ask(
            "one window of a key",
            f"region = 'north' AND WINDOWSTART = {base}",
            lambda r: r["REGION"] == "north" and r["WINDOWSTART"] == base,
        ),
        Ask(
            "windows by their starts",
            f"region = 'west' AND WINDOWSTART >= {first} AND WINDOWSTART < {last + 2 * SIZE_MS}",
            lambda r: (
                r["REGION"] == "west" and first <= number(r, "WINDOWSTART") < last + 2 * SIZE_MS
            ),
        ),
        Ask(
            "windows by start and end",
            f"region IN ('south', 'west') AND WINDOWSTART >= {base} AND WINDOWEND <= {last}",
            lambda r: r["REGION"] in {"south", "west"} and number(r, "WINDOWEND") <= last,
        ),
        Ask(
            "windows by a time as text",
            f"region = 'east' AND WINDOWSTART >= '{from_text}'",
            lambda r: r["REGION"] == "east" and number(r, "WINDOWSTART") >= first,
        ),
        Ask(
            "all keys, by starts",
            f"WINDOWSTART >= {first} AND WINDOWSTART <= {last}",
            lambda r: first <= number(r, "WINDOWSTART") <= last,
        ),
        Ask("all keys and windows", "", lambda _: True),
    ]


def session_asks() -> list[Ask]:
    """What is asked of the table in session windows."""
    return [
        Ask("sessions of a key", "region = 'north'", in_regions("north")),
        Ask(
            "sessions of some keys",
            "region IN ('south', 'east') AND WINDOWSTART > 0",
            in_regions("south", "east"),
        ),
    ]


def make_orders(
    evidence: Evidence,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    base: int,
) -> SourceName:
    """A stream of orders in bursts of three, one region after the other, every seven seconds."""
    where, name = topic("orders", partitions=3), source_name("orders")
    for n in range(ORDERS):
        at = base + n // 3 * 7_000 + n % 3 * 1_000
        order = {"region": REGIONS[n // 3 % len(REGIONS)], "amount": n, "moment": at}
        produce(evidence, kafka, where, json.dumps(order).encode(), partition=n % 3)
    statement = (
        f"CREATE STREAM {name} (region VARCHAR, amount BIGINT, moment BIGINT)"
        f" WITH (KAFKA_TOPIC='{where}', VALUE_FORMAT='JSON', TIMESTAMP='moment');"
    )
    evidence.act("user", statement, "ksqldb", lambda: ksqldb.execute(statement))
    return name


def make_tables(
    evidence: Evidence,
    ksqldb: KsqlClient,
    source_name: SourceFactory,
    orders: SourceName,
    *,
    without_windows_only: bool = False,
) -> list[Table]:
    """The same counts and sums without windows, in tumbling ones and in sessions."""

    def made(name: str, window: str, *keys: ReadKey | None) -> Table:
        table = source_name(name)
        statement = (
            f"CREATE TABLE {table} AS SELECT region, COUNT(*) AS n, SUM(amount) AS total"
            f" FROM {orders} {window} GROUP BY region EMIT CHANGES;"
        )
        query = evidence.act("user", statement, "ksqldb", lambda: ksqldb.start_query(statement))
        columns = BY_BOUNDS if window else ["REGION", *AGGREGATES]
        changelog, sink = keys
        assert changelog is not None
        return Table(table, query, changelog, sink, columns)

    def tumbling(data: bytes) -> WindowedKey:
        return time_window_key(data, size_ms=SIZE_MS)

    plain = made("by_region", "", plain_key, plain_key)
    if without_windows_only:
        return [plain]
    return [
        plain,
        made("by_window", f"WINDOW TUMBLING (SIZE {SIZE_MS} MILLISECONDS)", tumbling, sink_window),
        made("by_session", f"WINDOW SESSION ({GAP_MS} MILLISECONDS)", session_window_key, None),
    ]


def group_of_push(evidence: Evidence, ksqldb: KsqlClient, traces: Traces, table: Table) -> None:
    """A push query on the same table, looked for as pull queries were: there is a group."""
    before = traces.look()
    sql = f"SELECT * FROM {table.name} EMIT CHANGES;"
    with evidence.act("user", sql, "ksqldb", lambda: ksqldb.push(sql)) as query:
        next(query)
        found = traces.since(before, about="a push query")
    evidence.control(
        "groups that appeared with a push query, by listing and in __consumer_offsets",
        (len(found.groups), found.named is None or set(found.groups) <= set(found.named)),
        expected=(1, True),
        says="a push query on the same table, looked for in the same way, showed as a group of"
        " its own",
    )


def lay_out_latencies(
    evidence: Evidence, ksqldb: KsqlClient, tables: list[Table], base: int, times: int
) -> None:
    """How long pull queries took, as a table; a figure of this machine, and no limit."""
    plain, windowed, session = (table.name for table in tables)
    one_window = f"region = 'north' AND WINDOWSTART = {base}"
    asks = {
        "one key": f"SELECT * FROM {plain} WHERE region = 'north';",
        "everything": f"SELECT * FROM {plain};",
        "one window of a key": f"SELECT * FROM {windowed} WHERE {one_window};",
        "all keys and windows": f"SELECT * FROM {windowed};",
        "sessions of a key": f"SELECT * FROM {session} WHERE region = 'north';",
    }

    def measured(sql: str) -> Iterator[float]:
        for _ in range(times):
            begun = time.perf_counter()
            ksqldb.pull(sql)
            yield (time.perf_counter() - begun) * 1_000

    def row(what: str, sql: str) -> list[str]:
        took = sorted(measured(sql))
        shown = (median(took), took[len(took) * 95 // 100], took[-1])
        evidence.record("user", f"{times} times: {sql}", "ksqldb", answer={"ms": shown})
        return [what, str(times), *(f"{ms:.1f}" for ms in shown)]

    evidence.table(
        "How long a pull query takes",
        ["Asked for", "Requests", "Median ms", "95 % within ms", "Longest ms"],
        list(starmap(row, asks.items())),
        "From the request to the end of the answer, one after the other over one connection, on"
        " the machine that the environment describes",
    )
