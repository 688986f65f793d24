"""Every format and type through a server, a broker and a schema registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
        text = schema if isinstance(schema, str) else json.dumps(schema)
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
