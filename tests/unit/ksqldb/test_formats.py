"""What formats can hold and take, and what a statement leaves to the registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from lab.ksqldb.analysis import ddl, formats, inference
from lab.ksqldb.analysis.inference import Registration
from lab.ksqldb.analysis.topics import SandboxTopics, Topic
from lab.ksqldb.catalog import Catalog, Column, Format
from lab.ksqldb.config import DEFAULTS
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import ColumnName, TopicName
from lab.ksqldb.runtime.planned import Distributed
from lab.ksqldb.runtime.planning import Planning
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.types import INTEGER, STRING, SqlType, array, map_of, struct

Parse = Callable[[str], ast.Statement]


class OneTopic:
    def find(self, name: str) -> Topic | None:
        return Topic(TopicName(name), 1, 1, 604800000)


@dataclasses.dataclass
class Registry:
    """A registry with one schema; it notes what it was asked."""

    found: tuple[Column, ...] | None = (Column(ColumnName("A"), INTEGER),)
    asked: list[tuple[Format, str, bool, int | None]] = dataclasses.field(default_factory=list)

    def columns(
        self, format_: Format, topic: str, *, bare: bool, schema_id: int | None
    ) -> tuple[Column, ...] | None:
        self.asked.append((format_, topic, bare, schema_id))
        return self.found

    def check(self, registration: Registration) -> None:
        del registration


def create(
    statement: Parse, text: str, registry: Registry | None, name: str = "S"
) -> ddl.CreatedSource:
    parsed = statement(f"CREATE STREAM {name} {text};")
    assert isinstance(parsed, ast.CreateSource)
    defaults = {"KEY_FORMAT": "KAFKA"}
    made = ddl.create_source(parsed, Catalog(), SandboxTopics(OneTopic()), defaults, registry)
    assert isinstance(made, ddl.CreatedSource)
    return made


def test_missing_value_columns_come_from_the_registry(statement: Parse) -> None:
    registry = Registry()
    made = create(statement, "(K INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO')", registry)
    assert str(made.source.schema) == "`K` INTEGER KEY, `A` INTEGER"
    assert [asked[1:] for asked in registry.asked] == [("t", False, None)]
    assert "(K INTEGER KEY, A INTEGER)" in made.statement


def test_a_key_stands_by_itself_where_its_format_can(statement: Parse) -> None:
    registry = Registry()
    create(
        statement,
        "(V INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='AVRO', VALUE_FORMAT='JSON')",
        registry,
    )
    create(
        statement,
        "(V INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='PROTOBUF', VALUE_FORMAT='JSON')",
        registry,
    )
    assert [(f.name, bare) for f, _, bare, _ in registry.asked] == [
        ("AVRO", True),
        ("PROTOBUF", False),
    ]
    assert all(f.is_key for f, *_ in registry.asked)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO')", "values on topic 't' does not exist"),
        ("(A INT) WITH (KAFKA_TOPIC='t', FORMAT='AVRO')", "keys on topic 't' does not exist"),
        ("(A INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO', VALUE_SCHEMA_ID=1)", "cannot both"),
        (
            (
                "(K INT KEY) WITH (KAFKA_TOPIC='t', KEY_FORMAT='AVRO', KEY_SCHEMA_ID=1, "
                "VALUE_FORMAT='JSON')"
            ),
            "KEY_SCHEMA_ID cannot both",
        ),
        ("WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', VALUE_SCHEMA_ID=1)", "schema inference"),
        ("WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')", "No columns supplied"),
    ],
)
def test_statements_that_a_registry_cannot_complete(statement: Parse, text: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        create(statement, text, Registry(found=None))


def test_columns_of_one_name_are_refused(statement: Parse) -> None:
    with pytest.raises(StatementError, match="Duplicate column names: `A`"):
        create(statement, "(A INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='AVRO')", Registry())


def test_a_format_with_schemas_needs_a_registry(statement: Parse) -> None:
    for name in ("AVRO", "PROTOBUF", "JSON_SR"):
        with pytest.raises(StatementError, match=r"ksql\.schema\.registry\.url"):
            create(statement, f"(A INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='{name}')", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(A ARRAY<INT>) WITH (VALUE_FORMAT='DELIMITED'", "does not support type 'ARRAY'"),
        ("(M MAP<INT, INT>) WITH (VALUE_FORMAT='AVRO'", "MAP types with STRING keys"),
        ("(A STRUCT<M MAP<INT, INT>>) WITH (VALUE_FORMAT='JSON_SR'", "MAP types with STRING keys"),
        ("(A ARRAY<ARRAY<INT>>) WITH (VALUE_FORMAT='PROTOBUF'", "ARRAY types in an ARRAY"),
        ("(`a-b` INT) WITH (VALUE_FORMAT='PROTOBUF_NOSR'", "no such name for a field"),
        ("(S STRUCT<`a-b` INT>) WITH (VALUE_FORMAT='PROTOBUF'", "no such name for a field"),
        ("(A INT, B INT) WITH (VALUE_FORMAT='KAFKA'", "single field"),
        ("(A INT) WITH (VALUE_FORMAT='NONE'", "no columns are defined"),
        ("(A INT) WITH (VALUE_FORMAT='PROTOBUF', WRAP_SINGLE_VALUE=false", "WRAP_SINGLE_VALUE"),
        ("(A INT) WITH (VALUE_FORMAT='DELIMITED', WRAP_SINGLE_VALUE=false", "WRAP_SINGLE_VALUE"),
        ("(A INT) WITH (VALUE_FORMAT='KAFKA', WRAP_SINGLE_VALUE=true", "WRAP_SINGLE_VALUE"),
        ("(A INT) WITH (VALUE_FORMAT='AVRO', VALUE_DELIMITER='|'", r"configs: \[delimiter\]"),
        ("(A INT) WITH (VALUE_FORMAT='JSON', VALUE_SCHEMA_FULL_NAME='x'", "fullSchemaName"),
        (
            "(A INT) WITH (VALUE_FORMAT='AVRO', VALUE_PROTOBUF_NULLABLE_REPRESENTATION='WRAPPER'",
            "nullableRepresentation",
        ),
        (
            "(A INT) WITH (VALUE_FORMAT='PROTOBUF', VALUE_PROTOBUF_NULLABLE_REPRESENTATION='NO'",
            "OPTIONAL, WRAPPER",
        ),
        ("(A INT) WITH (VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='ab'", "single character"),
        ("(A INT) WITH (VALUE_FORMAT='DELIMITED', VALUE_DELIMITER=''", "cannot be empty"),
    ],
)
def test_what_a_format_refuses(statement: Parse, text: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        create(statement, f"{text}, KAFKA_TOPIC='t')", Registry())


def test_a_keys_record_is_named_after_its_source(statement: Parse) -> None:
    registry = Registry()
    text = "(K STRUCT<X INT> KEY, A INT) WITH (KAFKA_TOPIC='t', FORMAT='AVRO')"
    made = create(statement, text, registry, "MANY_ORDERS").source
    name = "io.confluent.ksql.avro_schemas.ManyOrdersKey"
    assert made.key_format.property("fullSchemaName") == name
    assert made.value_format.property("fullSchemaName") is None
    plain = create(statement, text.replace("STRUCT<X INT>", "INT"), registry).source
    assert plain.key_format == Format("AVRO", False, (), is_key=True)


def test_only_formats_with_schemas_are_registered(statement: Parse) -> None:
    text = "(K INT KEY, A INT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='{}', VALUE_FORMAT='{}')"
    registry = Registry()
    for key, value, wanted in (
        ("AVRO", "JSON", ["t-key"]),
        ("KAFKA", "PROTOBUF", ["t-value"]),
        ("JSON_SR", "JSON_SR", ["t-key", "t-value"]),
        ("DELIMITED", "PROTOBUF_NOSR", []),
    ):
        source = create(statement, text.format(key, value), registry).source
        made = inference.registrations(source, registry, only_if_missing=True)
        assert [r.subject for r in made] == wanted
        assert list(inference.subjects(source)) == wanted


def test_columns_are_compared_with_the_schema_of_an_id() -> None:
    schema = (Column(ColumnName("A"), INTEGER), Column(ColumnName("B"), STRING))
    inference.check_against("Value", schema[:1], schema, 1)
    with pytest.raises(StatementError, match=r"changed, missing or reordered: \[`A` STRING\]"):
        inference.check_against("Value", (Column(ColumnName("A"), STRING),), schema, 1)
    with pytest.raises(StatementError, match="id 7 does not exist"):
        inference.check_against("Value", schema, None, 7)


def test_a_schema_id_is_for_its_own_topic_only() -> None:
    named = Format("AVRO", None, (("fullSchemaName", "a.B"), ("schemaId", "3")))
    assert formats.without_schema_id(named).properties == (("fullSchemaName", "a.B"),)


@pytest.mark.parametrize(("type_", "fits"), [(STRING, True), (INTEGER, False)])
def test_a_key_by_itself_is_compared_by_its_type(
    statement: Parse,
    catalog: Catalog,
    type_: SqlType,
    fits: bool,
) -> None:
    registry = Registry(found=(Column(ColumnName("ROWKEY"), type_),))
    planning = Planning(catalog, OneTopic(), builtin(), dict(DEFAULTS), registry)
    text = "CREATE STREAM O WITH (KEY_FORMAT='AVRO', KEY_SCHEMA_ID=3) AS SELECT ID, B FROM S;"
    if fits:
        planned = planning.plan(statement(text), 1)
        assert isinstance(planned, Distributed)
        assert [r.format.property("schemaId") for r in planned.registrations] == ["3"]
        return
    with pytest.raises(StatementError, match="key columns are changed, missing or reordered"):
        planning.plan(statement(text), 1)


@pytest.mark.parametrize(
    ("name", "column", "type_", "can"),
    [
        ("JSON", "a b", STRING, True),
        ("AVRO", "A_1", array(STRING), True),
        ("AVRO", "a b", STRING, False),
        ("AVRO", "A", array(struct(("x-y", INTEGER))), False),
        ("AVRO", "A", map_of(INTEGER, STRING), False),
        ("JSON_SR", "a b", STRING, True),
        ("JSON_SR", "A", map_of(INTEGER, STRING), False),
        ("PROTOBUF", "A", INTEGER, False),
        ("DELIMITED", "A", INTEGER, False),
    ],
)
def test_internal_topics_have_formats_that_lose_nothing(
    name: str, column: str, type_: SqlType, can: bool
) -> None:
    assert formats.can_be_internal(name, (Column(ColumnName(column), type_),)) is can
