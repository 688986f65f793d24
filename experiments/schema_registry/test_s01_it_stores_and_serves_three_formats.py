"""S01. The registry stores and serves schemas in Avro, Protobuf and JSON Schema.

Set-up    a schema of orders in Avro, in Protobuf and in JSON Schema, and an order
Action    register each, then fetch it by its id, by subject and version, and as the latest
Observed  what is served is the schema that was registered: the same JSON, for Protobuf the same
          text but for white space; plain libraries take the served Avro and JSON Schema and write,
          read or validate the order by them; the registry knows the three formats by name
Control   text that is no schema of the format is refused with 422 and leaves no subject
Limits    no compiler looks at the meaning of Protobuf's text here; S07 decodes by what is served
"""

from __future__ import annotations

import json
from typing import get_args

import pytest

from lab.clients.names import SchemaType
from lab.clients.plain import plain_avro, read_plain_avro, read_plain_json
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.checkers import refused_with
from lab.evidence.names import SubjectFactory
from lab.evidence.recorder import Evidence

ORDER = {"id": 7, "note": "fragile"}
SCHEMAS: dict[SchemaType, str] = {
    "AVRO": json.dumps(
        {
            "type": "record",
            "name": "Order",
            "fields": [{"name": "id", "type": "int"}, {"name": "note", "type": "string"}],
        }
    ),
    "PROTOBUF": 'syntax = "proto3";\n\nmessage Order {\n  int32 id = 1;\n  string note = 2;\n}\n',
    "JSON": json.dumps(
        {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
            "required": ["id"],
            "additionalProperties": False,
        }
    ),
}
NO_SCHEMAS: dict[SchemaType, str] = {
    "AVRO": '{"type": "record"}',
    "PROTOBUF": "message Order { int32 id = ",
    "JSON": '{"type": "obj',
}


@claim("S01")
@pytest.mark.parametrize("schema_type", get_args(SchemaType))
def test_the_registry_stores_and_serves_schemas(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    evidence: Evidence,
    schema_type: SchemaType,
) -> None:
    # Set-up
    name, schema = subject("orders-value"), SCHEMAS[schema_type]

    # Action
    schema_id = evidence.act(
        "application",
        f"register {schema_type}",
        name,
        lambda: registry.register(name, schema, schema_type=schema_type),
    )
    by_id = evidence.act(
        "application", "fetch by id", str(schema_id), lambda: registry.schema_by_id(schema_id)
    )
    by_version = evidence.act(
        "application", "fetch version 1", name, lambda: registry.version(name, 1)
    )
    latest = evidence.act("application", "fetch the latest", name, lambda: registry.version(name))

    # Observed
    evidence.observe(
        "the schema as served by id, by version and as the latest",
        [meaning(schema_type, text) for text in (by_id, by_version.schema, latest.schema)],
        expected=[meaning(schema_type, schema)] * 3,
        says=f"{schema_type}: served as registered, by id, by version and as the latest",
    )
    evidence.observe(
        "id, version and format",
        (by_version.schema_id, by_version.version, by_version.schema_type),
        expected=(schema_id, 1, schema_type),
        says=f"{schema_type}: with the id that the registration gave, as version 1",
    )
    if schema_type == "AVRO":
        evidence.observe(
            "an order, written and read by the served schema",
            read_plain_avro(by_id, plain_avro(by_id, ORDER)),
            expected=ORDER,
            says="a plain Avro library works with what was served",
        )
    if schema_type == "JSON":
        evidence.observe(
            "an order, validated by the served schema",
            read_plain_json(by_id, json.dumps(ORDER).encode()),
            expected=ORDER,
            says="a plain JSON Schema library works with what was served",
        )
    evidence.observe(
        "the format is one that the registry names",
        schema_type in registry.ask("GET", "/schemas/types").require_ok().items(),
        expected=True,
        says=f"{schema_type} is among the registry's own list of formats",
    )

    # Control
    refused = subject("refused-value")
    evidence.act(
        "application",
        f"register no {schema_type}",
        refused,
        lambda: registry.try_register(refused, NO_SCHEMAS[schema_type], schema_type=schema_type),
    )
    evidence.control(
        "text that is no schema",
        finding=evidence.finding(refused_with, action=f"register no {schema_type}", status=422),
        says=f"{schema_type}: text that is no schema was refused with 422",
    )
    evidence.control(
        "its subject afterwards",
        registry.ask("GET", f"/subjects/{refused}/versions").status,
        expected=404,
        says="and its subject does not exist",
    )


def meaning(schema_type: SchemaType, text: str) -> object:
    """A schema's text without what has no meaning: white space, and the order of JSON's keys."""
    return " ".join(text.split()) if schema_type == "PROTOBUF" else json.loads(text)
