"""Q14. A record that cannot be read does not stop a query.

Set-up    a JSON topic with a stream and a table over it, an Avro topic with a stream over it, and
          a query that copies each of the three
Action    bad records of each kind: malformed JSON, JSON of another shape, a wrong type, a missing
          field, a null value, a null key; a wrong magic byte, an unknown schema id, a cut value, a
          value of another schema, an unreadable key; after each, a good one
Observed  every good record became its row, in order; a missing field is a null, a null key is none
          of the table's, a null value removes the table's row and is nothing to the stream; all
          queries are RUNNING and have committed the last offset; the processing log has one entry
          for each record that could not be read, and no other
Control   malformed JSON and a good record after it, for a query that is told to fail, and for one
          on a server that is: each has an error and does not process the good one, which a query
          beside it that is told nothing does
Limits    a query's own expressions that fail on a record are not looked at; the registry answers
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from lab.clients.errors import KsqlRefused, RegistryNotFound
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import QueryId, SourceName, TopicName
from lab.clients.plain import plain_avro
from lab.clients.schema_registry import SchemaRegistryClient
from lab.clients.tail import Arrival, Tail
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.bad_records import Case, Copied, draw, in_the_log, lay_out, reported
from lab.evidence.checkers import run_checker
from lab.evidence.names import SourceFactory, SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.processing_log import log_topic
from lab.evidence.query_parts import group_of
from lab.evidence.recorder import Evidence
from lab.evidence.servers import Servers
from lab.evidence.workload import produce
from lab.wait import wait_until
from lab.wire import schema_header

EARLIEST = {"ksql.streams.auto.offset.reset": "earliest"}
STRICT = {
    **EARLIEST,
    "ksql.streams.default.deserialization.exception.handler": (
        "org.apache.kafka.streams.errors.LogAndFailExceptionHandler"
    ),
}
STRICT_SERVER = {"ksql.fail.on.deserialization.error": "true"}
NO_ID = 2_000_000_000
ORDER = {"type": "record", "name": "Q14Order", "fields": [{"name": "A", "type": "int"}]}
OTHER = {**ORDER, "fields": [{"name": "A", "type": "string"}]}


def json_cases() -> tuple[Case, ...]:
    """JSON, with texts for keys. The null value has the key of the first good record."""
    return (
        Case("malformed JSON", b"k1", b'{"A": 1', "value"),
        Case("no JSON at all", b"k2", b"three apples", "value"),
        Case("an array, not an object", b"k3", b"[3]", "value"),
        Case("a text for a number", b"k4", b'{"A": "four"}', "value"),
        Case("a missing field", b"k5", b'{"B": 5}', row=("k5", None)),
        Case("a null value", b"k0", None),
        Case("a null key", None, b'{"A": 7}', row=(None, 7)),
    )


def avro_cases(schema_id: int, other_id: int) -> tuple[Case, ...]:
    """Avro, with whole numbers for keys."""
    good = avro(schema_id, 1)
    other = schema_header.join(other_id, plain_avro(json.dumps(OTHER), {"A": "five"}))
    return (
        Case("a wrong magic byte", number(1), b"\x07" + good[1:], "value"),
        Case("an unknown schema id", number(2), avro(NO_ID, 2), "value"),
        Case("a value without its end", number(3), good[:5], "value"),
        Case("less than a header", number(4), good[:3], "value"),
        Case("a value of another schema", number(5), other, "value"),
        Case("an unreadable key", b"six", good, "key"),
    )


def avro(schema_id: int, a: int) -> bytes:
    """An order in Avro, in Confluent's wire format."""
    return schema_header.join(schema_id, plain_avro(json.dumps(ORDER), {"A": a}))


def number(n: int) -> bytes:
    """A whole number as ksqlDB's KAFKA format writes it."""
    return n.to_bytes(4, "big")


@claim("Q14")
def test_a_bad_record_stops_nothing(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    # Set-up
    texts, orders = topic("json"), topic("avro")
    schema_id = registry.register(subject("avro-value"), json.dumps(ORDER))
    other_id = registry.register(subject("other-value"), json.dumps(OTHER))
    in_json, in_avro, table = (source_name(name) for name in ("json", "avro", "table"))
    ksqldb.execute(
        f"CREATE STREAM {in_json} (k VARCHAR KEY, a INT)"
        f" WITH (KAFKA_TOPIC='{texts}', VALUE_FORMAT='JSON');"
        f"CREATE STREAM {in_avro} (k INT KEY) WITH (KAFKA_TOPIC='{orders}', VALUE_FORMAT='AVRO');"
        f"CREATE TABLE {table} (k VARCHAR PRIMARY KEY, a INT)"
        f" WITH (KAFKA_TOPIC='{texts}', VALUE_FORMAT='JSON');"
    )
    copies = [source_name(f"{name}_copy") for name in ("json", "avro", "table")]
    queries = [
        start(
            ksqldb,
            evidence,
            f"CREATE {kind} {copy} WITH (VALUE_FORMAT='JSON')"
            f" AS SELECT * FROM {name} EMIT CHANGES;",
            copy,
        )
        for kind, copy, name in zip(
            ("STREAM", "STREAM", "TABLE"), copies, (in_json, in_avro, table), strict=True
        )
    ]
    copied = [
        Copied(
            "JSON",
            texts,
            json_cases(),
            lambda n: f"k{n}".encode(),
            lambda n: json.dumps({"A": n}).encode(),
            bytes.decode,
            copies[0],
            queries[0],
        ),
        Copied(
            "Avro",
            orders,
            avro_cases(schema_id, other_id),
            number,
            partial(avro, schema_id),
            partial(int.from_bytes, byteorder="big"),
            copies[1],
            queries[1],
        ),
    ]
    wait_until("the sinks are there", lambda: set(copies) <= kafka.topics(), timeout_seconds=60)
    log = log_topic(ksqldb)
    watched = [*copies[:2], texts, orders, *filter(None, [log])]

    with Tail(kafka, watched) as tail:
        # Action
        for each in copied:
            produce(evidence, kafka, each.topic, each.value(0), key=each.key(0))
            for n, case in enumerate(each.cases, 1):
                produce(evidence, kafka, each.topic, case.value, key=case.key)
                produce(evidence, kafka, each.topic, each.value(n), key=each.key(100 + n))
        for each in copied:
            tail.until(f"the last good record of {each.topic}", partial(has_last, each))
        last, _ = copied[0].expected()[-1]
        rows = wait_until(
            "the last good record in the table",
            lambda: found if last in (found := pulled(ksqldb, copies[2])) else None,
            timeout_seconds=60,
        )
        behind = uncommitted(kafka, ksqldb, copied)
        entries = in_the_log(
            evidence, kafka, log, tail, about=[*copied, copied[0]], queries=queries
        )
        came = tail.arrivals

    # Observed
    for each in copied:
        unreadable = [case for case in each.cases if case.unreadable]
        evidence.observe(
            f"{each.title}: the rows in the sink",
            each.seen(came),
            expected=each.expected(),
            says=f"{each.title}: {len(each.expected())} rows in order, past {len(unreadable)}"
            " records that cannot be read",
        )
    evidence.observe(
        "the table's rows",
        rows,
        expected={k: a for k, a in copied[0].expected() if k not in {None, "k0"}},
        says="the table has the same rows but that of the null key, and that which the null value"
        " removed",
    )
    evidence.observe(
        "the states of the three queries",
        [states(ksqldb).get(query) for query in queries],
        expected=["RUNNING"] * 3,
        says="all queries are RUNNING",
    )
    evidence.observe(
        "records that the queries have not committed",
        behind,
        expected={each.title: 0 for each in copied},
        says="and have committed the last offset",
    )
    for query, about in zip(queries, [*copied, copied[0]], strict=True) if entries else ():
        evidence.observe(
            f"{query}: its entries in the processing log",
            finding=run_checker(partial(reported, entries or [], query, about), evidence.history),
            says=f"{'table' if query == queries[2] else about.title}: an entry in the processing"
            " log for each unreadable record",
        )
    for each in copied:
        lay_out(evidence, each, came, entries or [])
    draw(evidence, copied[0], came, log, entries or [])

    # Control
    evidence.control(
        "the registry, asked for the unknown schema id",
        answer_for(registry, NO_ID),
        expected="not found",
        says=f"the registry knows no schema {NO_ID}",
    )
    told_to_fail(kafka, ksqldb, evidence, topic("strict"), source_name)


@claim("Q14")
def test_a_server_told_to_fail_stops_where_another_goes_on(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    servers: Servers,
    topic: TopicFactory,
    source_name: SourceFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    node = servers(service_id=servers.service_id("strict"), properties=STRICT_SERVER)
    # What was named last is dropped first.
    streams = source_name("lenient_in"), unique.of_source("strict_in")
    sinks = source_name("lenient"), unique.of_source("strict")
    records = topic("records")

    # Action
    send_bad_and_good(kafka, evidence, records)
    lenient, strict = (
        copy(server, evidence, records, stream, sink)
        for server, stream, sink in zip((ksqldb, node.ksqldb), streams, sinks, strict=True)
    )
    wait_until("the lenient server's row", lambda: values(kafka, sinks[0]), timeout_seconds=60)
    errors = wait_until(
        "an error on the strict server", lambda: errors_of(node.ksqldb, strict), timeout_seconds=60
    )
    evidence.record("ksqldb", "shows the error of a query", strict, answer=errors[:1])

    # Observed
    evidence.observe(
        "the platform's own server: what its query wrote, and its errors",
        [values(kafka, sinks[0]), errors_of(ksqldb, lenient)],
        expected=[[{"A": 2}], []],
        says="the server that is told nothing skipped the malformed record",
    )

    # Control
    evidence.control(
        "the strict server: what its query wrote, and whether it has an error",
        [values(kafka, sinks[1]), bool(errors)],
        expected=[[], True],
        says="a server with ksql.fail.on.deserialization.error stopped before it",
    )


def told_to_fail(
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    evidence: Evidence,
    topic: TopicName,
    source_name: SourceFactory,
) -> None:
    """A query that fails on what it cannot read, beside one that does not."""
    send_bad_and_good(kafka, evidence, topic)
    streams = source_name("lenient_in"), source_name("strict_in")
    lenient, strict = source_name("lenient"), source_name("strict")
    copy(ksqldb, evidence, topic, streams[0], lenient)
    wait_until("the lenient query's row", lambda: values(kafka, lenient), timeout_seconds=60)
    try:
        query = copy(ksqldb, evidence, topic, streams[1], strict, STRICT)
    except KsqlRefused as refused:
        evidence.limit(f"this server lets no statement choose to fail: {refused}")
    else:
        errors = wait_until(
            "an error of the strict query", lambda: errors_of(ksqldb, query), timeout_seconds=60
        )
        evidence.record("ksqldb", "shows the error of a query", query, answer=errors[:1])
        evidence.control(
            "what the query that is told to fail wrote, and whether it has an error",
            [values(kafka, strict), bool(errors)],
            expected=[[], True],
            says="told to fail, a query has an error and does not process the good record",
        )
    evidence.control(
        "what the query beside it wrote",
        values(kafka, lenient),
        expected=[{"A": 2}],
        says="the query beside it skipped the malformed one and processed the good one",
    )


def send_bad_and_good(kafka: KafkaClient, evidence: Evidence, topic: TopicName) -> None:
    """Malformed JSON, and a good record after it."""
    for value in (b'{"A": 1', b'{"A": 2}'):
        produce(evidence, kafka, topic, value, key=b"k")


def copy(
    ksqldb: KsqlClient,
    evidence: Evidence,
    topic: TopicName,
    stream: SourceName,
    sink: SourceName,
    properties: dict[str, str] | None = None,
) -> QueryId:
    """Declare a stream over the topic and start a query that copies it."""
    ksqldb.execute(
        f"CREATE STREAM {stream} (k VARCHAR KEY, a INT)"
        f" WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
    )
    sql = f"CREATE STREAM {sink} AS SELECT * FROM {stream} EMIT CHANGES;"
    return start(ksqldb, evidence, sql, sink, properties)


def start(
    ksqldb: KsqlClient,
    evidence: Evidence,
    sql: str,
    sink: SourceName,
    properties: dict[str, str] | None = None,
) -> QueryId:
    """Start a query with properties of its own."""
    run = partial(ksqldb.execute, sql, properties=properties or EARLIEST)
    query = evidence.act("user", sql, sink, run)[-1].query_id
    assert query is not None
    return query


def has_last(copied: Copied, came: Sequence[Arrival]) -> bool:
    """Whether the last good record has come to the sink."""
    return copied.expected()[-1] in copied.seen(came)


def pulled(ksqldb: KsqlClient, table: SourceName) -> dict[object, object]:
    """The rows of a table."""
    return {row[0]: row[1] for row in ksqldb.pull(f"SELECT k, a FROM {table};").rows}


def states(ksqldb: KsqlClient) -> dict[QueryId, str]:
    """The state of each query."""
    return {query.query_id: query.state for query in ksqldb.queries()}


def errors_of(ksqldb: KsqlClient, query: QueryId) -> list[object]:
    """The errors that EXPLAIN shows of a query."""
    found = ksqldb.execute(f"EXPLAIN {query};")[0].data.get("queryDescription")
    return list(found.get("queryErrors") or ()) if isinstance(found, dict) else []


def values(kafka: KafkaClient, topic: str) -> list[object]:
    """The JSON values in a sink."""
    if not kafka.has_topic(topic):
        return []
    return [json.loads(record.value or b"null") for record in kafka.read_all(topic)]


def answer_for(registry: SchemaRegistryClient, schema_id: int) -> str:
    """What the registry says to an id."""
    try:
        registry.schema_by_id(schema_id)
    except RegistryNotFound:
        return "not found"
    return "found"


def uncommitted(kafka: KafkaClient, ksqldb: KsqlClient, copied: Sequence[Copied]) -> dict[str, int]:
    """How many records the queries are behind, once they are not, or after a while."""
    service = ksqldb.info().service_id
    behind: dict[str, int] = {}

    def probe() -> bool:
        for each in copied:
            done = kafka.committed(group_of(service, each.query)).values()
            at = {place.partition: place.offset for place in done}
            ends = kafka.end_offsets(each.topic)
            behind[each.title] = sum(end - at.get(n, 0) for n, end in ends.items())
        return not any(behind.values())

    try:
        wait_until("everything is committed", probe, timeout_seconds=30)
    except ConditionTimeout:
        return behind
    return behind
