"""Every format and type through a server, a broker and a schema registry."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from confluent_kafka import Producer
from support.ksqldb_server import Server, until

pytestmark = pytest.mark.xdist_group("schema-registry")

WITH_SCHEMAS = ("AVRO", "PROTOBUF", "JSON_SR")
FLAT = (
    "A INT, B BIGINT, C DOUBLE, D DECIMAL(6, 2), E VARCHAR, F BOOLEAN, G BYTES, H DATE, I TIME, "
    "J TIMESTAMP"
)
NESTED = (
    "L ARRAY<INT>, M MAP<VARCHAR, BIGINT>, S STRUCT<X INT, Y STRUCT<Z VARCHAR>>, "
    "LS ARRAY<STRUCT<P DOUBLE>>"
)
FLAT_VALUES = (
    "1, 2, 3.5, 4.25, 'five, \"six\"', true, 'AQID', '2024-02-03', '10:11:12', "
    "'2024-02-03T10:11:12.123'"
)
NESTED_VALUES = (
    "ARRAY[1, 2], MAP('q' := 5), STRUCT(X := 1, Y := STRUCT(Z := 'zz')), ARRAY[STRUCT(P := 1.5)]"
)
FLAT_ROW: list[Any] = [
    *(1, 2, 3.5, 4.25, 'five, "six"', True, "AQID"),
    *("2024-02-03", "10:11:12", "2024-02-03T10:11:12.123"),
]
NESTED_ROW: list[Any] = [[1, 2], {"q": 5}, {"X": 1, "Y": {"Z": "zz"}}, [{"P": 1.5}]]
NO_ROW: dict[str, list[Any]] = {
    "PROTOBUF": [0, 0, 0.0, None, "", False, "", None, None, None, [], {}, None, []],
    "DELIMITED": [None] * 10,
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    bootstrap: str,
    classpath: str,
    build_dir: Any,
    registry_url: str,
) -> Iterator[Server]:
    """One server for all tests of this file."""
    made = Server(
        tmp_path_factory.mktemp("formats"),
        bootstrap,
        classpath,
        build_dir,
        f"ksql.schema.registry.url={registry_url}",
    )
    made.start()
    yield made
    made.kill()


class Registry:
    """The tests' own client of the registry."""

    def __init__(self, url: str) -> None:
        self.url = url

    def latest(self, subject: str) -> Any:
        answer = httpx2.get(f"{self.url}/subjects/{subject}/versions/latest", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def subjects(self) -> list[str]:
        found: list[str] = httpx2.get(f"{self.url}/subjects", timeout=30).json()
        return found

    def register(self, subject: str, schema: Any, type_: str = "AVRO") -> int:
        text = schema if isinstance(schema, str) else json.dumps(schema, separators=(",", ":"))
        body = {"schema": text} | ({} if type_ == "AVRO" else {"schemaType": type_})
        answer = httpx2.post(f"{self.url}/subjects/{subject}/versions", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])


@pytest.fixture
def registry(registry_url: str) -> Registry:
    return Registry(registry_url)


@pytest.fixture
def produce(bootstrap: str) -> Callable[..., None]:
    """Produces (key, value) pairs of bytes to a topic."""

    def do(topic: str, *rows: tuple[bytes | None, bytes | None]) -> None:
        producer = Producer({"bootstrap.servers": bootstrap})
        for key, value in rows:
            producer.produce(topic, key=key, value=value)
        assert producer.flush(20) == 0

    return do


@pytest.mark.parametrize("format_", ["DELIMITED", "PROTOBUF_NOSR", "JSON", *WITH_SCHEMAS])
def test_a_query_reads_and_writes_every_type(server: Server, name: str, format_: str) -> None:
    nested = format_ != "DELIMITED"
    columns = FLAT + (f", {NESTED}" if nested else "")
    values = FLAT_VALUES + (f", {NESTED_VALUES}" if nested else "")
    server.ksql(
        f"CREATE STREAM {name} (K VARCHAR KEY, {columns}) WITH (KAFKA_TOPIC='{name}', "
        f"PARTITIONS=1, FORMAT='{format_}');"
        f"CREATE STREAM {name}_OUT AS SELECT * FROM {name};"
        f"INSERT INTO {name} VALUES ('k1', {values}); INSERT INTO {name} (K) VALUES ('k2');"
    )
    full = FLAT_ROW + (NESTED_ROW if nested else [])
    empty = NO_ROW.get(format_.removesuffix("_NOSR"), [None] * len(full))
    rows = until(
        lambda: len(found := server.select(f"SELECT * FROM {name}_OUT;")) == 2 and found,
        f"two rows in {name}_OUT",
    )
    assert rows == [["k1", *full], ["k2", *empty]]


@pytest.mark.parametrize("format_", WITH_SCHEMAS)
def test_columns_of_keys_and_values_come_from_the_registry(
    server: Server, name: str, format_: str
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (K BIGINT KEY, {FLAT}, {NESTED}) WITH (KAFKA_TOPIC='{name}', "
        f"PARTITIONS=1, FORMAT='{format_}');"
    )
    answer = server.ksql(f"CREATE STREAM {name}_I WITH (KAFKA_TOPIC='{name}', FORMAT='{format_}');")
    key = "K" if format_ == "PROTOBUF" else "ROWKEY"
    columns = f"{FLAT}, {NESTED}".replace("VARCHAR", "STRING").replace(" INT", " INTEGER")
    wanted = columns.replace("<INT>", "<INTEGER>")
    assert f"{name}_I ({key} BIGINT KEY, {wanted}) WITH" in answer[0]["statementText"]


def framed(schema_id: int, payload: bytes) -> bytes:
    """A record's value as serializers with a registry write it."""
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def record(*fields: tuple[str, Any], name: str = "U") -> dict[str, Any]:
    """An Avro record's schema."""
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": n, "type": t} for n, t in fields],
    }


def test_records_are_read_by_the_schema_they_name_and_bad_ones_are_reported(
    server: Server, name: str, registry: Registry, registry_url: str, produce: Callable[..., None]
) -> None:
    subject = f"{name}-value"
    first = registry.register(subject, record(("a", "int"), ("b", "string")))
    httpx2.put(f"{registry_url}/config/{subject}", json={"compatibility": "NONE"}, timeout=30)
    less = registry.register(subject, record(("c", "string"), ("B", ["null", "string"])))
    other = registry.register(subject, record(("A", "long")))
    server.ksql(
        f"CREATE STREAM {name} (K INT KEY, A INT, B VARCHAR) WITH (KAFKA_TOPIC='{name}', "
        f"PARTITIONS=1, KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO');"
        f"CREATE STREAM {name}_OUT WITH (VALUE_FORMAT='JSON') AS SELECT * FROM {name};"
    )
    key = framed(registry.latest(f"{name}-key")["id"], b"\x02\x02")
    good = framed(first, b"\x02\x02x")
    produce(
        name,
        (key, good),
        (key, framed(less, b"\x02c\x02\x02z")),
        (key, framed(other, b"\x04")),
        (key, framed(2_000_000_000, b"\x02c\x00")),
        (key, framed(first, b"\x02\x20")),
        (key, b"\x01abcdef"),
        (key, b"ab"),
        (b"no key", good),
        (key, None),
        (None, framed(first, b"\x08\x02w")),
    )
    rows = until(
        lambda: len(found := server.select(f"SELECT * FROM {name}_OUT;")) == 3 and found,
        f"the good rows in {name}_OUT",
    )
    assert rows == [[1, 1, "x"], [1, None, "z"], [None, 4, "w"]]
    assert server.select(f"SELECT * FROM {name};") == rows
    query = f"%{name}_OUT%"
    reported = until(
        lambda: (
            len(
                found := server.select(
                    "SELECT MESSAGE->DESERIALIZATIONERROR->TARGET AS T, "
                    "MESSAGE->DESERIALIZATIONERROR->ERRORMESSAGE AS E FROM KSQL_PROCESSING_LOG "
                    f"WHERE LOGGER LIKE '{query}';"
                )
            )
            == 6
            and found
        ),
        "six reports in the processing log",
    )
    assert [target for target, _ in reported].count("key") == 1
    told = " ".join(text for _, text in reported)
    for word in ("LONG", "2000000000", "magic byte: 1", "Too few bytes", "16 bytes"):
        assert word in told


def test_a_schema_named_by_id_is_the_one_that_is_written(
    server: Server, name: str, registry: Registry
) -> None:
    schema = {
        "type": "record",
        "name": "User",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "int"},
            {"name": "fullName", "type": ["null", "string"], "default": None},
            {
                "name": "kind",
                "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]},
                "default": "A",
            },
        ],
    }
    wanted = registry.register(f"{name}-other", schema)
    answer = server.ksql(
        f"CREATE STREAM {name} (K INT KEY) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, "
        f"VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID={wanted});"
        f"CREATE STREAM {name}_OUT WITH (VALUE_SCHEMA_ID={wanted}) AS "
        f"SELECT K, `id`, `fullName` FROM {name};"
        f"INSERT INTO {name} (K, `id`, `kind`) VALUES (1, 7, 'B');"
    )
    assert "`id` INTEGER, `fullName` STRING, `kind` STRING" in answer[0]["statementText"]
    assert registry.latest(f"{name}-value")["id"] == wanted
    assert registry.latest(f"{name}_OUT-value")["id"] == wanted
    assert server.select(f"SELECT * FROM {name};") == [[1, 7, None, "B"]]
    until(lambda: server.select(f"SELECT * FROM {name}_OUT;") == [[1, 7, None]], "the row")
    inferred = f"CREATE STREAM {name}_I WITH (KAFKA_TOPIC='{name}_OUT', VALUE_FORMAT='AVRO');"
    server.ksql(inferred)
    assert server.select(f"SELECT * FROM {name}_I;") == [[7, None, "A"]]
    for text, says in (
        (f"WITH (VALUE_SCHEMA_ID={wanted}) AS SELECT K, `id` + 1 AS X FROM {name}", "missing"),
        (f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=2000000000)", "2000"),
        (f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='PROTOBUF', VALUE_SCHEMA_ID={wanted})", "AVRO"),
    ):
        assert says in server.refusal(f"CREATE STREAM {name}_X {text};")["message"]


def test_inserts_keep_to_what_the_topic_has(server: Server, name: str, registry: Registry) -> None:
    registry.register(f"{name}-key", '"string"')
    registry.register(f"{name}-value", record(("A", "int"), name="Own"))
    server.ksql(
        f"CREATE STREAM {name} WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, FORMAT='AVRO');"
        f"INSERT INTO {name} VALUES ('k', 1);"
    )
    assert server.select(f"SELECT * FROM {name};") == [["k", 1]]
    assert registry.latest(f"{name}-key")["version"] == 1
    assert json.loads(registry.latest(f"{name}-value")["schema"])["name"] == "Own"
    server.ksql(
        f"CREATE STREAM {name}_K (K INT KEY, A INT) WITH (KAFKA_TOPIC='{name}', FORMAT='AVRO');"
        f"CREATE STREAM {name}_V (A VARCHAR) WITH (KAFKA_TOPIC='{name}', KEY_FORMAT='NONE', "
        "VALUE_FORMAT='AVRO');"
    )
    refusal = server.refusal(f"INSERT INTO {name}_K VALUES (1, 1);")
    assert "existing key schema" in refusal["message"]
    refusal = server.refusal(f"INSERT INTO {name}_V VALUES ('x');")
    assert "409" in refusal["message"]


def test_internal_schemas_end_with_their_query_and_a_topics_with_the_topic(
    server: Server, name: str, registry: Registry
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (K VARCHAR KEY, R VARCHAR, V INT) WITH (KAFKA_TOPIC='{name}', "
        "PARTITIONS=1, FORMAT='AVRO');"
        f"CREATE TABLE {name}_T AS SELECT R, COUNT(*) AS N, SUM(V) AS S FROM {name} GROUP BY R;"
        f"INSERT INTO {name} VALUES ('a', 'x', 1); INSERT INTO {name} VALUES ('b', 'x', 2);"
    )
    until(lambda: server.select(f"SELECT * FROM {name}_T;") == [["x", 2, 3]], "the group's row")
    assert server.select(f"SELECT S FROM {name}_T WHERE R = 'x';") == [[3]]
    internal = [s for s in registry.subjects() if name in s and s.startswith("_confluent-ksql-")]
    assert {tuple(s.rsplit("-", 2)[1:]) for s in internal} == {
        (topic, side) for topic in ("repartition", "changelog") for side in ("key", "value")
    }
    server.ksql(f"DROP TABLE {name}_T DELETE TOPIC;")
    until(
        lambda: [s for s in registry.subjects() if name in s] == [f"{name}-key", f"{name}-value"],
        "the end of the other subjects",
    )


@pytest.mark.parametrize("format_", ["AVRO", "JSON_SR"])
def test_states_and_joined_rows_survive_the_format_of_their_internal_topics(
    server: Server, name: str, format_: str
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (K VARCHAR KEY, R VARCHAR, V INT, D DECIMAL(6, 2), T TIMESTAMP, "
        f"A ARRAY<INT>) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, VALUE_FORMAT='{format_}');"
        f"CREATE TABLE {name}_D (R VARCHAR PRIMARY KEY, AN VARCHAR, M MAP<VARCHAR, INT>) "
        f"WITH (KAFKA_TOPIC='{name}_D', PARTITIONS=1, VALUE_FORMAT='{format_}');"
        f"CREATE TABLE {name}_T WITH (VALUE_FORMAT='JSON') AS SELECT R, COUNT(*) AS N, "
        "COLLECT_LIST(V) AS L, AVG(V) AS AV, SUM(D) AS SD, MAX(T) AS MT, HISTOGRAM(K) AS H, "
        "TOPK(V, 2) AS TK, LATEST_BY_OFFSET(V, 2, FALSE) AS LV, COUNT_DISTINCT(K) AS CD, "
        "COUNT(V) AS CV, SUM(A[1]) AS SA "
        f"FROM {name} GROUP BY R;"
        f"CREATE STREAM {name}_J WITH (VALUE_FORMAT='JSON') AS SELECT S.R AS R, S.D AS D, "
        f"S.A AS A, AN, M['x'] AS X FROM {name} S JOIN {name}_D ON S.R = {name}_D.R;"
        f"INSERT INTO {name}_D VALUES ('x', 'ex', MAP('x' := 7));"
        f"INSERT INTO {name} VALUES ('a', 'x', 1, 1.25, '2020-01-01', ARRAY[1, NULL]);"
    )
    joined = f"SELECT * FROM {name}_J;"
    until(lambda: server.select(joined), "the joined row")
    assert server.select(joined) == [["x", 1.25, [1, None], "ex", 7]]
    server.ksql(
        f"INSERT INTO {name} VALUES ('b', 'x', NULL, -0.05, '2021-01-01', ARRAY[2]);"
        f"INSERT INTO {name} VALUES ('a', 'x', 5, NULL, NULL, NULL);"
    )
    expected = [
        *("x", 3, [1, None, 5], 3.0, 1.2, "2021-01-01T00:00:00.000", {"a": 2, "b": 1}),
        *([5, 1], [None, 5], 2, 2, 3),
    ]
    until(lambda: server.select(f"SELECT N FROM {name}_T;") == [[3]], "all rows counted")
    assert server.select(f"SELECT * FROM {name}_T;") == [expected]


@pytest.mark.parametrize("format_", WITH_SCHEMAS)
def test_print_shows_records_by_their_schema(server: Server, name: str, format_: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (K INT KEY, R VARCHAR) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, "
        f"VALUE_FORMAT='{format_}'); INSERT INTO {name} VALUES (1, 'hello');"
    )
    printed = server.post("/query", {"ksql": f"PRINT '{name}' FROM BEGINNING LIMIT 1;"}).text
    assert f"Value format: {format_}" in printed
    shown = {"AVRO": '"R": "hello"', "PROTOBUF": 'R: "hello"', "JSON_SR": '"R":"hello"'}
    assert shown[format_] in printed


@pytest.mark.parametrize("format_", ["AVRO", "JSON_SR", "JSON"])
def test_a_single_value_stands_by_itself(
    server: Server, name: str, format_: str, registry: Registry
) -> None:
    server.ksql(
        f"CREATE STREAM {name} (V INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, "
        f"VALUE_FORMAT='{format_}', WRAP_SINGLE_VALUE=false); INSERT INTO {name} VALUES (5);"
    )
    assert server.select(f"SELECT * FROM {name};") == [[5]]
    if format_ == "AVRO":
        assert registry.latest(f"{name}-value")["schema"] == '["null","int"]'


@pytest.mark.parametrize("how", ["OPTIONAL", "WRAPPER"])
def test_protobuf_can_tell_null_from_a_default(server: Server, name: str, how: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (K INT KEY, V INT, W VARCHAR) WITH (KAFKA_TOPIC='{name}', "
        "PARTITIONS=1, VALUE_FORMAT='PROTOBUF', "
        f"VALUE_PROTOBUF_NULLABLE_REPRESENTATION='{how}');"
        f"INSERT INTO {name} (K) VALUES (1); INSERT INTO {name} VALUES (2, 0, '');"
    )
    assert server.select(f"SELECT * FROM {name};") == [[1, None, None], [2, 0, ""]]


def test_a_sink_takes_its_sources_delimiter(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (A VARCHAR, B INT) WITH (KAFKA_TOPIC='{name}', PARTITIONS=1, "
        "VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|');"
        f"CREATE STREAM {name}_SAME AS SELECT * FROM {name};"
        f"CREATE STREAM {name}_TAB WITH (VALUE_DELIMITER='TAB') AS SELECT * FROM {name};"
        f"CREATE STREAM {name}_S (X VARCHAR) WITH (KAFKA_TOPIC='{name}_SAME', VALUE_FORMAT='KAFKA')"
        f";CREATE STREAM {name}_T (X VARCHAR) WITH (KAFKA_TOPIC='{name}_TAB', VALUE_FORMAT='KAFKA')"
        f";"
        f"INSERT INTO {name} VALUES ('x|y', 1);"
    )
    until(lambda: server.select(f"SELECT * FROM {name}_S;") == [['"x|y"|1']], "the same delimiter")
    until(lambda: server.select(f"SELECT * FROM {name}_T;") == [["x|y\t1"]], "another delimiter")


def test_a_registry_that_goes_away_stops_nothing(
    bootstrap: str,
    make_server: Callable[..., Server],
    name: str,
    produce: Callable[..., None],
) -> None:
    schemas = {7: record(("A", "int")), 8: record(("A", "int"), ("B", "int"))}
    with StandIn(schemas) as stand_in:
        made = make_server(f"ksql.schema.registry.url={stand_in.url}")
        made.start()
        produce(name, (None, framed(7, b"\x02")))
        made.ksql(
            f"CREATE STREAM {name} (A INT) WITH (KAFKA_TOPIC='{name}', KEY_FORMAT='NONE', "
            "VALUE_FORMAT='AVRO');"
            f"CREATE STREAM {name}_OUT WITH (VALUE_FORMAT='JSON') AS SELECT * FROM {name};"
        )
        out = f"SELECT * FROM {name}_OUT;"
        until(lambda: made.select(out) == [[1]], "the first row")
        stand_in.answers = False
        produce(name, (None, framed(7, b"\x04")))
        until(lambda: made.select(out) == [[1], [2]], "the row of a schema already known")
        produce(name, (None, framed(8, b"\x06\x08")))
        refusal = made.refusal(
            f"CREATE STREAM {name}_X WITH (KAFKA_TOPIC='{name}', FORMAT='AVRO');"
        )
        assert "Schema Registry" in refusal["message"]
        stand_in.answers = True
        until(lambda: made.select(out) == [[1], [2], [3]], "the row that waited")
    produce(name, (None, framed(8, b"\x08\x08")))
    until(lambda: made.select(out) == [[1], [2], [3], [4]], "a row without any registry")


class StandIn:
    """A registry of a few schemas that can be told to fail."""

    def __init__(self, schemas: dict[int, Any]) -> None:
        self.answers = True
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                last = self.path.rsplit("/", 1)[1]
                known = schemas.get(int(last)) if last.isdigit() else None
                found = known is not None and stand_in.answers
                status = 200 if found else 404 if stand_in.answers else 503
                body = json.dumps({"schema": json.dumps(known)} if found else {}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.send_response(200 if stand_in.answers else 503)
                body = b'{"id": 7}'
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                del args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StandIn:
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
