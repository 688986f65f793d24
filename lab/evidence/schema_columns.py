"""The columns that a schema has in SQL, read from its text without asking ksqlDB.

Source: ksqlDB's documentation of schema inference. Names are in upper case, as inference has them;
types as ``type_text`` writes what DESCRIBE answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from lab.clients.plain import protobuf_file

Columns = list[tuple[str, str]]
"""(name, type) in the schema's order."""

_AVRO = {
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "DOUBLE",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "STRING",
    "bytes": "BYTES",
}
_JSON = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "string": "STRING"}
_CONNECT = {"int32": "INTEGER", "int64": "BIGINT", "float64": "DOUBLE"}
_PROTOBUF = {
    FieldDescriptorProto.TYPE_INT32: "INTEGER",
    FieldDescriptorProto.TYPE_INT64: "BIGINT",
    FieldDescriptorProto.TYPE_DOUBLE: "DOUBLE",
    FieldDescriptorProto.TYPE_BOOL: "BOOLEAN",
    FieldDescriptorProto.TYPE_STRING: "STRING",
    FieldDescriptorProto.TYPE_BYTES: "BYTES",
}


def columns_in(schema_type: str, schema: str, *, alone: str = "ROWKEY") -> Columns:
    """The columns of a schema of the type AVRO, PROTOBUF or JSON.

    A schema that is no record is one column, called ``alone``. Raises ValueError for what this
    reader does not know.
    """
    if schema_type == "PROTOBUF":
        (message,) = protobuf_file(schema).message_type
        return [(field.name.upper(), _protobuf(field)) for field in message.field]
    found = json.loads(schema)
    if schema_type == "AVRO":
        if isinstance(found, dict) and found.get("type") == "record":
            return [(field["name"].upper(), _avro(field["type"])) for field in found["fields"]]
        return [(alone, _avro(found))]
    if _without_null(found).get("type") == "object":
        return [(name.upper(), _json(what)) for name, what in _in_order(_without_null(found))]
    return [(alone, _json(found))]


def type_text(found: Mapping[str, Any]) -> str:
    """A type as DESCRIBE answers it, in one line."""
    kind = str(found["type"])
    if kind == "ARRAY":
        return f"ARRAY<{type_text(found['memberSchema'])}>"
    if kind == "MAP":
        return f"MAP<STRING, {type_text(found['memberSchema'])}>"
    if kind == "STRUCT":
        return _struct([(f["name"], type_text(f["schema"])) for f in found["fields"]])
    return kind


def _struct(members: Columns) -> str:
    return f"STRUCT<{', '.join(f'{name} {kind}' for name, kind in members)}>"


def _avro(found: Any) -> str:
    match found:
        case list() if len(rest := [each for each in found if each != "null"]) == 1:
            return _avro(rest[0])
        case {"type": "array", "items": items}:
            return f"ARRAY<{_avro(items)}>"
        case {"type": "map", "values": values}:
            return f"MAP<STRING, {_avro(values)}>"
        case {"type": "record", "fields": list(fields)}:
            return _struct([(each["name"].upper(), _avro(each["type"])) for each in fields])
        case {"type": str(name)} | str(name) if name in _AVRO:
            return _AVRO[name]
    raise ValueError(f"an Avro type that is not known here: {found}")


def _json(found: Mapping[str, Any]) -> str:
    match _without_null(found):
        case {"connect.type": str(name)} if name in _CONNECT:
            return _CONNECT[name]
        case {"type": "array", "items": items}:
            return f"ARRAY<{_json(items)}>"
        case {"type": "object", **rest} if "properties" in rest:
            members = [(name.upper(), _json(what)) for name, what in _in_order(rest)]
            return _struct(members)
        case {"type": str(name)} if name in _JSON:
            return _JSON[name]
    raise ValueError(f"a JSON Schema type that is not known here: {found}")


def _without_null(found: Mapping[str, Any]) -> Mapping[str, Any]:
    options = [each for each in found.get("oneOf", ()) if each.get("type") != "null"]
    return options[0] if len(options) == 1 else found


def _in_order(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Properties in the order of their numbers (connect.index), where they have such."""
    listed = list(found["properties"].items())
    return sorted(listed, key=lambda item: item[1].get("connect.index", 0))


def _protobuf(field: FieldDescriptorProto) -> str:
    kind = _PROTOBUF.get(field.type)
    if kind is None:
        raise ValueError(f"a Protobuf type that is not known here: {field}")
    repeated = field.label == FieldDescriptorProto.LABEL_REPEATED
    return f"ARRAY<{kind}>" if repeated else kind
