"""Plain libraries as witnesses: what they read, and what they refuse."""

import base64
import json

import pytest

from lab.clients.errors import DeserializerFailed
from lab.clients.plain import (
    plain_avro,
    proto3_file,
    protobuf_file,
    protobuf_message,
    read_plain_avro,
    read_plain_json,
    read_plain_protobuf,
)


def record(*fields: dict[str, object], name: str = "E") -> str:
    return json.dumps({"type": "record", "name": name, "fields": fields})


X = record({"name": "x", "type": "int"})
XY = record({"name": "x", "type": "int"}, {"name": "y", "type": "string"})
TEXT = record({"name": "x", "type": "string"})
JSON = json.dumps({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]})
SHOP = proto3_file(
    "shop.proto", "shop", {"Customer": {"name": "string"}, "Order": {"id": "int32", "n": "string"}}
)


def test_avro_is_read_by_another_schema() -> None:
    data = plain_avro(XY, {"x": 7, "y": "a"})
    assert read_plain_avro(XY, data) == {"x": 7, "y": "a"}
    assert read_plain_avro(XY, data, reader=X) == {"x": 7}


@pytest.mark.parametrize("reader", [XY, TEXT, record({"name": "x", "type": "int"}, name="F")])
def test_avro_schemas_that_cannot_be_resolved(reader: str) -> None:
    with pytest.raises(DeserializerFailed):
        read_plain_avro(X, plain_avro(X, {"x": 7}), reader=reader)


def test_avro_that_is_cut_off() -> None:
    with pytest.raises(DeserializerFailed):
        read_plain_avro(XY, plain_avro(X, {"x": 7}))


def test_json_is_validated() -> None:
    assert read_plain_json(JSON, b'{"x": 7}') == {"x": 7}
    with pytest.raises(DeserializerFailed, match="is not of type"):
        read_plain_json(JSON, b'{"x": "seven"}')
    with pytest.raises(DeserializerFailed):
        read_plain_json(JSON, b"three apples")


def test_protobuf_by_what_a_registry_serves() -> None:
    order = protobuf_message(SHOP, [1])
    served = base64.b64encode(SHOP.SerializeToString()).decode()
    found = protobuf_message(protobuf_file(served), [1])
    data = order(id=7).SerializeToString()
    assert read_plain_protobuf(found, data) == {"id": 7, "n": ""}
    with pytest.raises(DeserializerFailed):
        read_plain_protobuf(found, b"\xff")


def test_nested_messages_are_found() -> None:
    file = proto3_file("f.proto", "p", {"A": {}, "B": {}})
    file.message_type[1].nested_type.add(name="C")
    assert protobuf_message(file, [1, 0]).DESCRIPTOR.full_name == "p.B.C"


def test_what_is_no_message() -> None:
    with pytest.raises(DeserializerFailed, match=r"no message at \[2\]"):
        protobuf_message(SHOP, [2])
    with pytest.raises(DeserializerFailed, match="no file descriptor"):
        protobuf_file("three apples")


def test_flat_protobuf_text() -> None:
    text = 'syntax = "proto3";\npackage shop;\n\nmessage Customer {\n  string name = 1;\n}\n'
    text += "message Order { optional int32 id = 1; string n = 2; }"
    message = protobuf_message(protobuf_file(text), [1])
    assert message.DESCRIPTOR.full_name == "shop.Order"
    assert read_plain_protobuf(message, b"\x08\x07") == {"id": 7, "n": ""}


@pytest.mark.parametrize(
    "text",
    [
        "message E { int32 x = 1; }",
        'syntax = "proto2"; message E { optional int32 x = 1; }',
        'syntax = "proto3"; message E { int32 x = 2; }',
        'syntax = "proto3"; message E { repeated int32 x = 1; }',
        'syntax = "proto3"; message E { Inner x = 1; }',
        'syntax = "proto3"; message E { message F { int32 x = 1; } }',
        'syntax = "proto3"; import "f.proto"; message E { int32 x = 1; }',
    ],
)
def test_protobuf_text_that_needs_a_compiler(text: str) -> None:
    with pytest.raises(DeserializerFailed, match="not flat proto3 text"):
        protobuf_file(text)
