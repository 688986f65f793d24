"""The columns in schemas, among them the schemas that ksqlDB 7.9.0 was recorded to register."""

import json

import pytest

from lab.evidence.schema_columns import columns_in, type_text

RECORDED_AVRO = (
    '{"type":"record","name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas",'
    '"fields":[{"name":"REGION","type":["null","string"],"default":null},{"name":"AMOUNT","type":'
    '["null","double"],"default":null}]}'
)
RECORDED_PROTOBUF = """syntax = "proto3";

message ConnectDefault1 {
  string REGION = 1;
  double AMOUNT = 2;
}
"""
RECORDED_JSON = (
    '{"type":"object","properties":{"AMOUNT":{"connect.index":1,"oneOf":[{"type":"null"},{"type":'
    '"number","connect.type":"float64"}]},"REGION":{"connect.index":0,"oneOf":[{"type":"null"},'
    '{"type":"string"}]}}}'
)


@pytest.mark.parametrize(
    ("schema_type", "schema"),
    [("AVRO", RECORDED_AVRO), ("PROTOBUF", RECORDED_PROTOBUF), ("JSON", RECORDED_JSON)],
)
def test_recorded_schemas_have_the_columns_that_they_were_made_of(
    schema_type: str, schema: str
) -> None:
    assert columns_in(schema_type, schema) == [("REGION", "STRING"), ("AMOUNT", "DOUBLE")]


def test_what_is_no_record_is_one_column() -> None:
    assert columns_in("AVRO", '"long"') == [("ROWKEY", "BIGINT")]
    assert columns_in("JSON", '{"type":"integer","connect.type":"int32"}') == [
        ("ROWKEY", "INTEGER")
    ]
    assert columns_in("JSON", '{"oneOf":[{"type":"null"},{"type":"string"}]}') == [
        ("ROWKEY", "STRING")
    ]


def test_nested_types() -> None:
    place = {"type": "record", "name": "P", "fields": [{"name": "x", "type": "long"}]}
    fields = [
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "by", "type": {"type": "map", "values": "int"}},
        {"name": "place", "type": place},
    ]
    schema = json.dumps({"type": "record", "name": "R", "fields": fields})
    expected = [
        ("TAGS", "ARRAY<STRING>"),
        ("BY", "MAP<STRING, INTEGER>"),
        ("PLACE", "STRUCT<X BIGINT>"),
    ]
    assert columns_in("AVRO", schema) == expected
    inner = {"type": "object", "properties": {"x": {"type": "integer"}}}
    properties = {"tags": {"type": "array", "items": {"type": "string"}}, "place": inner}
    assert columns_in("JSON", json.dumps({"type": "object", "properties": properties})) == [
        expected[0],
        expected[2],
    ]


@pytest.mark.parametrize(
    ("schema_type", "schema"),
    [
        ("AVRO", '["null", "string", "int"]'),
        ("AVRO", '{"type": "enum", "name": "E", "symbols": ["a"]}'),
        ("JSON", '{"type": "tuple"}'),
        ("PROTOBUF", 'syntax = "proto3";\nmessage M {\n  float x = 1;\n}\n'),
    ],
)
def test_what_is_not_known_is_not_guessed(schema_type: str, schema: str) -> None:
    with pytest.raises(ValueError, match="not known here"):
        columns_in(schema_type, schema)


def test_types_of_describe() -> None:
    string = {"type": "STRING", "fields": None, "memberSchema": None}
    array = {"type": "ARRAY", "fields": None, "memberSchema": string}
    struct = {"type": "STRUCT", "fields": [{"name": "X", "schema": array}], "memberSchema": None}
    assert type_text(struct) == "STRUCT<X ARRAY<STRING>>"
    assert type_text({"type": "MAP", "memberSchema": string}) == "MAP<STRING, STRING>"
