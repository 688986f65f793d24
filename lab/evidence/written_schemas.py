"""Schemas as somebody writes them by hand, and values that a plain library writes by them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from lab.clients.names import SchemaType
from lab.clients.plain import plain_avro, protobuf_file, protobuf_message

SCHEMA_TYPES: dict[str, SchemaType] = {"AVRO": "AVRO", "PROTOBUF": "PROTOBUF", "JSON_SR": "JSON"}


def avro(*fields: tuple[str, object]) -> str:
    """A record of these fields."""
    listed = [{"name": name, "type": kind} for name, kind in fields]
    return json.dumps({"type": "record", "name": "Order", "fields": listed})


def json_schema(**properties: object) -> str:
    """An object of these properties."""
    return json.dumps({"type": "object", "properties": properties})


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
DRAFT = {"$schema": "http://json-schema.org/draft-07/schema#"}
"""Some registries take a schema that is no object for JSON Schema only if it says so."""


@dataclass(frozen=True)
class Declared:
    """A schema written by hand, for keys or values, and one value that is written by it.

    ``row`` is what the value must be as a row, by columns in the schema's order.
    """

    format: str
    side: str
    schema: str
    value: object
    row: tuple[object, ...]

    def written(self) -> bytes:
        """The value by a plain library, without a header."""
        if self.format == "AVRO":
            return plain_avro(self.schema, self.value)
        if self.format == "PROTOBUF":
            message = protobuf_message(protobuf_file(self.schema), [0])
            assert isinstance(self.value, Mapping)  # noqa: S101 - narrows a type
            # One zero stands for the first message of the file.
            return b"\0" + message(**self.value).SerializeToString()
        return json.dumps(self.value).encode()


def text_of_protobuf(served: str) -> str:
    """A schema as somebody reads it: registries serve text or a descriptor in base64."""
    if "=" in served.rstrip("="):
        return served
    (message,) = protobuf_file(served).message_type
    return f"message {message.name}: {', '.join(f'{f.name} = {f.number}' for f in message.field)}"
