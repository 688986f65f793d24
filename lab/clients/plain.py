"""Plain libraries that know nothing of a registry: the independent witnesses of experiments.

fastavro, protobuf and jsonschema read and write what Confluent's serializers also read and write,
so that a serializer under test is not its own witness.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import fastavro
import jsonschema
from fastavro.read import SchemaResolutionError
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError, Message

from lab.clients.errors import DeserializerFailed

_AVRO_PROBLEMS = (EOFError, ValueError, TypeError, IndexError, KeyError, SchemaResolutionError)
_PROTOBUF_PROBLEMS = (DecodeError, TypeError, ValueError, KeyError, binascii.Error)


def plain_avro(schema: str, value: object) -> bytes:
    """``value`` in Avro's binary encoding, without any header."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(json.loads(schema)), value)
    return buffer.getvalue()


def read_plain_avro(schema: str, data: bytes, *, reader: str | None = None) -> object:
    """The value in ``data`` (no header), written by ``schema``; read by ``reader`` if given.

    Raises DeserializerFailed, also where the two schemas cannot be resolved.
    """
    try:
        return fastavro.schemaless_reader(
            io.BytesIO(data),
            fastavro.parse_schema(json.loads(schema)),
            None if reader is None else fastavro.parse_schema(json.loads(reader)),
        )
    except _AVRO_PROBLEMS as error:
        raise DeserializerFailed(f"{type(error).__name__}: {error}") from error


def read_plain_json(schema: str, data: bytes) -> object:
    """The JSON document in ``data``, valid by ``schema``. Raises DeserializerFailed."""
    try:
        value: object = json.loads(data)
        jsonschema.validate(value, json.loads(schema))
    except (ValueError, jsonschema.ValidationError) as error:
        reason = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise DeserializerFailed(f"{type(error).__name__}: {reason}") from error
    return value


def protobuf_file(served: str) -> descriptor_pb2.FileDescriptorProto:
    """The file that a registry serves: a descriptor as base64, or proto3 text.

    Of text only flat messages of scalars are understood, numbered from 1 in their order: what
    experiments make needs no compiler. Raises DeserializerFailed for anything else.
    """
    if "=" in served.rstrip("="):
        return _from_text(served)
    found = descriptor_pb2.FileDescriptorProto()
    try:
        found.ParseFromString(base64.b64decode(served, validate=True))
    except _PROTOBUF_PROBLEMS as error:
        raise DeserializerFailed(f"no file descriptor: {error}") from error
    return found


_PACKAGE = re.compile(r"package\s+([\w.]+)\s*;")
_MESSAGE = re.compile(r"message\s+(\w+)\s*\{([^{}]*)\}")
_FIELD = re.compile(r"(?:optional\s+)?(\w+)\s+(\w+)\s*=\s*(\d+)")


def _from_text(text: str) -> descriptor_pb2.FileDescriptorProto:
    package = _PACKAGE.search(text)
    rest = _MESSAGE.sub("", _PACKAGE.sub("", text))
    if re.fullmatch(r"\s*syntax\s*=\s*\"proto3\"\s*;\s*", rest) is None:
        raise DeserializerFailed(f"not flat proto3 text: {text}")
    messages: dict[str, dict[str, str]] = {}
    for name, body in _MESSAGE.findall(text):
        fields = [_FIELD.fullmatch(line.strip()) for line in body.split(";") if line.strip()]
        numbers = [field and int(field[3]) for field in fields]
        if numbers != list(range(1, len(fields) + 1)):
            raise DeserializerFailed(f"not flat proto3 text: {text}")
        messages[name] = {field[2]: field[1] for field in fields if field}
    try:
        return proto3_file("served.proto", package[1] if package else "", messages)
    except ValueError as error:
        raise DeserializerFailed(f"not flat proto3 text: {error}") from error


def protobuf_message(
    file: descriptor_pb2.FileDescriptorProto, indexes: Sequence[int]
) -> type[Message]:
    """The message class at ``indexes``: the message's number in its file, then nested ones'.

    Raises DeserializerFailed when there is none.
    """
    pool = descriptor_pool.DescriptorPool()
    try:
        pool.Add(file)
        descriptor: Any = pool.FindFileByName(file.name)
        names = [message.name for message in file.message_type]
        found = descriptor.message_types_by_name[names[indexes[0]]]
        for index in indexes[1:]:
            found = found.nested_types[index]
    except (IndexError, *_PROTOBUF_PROBLEMS) as error:
        raise DeserializerFailed(f"no message at {list(indexes)}: {error}") from error
    return message_factory.GetMessageClass(found)


def read_plain_protobuf(message: type[Message], data: bytes) -> dict[str, Any]:
    """The message in ``data`` (no header, no indexes), as JSON has it; names as in the schema.

    Raises DeserializerFailed.
    """
    try:
        found = message.FromString(data)
    except _PROTOBUF_PROBLEMS as error:
        raise DeserializerFailed(f"{type(error).__name__}: {error}") from error
    return as_mapping(found)


def as_mapping(message: Message) -> dict[str, Any]:
    """A message's fields, those with default values too, as plain data."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


FieldTypes = Mapping[str, str]
"""Field name → "int32", "string", …, numbered from 1 in their order."""


def proto3_file(
    name: str, package: str, messages: Mapping[str, FieldTypes]
) -> descriptor_pb2.FileDescriptorProto:
    """A proto3 file of flat messages, as a compiler would have made it from text."""
    file = descriptor_pb2.FileDescriptorProto(name=name, package=package, syntax="proto3")
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            made.field.add(
                name=field,
                number=number,
                label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
                type=descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}"),
            )
    return file
