"""Pull queries beside what the stores of their tables hold, read from changelogs and sinks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import QueryId, SourceName
from lab.evidence.encoding import cut
from lab.evidence.materialized import aggregates, fields, latest
from lab.evidence.recorder import Evidence
from lab.evidence.tables import Cell
from lab.wait import wait_until
from lab.wire.window_keys import WindowedKey

AGGREGATES = ("N", "TOTAL")
"""The columns of a table beside its key: a count of orders, and a sum."""

Row = dict[str, object]
ReadKey = Callable[[bytes], WindowedKey]


@dataclass(frozen=True)
class Table:
    """A table with its query, and how its keys stand in the changelog and in the sink.

    ``sink_key`` is None where the sink's topic is not read.
    """

    name: SourceName
    query: QueryId
    changelog_key: ReadKey
    sink_key: ReadKey | None
    columns: list[str]

    def row(self, key: WindowedKey, values: Mapping[str, object]) -> Row:
        """A row as a pull query answers it."""
        bounds = {"WINDOWSTART": key.start_ms, "WINDOWEND": key.end_ms}
        every = {"REGION": key.key.decode(), **bounds, **values}
        return {column: every[column] for column in self.columns}


@dataclass
class Pulls:
    """The pull queries of this experiment: what was asked, what came, how long it took."""

    ksqldb: KsqlClient
    evidence: Evidence
    rows: list[list[Cell | str]] = field(default_factory=list)

    def ask(self, what: str, sql: str, expected: list[Row] | None) -> list[Row]:
        """Pull; the rows in an order of their own. ``expected`` is what the store holds."""
        begun = time.perf_counter()
        answer = self.evidence.act("user", sql, "ksqldb", lambda: self.ksqldb.pull(sql))
        took_ms = (time.perf_counter() - begun) * 1_000
        found = in_order(answer.as_dicts())
        cell: Cell | str = "—"
        if expected is not None:
            agrees = found == in_order(expected)
            cell = Cell("equal", "yes") if agrees else Cell("differs", "odd", cut(str(found), 120))
        self.rows.append([what, condition(sql), str(len(found)), cell, f"{took_ms:.1f}"])
        return found

    def refused(self, what: str, sql: str) -> KsqlRefused | None:
        """Pull what must be refused; how it was, None if it was not."""
        try:
            answer = self.evidence.act("user", sql, "ksqldb", lambda: self.ksqldb.pull(sql))
        except KsqlRefused as refusal:
            said = Cell(f"HTTP {refusal.status}", "no", cut(refusal.reason, 160))
            self.rows.append([what, condition(sql), "—", said, "—"])
            return refusal
        self.rows.append([what, condition(sql), str(len(answer)), Cell("accepted", "odd"), "—"])
        return None

    def lay_out(self) -> None:
        """Every pull query in a table."""
        self.evidence.table(
            "Pull queries and what the changelog holds",
            ["Asked for", "Condition", "Rows", "Against the changelog", "ms"],
            self.rows,
            "Equal: the same rows as were read from the changelog topic, in whatever order; the"
            " time is that of one request and depends on the machine",
        )


@dataclass(frozen=True)
class Ask:
    """A pull query, and which of the store's rows it must answer with."""

    what: str
    where: str
    keep: Callable[[Row], bool]


def in_regions(*regions: str) -> Callable[[Row], bool]:
    """Whether a row is of these regions."""
    return lambda row: row["REGION"] in regions


def number(row: Row, column: str) -> int:
    """A row's whole number."""
    value = row[column]
    assert isinstance(value, int)  # noqa: S101 - narrows a type
    return value


def in_order(rows: list[Row]) -> list[Row]:
    """The rows in an order of their own: answers have none."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def condition(sql: str) -> str:
    """What a pull query says after its source."""
    told = sql.partition(" FROM ")[2].rstrip(";")
    return told.partition(" ")[2].removeprefix("WHERE ") or "none"


def held_by_changelog(
    kafka: KafkaClient, ksqldb: KsqlClient, table: Table, orders: int
) -> list[Row]:
    """The rows in the changelog of a table's store, once every order is counted in it."""
    prefix = f"_confluent-ksql-{ksqldb.info().service_id}query_{table.query}-"

    def read() -> list[Row]:
        names = [n for n in kafka.topics() if n.startswith(prefix) and n.endswith("-changelog")]
        return [
            table.row(table.changelog_key(key), state)
            for name in names
            for key, value in latest(kafka.read_all(name)).items()
            if (state := aggregates(value, AGGREGATES)) is not None
        ]

    return once_counted(orders, f"the changelog of {table.name}", read)


def held_by_sink(kafka: KafkaClient, table: Table, orders: int) -> list[Row]:
    """The rows in a table's topic, once every order is counted in it."""
    read_key = table.sink_key
    assert read_key is not None  # noqa: S101 - narrows a type

    def read() -> list[Row]:
        return [
            table.row(read_key(key), row)
            for key, value in latest(kafka.read_all(table.name)).items()
            if (row := fields(value, AGGREGATES)) is not None
        ]

    return once_counted(orders, str(table.name), read)


def once_counted(orders: int, where: str, read: Callable[[], list[Row]]) -> list[Row]:
    """The rows that are read somewhere, once every order is counted in them."""

    def complete() -> list[Row]:
        found = read()
        return found if counted(found) == orders else []

    return wait_until(
        f"all {orders} orders are counted in {where}",
        complete,
        timeout_seconds=60,
        every_seconds=0.2,
    )


def counted(rows: list[Row]) -> int:
    """How many orders the rows count together."""
    return sum(number(row, "N") for row in rows)
