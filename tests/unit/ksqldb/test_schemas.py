"""SQL types to schemas and back, and rows to bytes, on the JVM but without a registry."""

from __future__ import annotations

import json
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none
import pytest

pytestmark = pytest.mark.usefixtures("jvm")

ROW = (
    "STRUCT<`A` INTEGER, `D` DECIMAL(6, 2), `T` TIMESTAMP, `L` ARRAY<STRING>, "
    "`M` MAP<STRING, BIGINT>, `S` STRUCT<`X` DOUBLE>>"
)


def text(format_: str, struct: str, *, wrapped: bool = True, **properties: str) -> str:
    schemas = jpype.JClass("lab.ksqldb.serde.Schemas")
    return str(schemas.text(format_, struct, wrapped, java_map(properties)))


def java_map(values: dict[str, str]) -> Any:
    made = jpype.JClass("java.util.HashMap")()
    for name, value in values.items():
        made.put(name, value)
    return made


def columns(
    format_: str, schema: str, *, bare: bool = False, upper: bool = True, **properties: str
) -> str:
    type_ = {"JSON_SR": "JSON"}.get(format_, format_)
    registered = jpype.JClass("lab.ksqldb.registry.RegisteredSchema")(
        1, type_, schema, java_map({})
    )
    made = jpype.JClass("lab.ksqldb.serde.SchemaFormat").of(format_)
    return str(made.columns(registered, "ROWVAL", bare, upper, java_map(properties)))


@pytest.mark.parametrize("format_", ["AVRO", "PROTOBUF", "JSON_SR"])
def test_columns_survive_their_schema(format_: str) -> None:
    assert columns(format_, text(format_, ROW)) == ROW


def test_avro_schemas_have_connects_names() -> None:
    schema = json.loads(text("AVRO", ROW))
    assert (schema["namespace"], schema["name"], schema["connect.name"]) == (
        "io.confluent.ksql.avro_schemas",
        "KsqlDataSourceSchema",
        "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema",
    )
    fields = {f["name"]: f["type"][1] for f in schema["fields"]}
    assert all(f["type"][0] == "null" and f["default"] is None for f in schema["fields"])
    assert fields["D"]["connect.parameters"] == {"scale": "2", "connect.decimal.precision": "6"}
    assert fields["T"]["logicalType"] == "timestamp-millis"
    assert fields["L"]["items"] == ["null", "string"]
    assert fields["M"]["connect.internal.type"] == "MapEntry"
    assert fields["M"]["items"]["name"] == "KsqlDataSourceSchema_M"
    assert fields["S"]["name"] == "KsqlDataSourceSchema_S"
    named = json.loads(text("AVRO", "STRUCT<`A` INTEGER>", fullSchemaName="shop.Order"))
    assert (named["namespace"], named["name"]) == ("shop", "Order")
    assert text("AVRO", "STRUCT<`A` INTEGER>", wrapped=False) == '["null","int"]'


def test_protobuf_messages_are_nested_and_numbered() -> None:
    assert (
        text("PROTOBUF", "STRUCT<`M` MAP<STRING, INTEGER>, `S` STRUCT<`X` DATE>>")
        == """syntax = "proto3";

import "google/type/date.proto";

message ConnectDefault1 {
  repeated ConnectDefault2Entry M = 1;
  ConnectDefault3 S = 2;

  message ConnectDefault2Entry {
    string key = 1;
    int32 value = 2;
  }

  message ConnectDefault3 {
    google.type.Date X = 1;
  }
}
"""
    )
    one = "STRUCT<`A` INTEGER>"
    assert "optional int32 A = 1;" in text("PROTOBUF", one, nullableRepresentation="OPTIONAL")
    wrapper = text("PROTOBUF", one, nullableRepresentation="WRAPPER", fullSchemaName="a.b.C")
    assert "google.protobuf.Int32Value A = 1;" in wrapper
    assert "package a.b;" in wrapper
    assert "message C {" in wrapper


def test_json_schemas_have_connects_members() -> None:
    properties = json.loads(text("JSON_SR", ROW))["properties"]
    assert properties["A"] == {
        "connect.index": 0,
        "oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int32"}],
    }
    assert properties["D"]["oneOf"][1]["title"] == "org.apache.kafka.connect.data.Decimal"
    assert properties["M"]["oneOf"][1]["connect.type"] == "map"


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        (
            {
                "type": "record",
                "name": "R",
                "fields": [
                    {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}},
                    {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
                    {"name": "m", "type": {"type": "map", "values": "float"}},
                    {"name": "u", "type": ["null", "int", "string"]},
                    {"name": "n", "type": "null"},
                    {"name": "t", "type": {"type": "int", "logicalType": "time-millis"}},
                ],
            },
            (
                "STRUCT<`E` STRING, `F` BYTES, `M` MAP<STRING, DOUBLE>, "
                "`U` STRUCT<`INT` INTEGER, `STRING` STRING>, `T` TIME>"
            ),
        ),
    ],
)
def test_types_of_avro_that_ksqldb_never_writes(schema: Any, wanted: str) -> None:
    assert columns("AVRO", json.dumps(schema)) == wanted


PROTO = """
// a comment
syntax = "proto3";
package shop; /* another */
import "google/protobuf/timestamp.proto";
import public "google/protobuf/wrappers.proto";
option java_package = "x";
message Order {
  reserved 50, 60 to max; reserved "old";
  enum Color { option allow_alias = true; RED = 0; GREEN = 1; LIME = 1 [deprecated = true]; }
  message Line { string sku = 1; repeated int32 qty = 2 [packed = true, json_name = "q"]; }
  uint32 u = 0x2; sint64 s = 3; float f = 5;
  Color color = 8; repeated Line lines = 9; map<string, Line> by_sku = 10;
  oneof pay { string card = 12; .shop.Order.Line cash = 13; }
  optional string note = 14;
  google.protobuf.Timestamp at = 15; google.protobuf.StringValue nick = 16;
}
message Other { int32 x = 1; }
service S { rpc A (Order) returns (Other) { option deprecated = true; } }
"""


def test_proto_texts_are_understood() -> None:
    line = "STRUCT<`SKU` STRING, `QTY` ARRAY<INTEGER>>"
    assert columns("PROTOBUF", PROTO) == (
        f"STRUCT<`U` BIGINT, `S` BIGINT, `F` DOUBLE, `COLOR` STRING, `LINES` ARRAY<{line}>, "
        f"`BY_SKU` MAP<STRING, {line}>, `PAY_0` STRUCT<`CARD` STRING, `CASH` {line}>, "
        "`NOTE` STRING, `AT` TIMESTAMP, `NICK` STRUCT<`VALUE` STRING>>"
    )
    assert columns("PROTOBUF", PROTO, fullSchemaName="shop.Other") == "STRUCT<`X` INTEGER>"
    assert "`nick` STRING" in columns(
        "PROTOBUF", PROTO, upper=False, nullableRepresentation="WRAPPER"
    )


@pytest.mark.parametrize(
    ("format_", "schema", "says"),
    [
        ("PROTOBUF", 'syntax = "proto3"; message M { M next = 1; }', "Recursive"),
        ("PROTOBUF", 'syntax = "proto3"; message M { Missing x = 1; }', "Missing"),
        ("PROTOBUF", 'syntax = "proto3"; import "x.proto"; message M {}', "x.proto"),
        ("PROTOBUF", 'syntax = "proto3"; message M { int32 a = 1;', "too early"),
        ("PROTOBUF", 'syntax = "proto3";', "no message"),
        ("PROTOBUF", "hello", "unexpected"),
        (
            "AVRO",
            '{"type":"record","name":"M","fields":[{"name":"f","type":["null","M"]}]}',
            "Recursive",
        ),
        ("AVRO", '"int"', "WRAP_SINGLE_VALUE"),
        ("JSON_SR", '{"type":"string"}', "WRAP_SINGLE_VALUE"),
        ("JSON_SR", '{"type":"object","properties":{"a":{"$ref":"#"}}}', "Recursive"),
        ("JSON_SR", '{"type":"object","properties":{"a":{"$ref":"#/none"}}}', "not there"),
    ],
)
def test_schemas_without_columns_are_refused(format_: str, schema: str, says: str) -> None:
    with pytest.raises(jpype.JException, match=says):
        columns(format_, schema)


def test_json_schemas_of_others_are_understood() -> None:
    schema = {
        "type": "object",
        "properties": {
            "b": {"type": "integer", "connect.index": 1},
            "a": {"type": ["string", "null"], "connect.index": 0},
            "m": {"type": "object", "additionalProperties": {"type": "number"}},
            "r": {"$ref": "#/definitions/R"},
            "e": {"enum": ["x", "y"]},
            "o": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
            "all": {"allOf": [{"type": "object", "properties": {"q": {"type": "boolean"}}}]},
        },
        "definitions": {"R": {"type": "array", "items": {"type": "string"}}},
    }
    assert columns("JSON_SR", json.dumps(schema)) == (
        "STRUCT<`A` STRING, `B` BIGINT, `M` MAP<STRING, DOUBLE>, `R` ARRAY<STRING>, `E` STRING, "
        "`O` BOOLEAN, `ALL` STRUCT<`Q` BOOLEAN>>"
    )


def codec(format_: str, struct: str, **properties: str) -> Any:
    return jpype.JClass("lab.ksqldb.serde.Codec").of(
        format_, struct, True, False, java_map(properties)
    )


def row(*values: Any) -> Any:
    array = jpype.JArray(jpype.JObject)(len(values))
    for index, value in enumerate(values):
        array[index] = jpype.JString(value) if isinstance(value, str) else value
    return array


@pytest.mark.parametrize(
    ("delimiter", "values", "wanted"),
    [
        (",", ("a,b", 'q"x'), b'"a,b","q""x"'),
        ("|", ("a,b", "c"), b"a,b|c"),
        ("TAB", ("a b", "c\td"), b'a b\t"c\td"'),
        ("SPACE", ("a b", "c"), b'"a b" c'),
        (",", ("", None), b'"",'),
        (",", (None, "#x"), b',"#x"'),
        (",", ("x", "y "), b'x,"y "'),
        (",", ("two\nlines", "z"), b'"two\nlines",z'),
    ],
)
def test_delimited_fields_are_quoted_where_they_must_be(
    delimiter: str, values: tuple[str | None, ...], wanted: bytes
) -> None:
    made = codec("DELIMITED", "STRUCT<`A` STRING, `B` STRING>", delimiter=delimiter)
    data = made.write("t", row(*values))
    assert bytes(data) == wanted
    read = [None if v is None else str(v) for v in made.read(data, 0)]
    assert read == [v or None for v in values]


@pytest.mark.parametrize("line", [b"1", b"1,2,3", b'"1,2', b'"1"x,2', b"x,2"])
def test_delimited_lines_that_do_not_fit(line: bytes) -> None:
    made = codec("DELIMITED", "STRUCT<`A` INTEGER, `B` INTEGER>")
    with pytest.raises(jpype.JException):
        made.read(jpype.JArray(jpype.JByte)(line), 0)


def test_protobuf_without_a_registry_is_the_message_alone() -> None:
    made = codec("PROTOBUF_NOSR", "STRUCT<`A` INTEGER, `B` STRING>")
    integer = jpype.JClass("java.lang.Integer")
    data = made.write("t", row(integer(jpype.JInt(300)), "hi"))
    assert bytes(data) == b"\x08\xac\x02\x12\x02hi"
    assert [str(v) for v in made.read(data, 1)] == ["300", "hi", "None"]
