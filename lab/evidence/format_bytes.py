"""ksqlDB's formats, read by plain rules that know nothing of ksqlDB: what lies in a topic, and why.

What a format writes is documented by ksqlDB ("Serialization formats"); schema registry formats are
read by plain libraries with the schema whose id stands in the header.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping

from lab.clients.plain import (
    proto3_file,
    protobuf_file,
    protobuf_message,
    read_plain_avro,
    read_plain_json,
    read_plain_protobuf,
)
from lab.wire import schema_header

REGISTRY_FORMATS = ("AVRO", "PROTOBUF", "JSON_SR")
PLAIN_FORMATS = ("KAFKA", "DELIMITED", "JSON", "PROTOBUF_NOSR")

Columns = Mapping[str, object]
"""Column name → value: texts and 32-bit whole numbers."""

SchemaById = Callable[[int], str]


def as_stored(format_: str, columns: Columns, *, is_key: bool) -> object:
    """What a plain reader of this format finds for these columns; see ``stored``."""
    values = list(columns.values())
    if not values:
        return None
    single = len(values) == 1
    match format_:
        case "KAFKA":
            return values[0]
        case "DELIMITED":
            return [str(value) for value in values]
        case "JSON" | "JSON_SR" | "AVRO" if is_key and single:
            return values[0]
        case _:
            return dict(columns)


def stored(format_: str, data: bytes | None, columns: Columns, schema_by_id: SchemaById) -> object:
    """What a plain reader of this format makes of a key or value; ``columns`` tell types.

    Raises DecodeError, DeserializerFailed or ValueError for bytes that are not of the format.
    """
    if data is None:
        return None
    if format_ in REGISTRY_FORMATS:
        return _with_schema(format_, schema_header.split(data), schema_by_id)
    match format_:
        case "KAFKA":
            number = isinstance(next(iter(columns.values())), int)
            return int.from_bytes(data, "big", signed=True) if number else data.decode()
        case "DELIMITED":
            return next(csv.reader(io.StringIO(data.decode())))
        case "JSON":
            found: object = json.loads(data)
            return found
        case "PROTOBUF_NOSR":
            types = {n: "int32" if isinstance(v, int) else "string" for n, v in columns.items()}
            file = proto3_file("plain.proto", "", {"Row": types})
            return read_plain_protobuf(protobuf_message(file, [0]), data)
    raise ValueError(f"no reader for {format_}")


def _with_schema(format_: str, framed: schema_header.Framed, schema_by_id: SchemaById) -> object:
    schema = schema_by_id(framed.schema_id)
    if format_ == "PROTOBUF":
        indexes, data = schema_header.message_indexes(framed.payload)
        return read_plain_protobuf(protobuf_message(protobuf_file(schema), indexes), data)
    read = read_plain_avro if format_ == "AVRO" else read_plain_json
    return read(schema, framed.payload)
