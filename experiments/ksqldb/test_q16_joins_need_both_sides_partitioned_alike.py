"""Q16. A join needs both sides partitioned alike.

Set-up    streams and tables over topics of 3 partitions, and the same again of 6
Action    join on columns that are not the key, on the left, on the right and on both sides; join
          sources of 3 with sources of 6 partitions; put a record where its key does not belong and
          join it
Observed  a side that is not joined by its key is sent through a repartition topic, and each of
          its records comes to the partition in which the other side has that key; a table is not,
          a join on its other columns is refused; sources with different numbers are refused with
          400 and both numbers, whatever the kind of join, and nothing is made; repartitioned as the
          refusal says they can be joined; a record in another partition than its partner's is not
          joined, and nobody complains
Control   with equal keys and counts the same joins have no repartition topic and find every
          partner, and the misplaced record's neighbours find theirs
Limits    a foreign-key join needs no such thing, see Q05; that a key lies where it should is up to
          the producers: ksqlDB cannot see it
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.evidence import claim
from lab.evidence.encoding import cut
from lab.evidence.names import SourceFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.tables import Cell
from lab.evidence.workload import list_topics, produce
from lab.workloads.queries.runs import AS_KAFKA_STREAMS, Queries, Query, Seen, came_about
from lab.workloads.queries.table import Statement, expected_rows, load

TABLE = load()
SHORT = {name: name for name in TABLE.sources}
BY_COLUMN = ("streams_right_column", "streams_columns", "stream_table_column")
BY_KEY = ("streams", "stream_table", "tables")
ALSO_BY_KEY = ("streams_left",)
COUNTS = re.compile(r"partitions = (\d+)")


@dataclass(frozen=True)
class Refusal:
    """What was said to a join of 3 and 6 partitions."""

    status: int
    counts: tuple[str, ...]
    reason: str


@claim("Q16")
def test_joins_need_both_sides_partitioned_alike(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    scale: Scale,
    evidence: Evidence,
) -> None:
    # Set-up
    by_column = TABLE.named(*BY_COLUMN)
    by_key = TABLE.named(*BY_KEY, *(ALSO_BY_KEY if scale.thorough else ()))
    run, wide = (Queries(kafka, ksqldb, topic, source_name, evidence, n) for n in (3, 6))
    run.prepare((*by_column, *by_key))
    wide.prepare((*by_column, *by_key))

    # Action
    before = list_topics(evidence, kafka, unique)
    refusals = {statement: refusal_of(run, wide, statement) for statement in (*by_key, *by_column)}
    on_table_column = run.refusal(
        f"CREATE STREAM {source_name('refused')} AS SELECT o.region AS region, name FROM"
        f" {run.sources['orders']} o JOIN {run.sources['users']} u ON o.region = u.city"
        " EMIT CHANGES;"
    )
    unchanged = list_topics(evidence, kafka, unique)
    queries = [run.start(statement) for statement in (*by_column, *by_key)]
    narrowed = source_name("narrowed")
    run.execute(
        f"CREATE STREAM {narrowed} WITH (PARTITIONS=3) AS SELECT * FROM"
        f" {wide.sources['shipments']} EMIT CHANGES;"
    )
    (streams,) = TABLE.named("streams")
    mended = run.start(streams, mark="_mended", sources={**run.sources, "shipments": narrowed})
    run.wait_written([*queries, mended])
    rows = {query: run.rows(query, expected_rows(query.statement)) for query in queries}
    mended_rows = run.rows(mended, expected_rows(streams))
    seen = {query: run.seen(query, "while it runs") for query in queries}
    joined = next(query for query in queries if query.statement is streams)
    places = places_of(run, next(s for q, s in seen.items() if q.statement.name == BY_COLUMN[0]))
    misplaced = misplace(run, joined)

    # Observed
    evidence.observe(
        "repartition topics of joins on other columns than the key",
        {q.statement.title: set(seen[q].moving) for q in queries if q.statement in by_column},
        expected={each.title: set(each.moves) for each in by_column},
        says="each side that is not joined by its key went through a repartition topic",
    )
    evidence.observe(
        "the partitions of the join's state for each order and for its payment",
        {key: (place.order_kept, place.payment_kept) for key, place in places.items()},
        expected={key: (place.order, place.order) for key, place in places.items()},
        says="through it each payment came to its order's partition: "
        + ", ".join(f"{key}'s from {p.payment} to {p.order}" for key, p in places.items()),
    )
    evidence.observe(
        "what joins of 3 and 6 partitions were answered: the status, the numbers named",
        {s.title: (refusal.status, refusal.counts) for s, refusal in refusals.items()},
        expected={statement.title: (400, ("3", "6")) for statement in refusals},
        says=f"3 and 6 partitions: {len(refusals)} joins refused with 400: "
        + cut(refusals[streams].reason, 240),
    )
    evidence.observe(
        "the answer to a join on a table's column that is not its key",
        on_table_column and on_table_column.status,
        expected=400,
        says="a table's other column: refused with 400: "
        + cut(on_table_column.reason if on_table_column else "", 160),
    )
    evidence.observe(
        "topics that appeared with the refusals",
        unchanged - before,
        expected=set(),
        says="the refused statements made no topic",
    )
    evidence.observe(
        "the rows of the refused join, once one side was repartitioned to 3",
        mended_rows,
        expected=expected_rows(streams),
        says="repartitioned WITH (PARTITIONS=3) the same streams are joined",
    )
    evidence.observe(
        "which orders found a shipment that lies in another partition",
        misplaced.found & {misplaced.key},
        expected=set(),
        says=f"{misplaced.key} in partition {misplaced.order}, its shipment in"
        f" {misplaced.shipment}: not joined, and no error",
    )

    # Control
    evidence.control(
        "repartition topics of joins on the keys, with equal counts",
        {q.statement.title: seen[q].moving for q in queries if q.statement in by_key},
        expected={each.title: [] for each in by_key},
        says="equal keys and counts: no repartition topic",
    )
    evidence.control(
        "the rows of all joins",
        {query.statement.title: rows[query] for query in queries},
        expected={query.statement.title: expected_rows(query.statement) for query in queries},
        says="and every partner was found",
    )
    evidence.control(
        "orders after the misplaced one, in its partition and in its shipment's",
        misplaced.found & set(misplaced.neighbours),
        expected=set(misplaced.neighbours),
        says="the misplaced record's neighbours, in both partitions, found their partners",
    )

    lay_out(evidence, seen, refusals, places)


def refusal_of(run: Queries, wide: Queries, statement: Statement) -> Refusal:
    """What is answered to the statement with the second source of ``wide``."""
    left, right = statement.sources
    sources = {left: run.sources[left], right: wide.sources[right]}
    text = statement.text(run.sink_of(statement, "_refused"), sources)
    error = run.refusal(text)
    if error is None:
        return Refusal(200, (), "accepted")
    return Refusal(error.status, tuple(COUNTS.findall(error.reason)), error.reason)


def places_of(run: Queries, seen: Seen) -> dict[str, Place]:
    """Where each order and its payment lie, in their topics and in the join's state."""
    orders = {r.key: r.partition for r in run.kafka.read_all(run.topics["orders"])}
    payments = {
        json.loads(r.value or b"{}")["oid"].encode(): r.partition
        for r in run.kafka.read_all(run.topics["payments"])
    }
    left, right = (
        {
            # Behind the key stand a time and a number.
            (record.key or b"")[:-12]: record.partition
            for record in run.kafka.read_all(seen.internal[name].name)
        }
        for name in ("KSTREAM-JOINTHIS-#-store-changelog", "KSTREAM-JOINOTHER-#-store-changelog")
    )
    return {
        (key or b"").decode(): Place(
            orders[key], payments[key or b""], left.get(key or b""), right.get(key or b"")
        )
        for key in sorted(orders, key=str)
        if key in payments
    }


@dataclass(frozen=True)
class Place:
    """The partitions of an order and its payment: in their topics, and in the join's two stores."""

    order: int
    payment: int
    order_kept: int | None
    payment_kept: int | None


@dataclass(frozen=True)
class Misplaced:
    """An order whose shipment lies in another partition, and what the join found afterwards."""

    key: str
    order: int
    shipment: int
    neighbours: tuple[str, ...]
    found: set[str]


def misplace(run: Queries, join: Query) -> Misplaced:
    """Produce an order and its shipment into different partitions, then well-placed neighbours.

    The neighbours come after them in the same partitions, so once these are joined, the others
    were read. What is found is read from the sink of ``join``.
    """
    evidence, kafka = run.evidence, run.kafka
    orders, shipments = run.topics["orders"], run.topics["shipments"]
    order, shipment = b'{"amount": 1}', b'{"place": "D"}'
    key = "o9"
    first = produce(evidence, kafka, orders, order, key=key.encode(), config=AS_KAFKA_STREAMS)
    elsewhere = (first.partition + 1) % run.partitions
    produce(evidence, kafka, shipments, shipment, key=key.encode(), partition=elsewhere)
    neighbours: dict[int, str] = {}
    for number in range(10, 100):
        name = f"o{number}"
        put = produce(evidence, kafka, orders, order, key=name.encode(), config=AS_KAFKA_STREAMS)
        produce(evidence, kafka, shipments, shipment, key=name.encode(), config=AS_KAFKA_STREAMS)
        neighbours[put.partition] = name
        if {first.partition, elsewhere} <= set(neighbours):
            break
    wanted = (neighbours[first.partition], neighbours[elsewhere])
    found: set[str] = set()

    def joined() -> bool:
        found.update((r.key or b"").decode() for r in kafka.read_all(join.sink, committed=True))
        return found.issuperset(wanted)

    came_about("the neighbours are joined", joined)
    evidence.record("reader", "read the sink", join.sink, answer=found)
    return Misplaced(key, first.partition, elsewhere, wanted, found)


def lay_out(
    evidence: Evidence,
    seen: Mapping[Query, Seen],
    refusals: Mapping[Statement, Refusal],
    places: Mapping[str, Place],
) -> None:
    """The joins with their repartition topics and what was refused; and the ways of the records."""
    evidence.table(
        "Joins, and what they need",
        ["Join", "3 with 3 partitions: repartition topics", "3 with 6 partitions"],
        [
            [
                Cell(query.statement.title, note=query.statement.text("…", SHORT)),
                "\n".join(each.moving) or "none",
                Cell(
                    f"refused with {refusals[query.statement].status}",
                    "no",
                    refusals[query.statement].reason,
                )
                if refusals[query.statement].status != 200
                else Cell("accepted", "odd"),
            ]
            for query, each in seen.items()
        ],
        "A foreign-key join is not here: it may join different numbers, see Q05",
    )
    evidence.table(
        "orders JOIN payments ON o.id = p.oid: where each record lies",
        [
            "Order",
            "Partition of orders",
            "Partition of payments",
            "Partition of the join's state for the order",
            "… for the payment",
        ],
        [
            [
                key,
                str(place.order),
                str(place.payment),
                str(place.order_kept),
                Cell(
                    str(place.payment_kept),
                    "odd" if place.payment_kept != place.payment else "plain",
                ),
            ]
            for key, place in places.items()
        ],
        "Payments are keyed by their own id; through the repartition topic each came to the"
        " partition of its order, where a shaded number differs from that of its topic",
    )
