"""Q06. A table's state is in RocksDB, on the disk of the node that runs the query.

Set-up    orders over three partitions; a table that counts and sums them by region, a windowed
          table that counts them, and a stream that only filters them
Action    orders are produced; both tables are asked; the node is stopped, its state folder copied
Observed  each table has a task folder per partition with a RocksDB database in it: CURRENT,
          MANIFEST, OPTIONS and SST files; read with the RocksDB library, the stores hold, byte for
          byte, the latest record of each key in the changelog, and the numbers that the pull
          queries answered: three views of one state
Control   the filter had as many orders to look at and left no database
Limits    while the node runs, part of the state is in memory only (Kafka Streams keeps no
          write-ahead log): the files are compared after an orderly stop; numbers are found under
          the names that ksqlDB gives to unfinished aggregates (KSQL_AGG_VARIABLE_n)
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName, TopicName
from lab.clients.records import StoredRecord
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.servers import own_server
from lab.evidence.sources import stream_of_orders
from lab.evidence.workload import produce, wait_for_records
from lab.targets.base import Target
from lab.wait import wait_until
from lab.workloads.state_stores import (
    RocksFolder,
    State,
    changelog_state,
    read_stores,
    rocksdb_folders,
    stored_state,
)

PARTITIONS = 3
REGIONS = ("north", "south", "east", "west", "centre", "isles", "coast", "hills", "moor")
ORDERS = 54
NEEDED = {"CURRENT", "MANIFEST", "OPTIONS", "SST"}


@claim("Q06")
@pytest.mark.disruptive
def test_state_of_a_table_is_in_rocksdb_on_the_node(
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
    orders_topic, orders = topic("orders", partitions=PARTITIONS), source_name("orders")
    totals, hourly, large = (source_name(n) for n in ("totals", "hourly", "large"))
    ksqldb.execute(stream_of_orders(orders, orders_topic))
    queries = {
        name: evidence.act("user", statement, name, partial(ksqldb.start_query, statement))
        for name, statement in {
            totals: f"CREATE TABLE {totals} AS SELECT region, COUNT(*) AS n, SUM(amount) AS total"
            f" FROM {orders} GROUP BY region EMIT CHANGES;",
            hourly: f"CREATE TABLE {hourly} AS SELECT region, COUNT(*) AS n FROM {orders}"
            " WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY region EMIT CHANGES;",
            large: f"CREATE STREAM {large} AS SELECT * FROM {orders} WHERE amount > 0"
            " EMIT CHANGES;",
        }.items()
    }

    # Action
    for n in range(ORDERS):
        order = {"region": REGIONS[n % len(REGIONS)], "amount": n + 1}
        produce(evidence, kafka, orders_topic, json.dumps(order).encode(), key=b"o%d" % n)
    pulled = {
        totals: rows_once(ksqldb, f"SELECT region, n, total FROM {totals};", counted=1),
        hourly: rows_once(ksqldb, f"SELECT region, windowstart, n FROM {hourly};", counted=2),
    }
    for name, rows in pulled.items():
        evidence.record("ksqldb", "answers a pull query", name, answer=sorted(rows))
    wait_for_all(kafka, TopicName(large), ORDERS)
    lab.copy_state(node, tmp_path / "running")
    faults.stop(node)
    evidence.act(
        "experiment", "copy the state folder", node, lambda: lab.copy_state(node, tmp_path / "down")
    )
    databases = {
        name: [d for d in rocksdb_folders(tmp_path / "down") if query in d.application]
        for name, query in queries.items()
    }
    stores = {name: read_stores(databases[name], tmp_path) for name in (totals, hourly)}
    changelogs = {name: changelog_of(kafka, query) for name, query in queries.items()}
    logged = {name: kafka.read_all(changelogs[name][0]) for name in (totals, hourly)}
    faults.restart(node)

    # Observed
    evidence.observe(
        "the partitions with a database, against those of the changelog",
        {name: sorted({d.partition for d in databases[name]}) for name in stores},
        expected={
            name: list(range(kafka.describe_topic(changelogs[name][0]).partitions))
            for name in stores
        },
        says=f"each table has a task folder with a RocksDB database for each of its {PARTITIONS}"
        " partitions",
    )
    evidence.observe(
        "kinds of files that a database lacks",
        {place(d): sorted(NEEDED - kinds(d)) for name in stores for d in databases[name]},
        expected={place(d): [] for name in stores for d in databases[name]},
        says="each database has its CURRENT, MANIFEST, OPTIONS and SST files",
    )
    for name, kind in ((totals, "the table"), (hourly, "the windowed table")):
        held, told = stored_state(stores[name]), changelog_state(logged[name])
        evidence.observe(
            f"{kind}: the records in RocksDB, against the changelog's latest per key",
            shown(held),
            expected=shown(told),
            says=f"{kind}: its {len(held)} records in RocksDB are the changelog's latest per key,"
            " byte for byte, with their timestamps",
        )
        evidence.observe(
            f"{kind}: the numbers in RocksDB, against the pull query's",
            sorted(decoded(held, windowed=name == hourly)),
            expected=sorted(pulled[name]),
            says=f"{kind}: RocksDB has the numbers that the pull query answered before the stop",
        )
    lay_out(evidence, totals, stored_state(stores[totals]), logged[totals], pulled[totals])
    lay_out_files(evidence, [d for name in stores for d in databases[name]], tmp_path)

    # Control
    evidence.control(
        "the databases of the query that only filters, and the orders that it wrote",
        {"databases": len(databases[large]), "orders": sum(kafka.end_offsets(large).values())},
        expected={"databases": 0, "orders": ORDERS},
        says=f"the filter passed on {ORDERS} orders and left no database",
    )


def rows_once(ksqldb: KsqlClient, sql: str, *, counted: int) -> list[tuple[object, ...]]:
    """A pull query's rows once the column ``counted`` adds up to all orders."""

    def probe() -> list[tuple[object, ...]] | None:
        rows = [tuple(row) for row in ksqldb.pull(sql).rows]
        return rows if sum(int(str(row[counted])) for row in rows) == ORDERS else None

    return wait_until(f"{ORDERS} orders are counted", probe, timeout_seconds=90)


def wait_for_all(kafka: KafkaClient, topic: TopicName, count: int) -> None:
    """Wait until the topic has so many records."""
    wait_for_records(kafka, topic)
    wait_until(
        f"{count} records in {topic}",
        lambda: sum(kafka.end_offsets(topic).values()) >= count,
        timeout_seconds=60,
    )


def changelog_of(kafka: KafkaClient, query: str) -> list[TopicName]:
    """The changelogs of a query."""
    return sorted(t for t in kafka.topics() if f"_{query}-" in t and t.endswith("-changelog"))


def place(database: RocksFolder) -> str:
    """Where a database lies."""
    return f"{database.application}/{database.task}"


def kinds(database: RocksFolder) -> set[str]:
    """The kinds of files in a database's folder."""
    return {kind for _, kind, _ in database.files()}


def shown(state: State) -> dict[str, object]:
    """A state as the history can hold it."""
    return {f"{n}: {key.hex()}": [time, value] for (n, key), (time, value) in sorted(state.items())}


def decoded(state: State, *, windowed: bool) -> list[tuple[object, ...]]:
    """The rows in a state: the region, the window's start if there are windows, the numbers."""
    rows = []
    for (_, key), (_, value) in state.items():
        found = json.loads(value)
        numbers = [found[name] for name in sorted(found) if name.startswith("KSQL_AGG_VARIABLE_")]
        # A windowed key ends in its window's start, 8 bytes, and a sequence number, 4 bytes.
        region, start = (key[:-12], [int.from_bytes(key[-12:-4], "big")]) if windowed else (key, [])
        rows.append((region.decode(), *start, *numbers))
    return rows


def lay_out(
    evidence: Evidence,
    table: SourceName,
    held: State,
    log: Sequence[StoredRecord],
    rows: Sequence[tuple[object, ...]],
) -> None:
    """Three views of one state, side by side."""
    latest = {(int(r.partition), r.key): r for r in log}
    counts = Counter((int(r.partition), r.key) for r in log)
    answers = {str(region): numbers for region, *numbers in rows}

    def spaced(value: bytes | None) -> str:
        return (value or b"").decode().replace(",", ", ")

    evidence.table(
        "Three views of one state",
        ["Key", "Partition", "In RocksDB", "In the changelog", "Pull query"],
        [
            [
                key.decode(),
                str(n),
                spaced(value),
                (
                    f"offset {latest[n, key].offset}, the latest of {counts[n, key]}:"
                    f" {spaced(latest[n, key].value)}"
                ),
                str(answers.get(key.decode())),
            ]
            for (n, key), (_, value) in sorted(held.items())
            if (n, key) in latest
        ],
        f"{table}: what the files hold, what the changelog has, what the server answered",
    )


def lay_out_files(evidence: Evidence, databases: Sequence[RocksFolder], copies: Path) -> None:
    """What is on the disk, while the node runs and after it stopped."""
    running = {
        database.path.relative_to(copies / "running"): sizes(database)
        for database in rocksdb_folders(copies / "running")
    }
    evidence.table(
        "Files in the state folder",
        ["Application", "Task", "Database", "While the node runs", "After its stop"],
        [
            [
                database.application,
                database.task,
                str(
                    database.path.relative_to(copies / "down").relative_to(
                        Path(database.application) / database.task
                    )
                ),
                running.get(database.path.relative_to(copies / "down"), "none"),
                sizes(database),
            ]
            for database in databases
        ],
        "Kinds of files, how many, and their bytes. SST files hold records, MANIFEST says which of"
        " them belong to the database, WAL is RocksDB's write-ahead log, which Kafka Streams leaves"
        " empty: what is not in an SST file yet is in memory, and in the changelog",
    )


def sizes(database: RocksFolder) -> str:
    """The kinds of files in a database's folder, how many there are, and their bytes."""
    found: dict[str, list[int]] = {}
    for _, kind, size in database.files():
        found.setdefault(kind, []).append(size)
    return ", ".join(
        f"{kind} {sum(each)} B" if len(each) == 1 else f"{len(each)} {kind} {sum(each)} B"
        for kind, each in sorted(found.items())
    )
