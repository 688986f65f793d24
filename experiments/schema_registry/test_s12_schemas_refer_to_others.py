"""S12. A schema can refer to other schemas.

Set-up    a schema of addresses and one of persons that names it without holding it, in each format
Action    register the address, then the person with a reference to it; fetch the person; let a
          registry-aware client write and read a person (Avro); delete the address
Observed  the person is served with its reference, which leads to the address; the registry lists
          the person as referring to it; a client that knows neither schema resolves the reference;
          deleting the address is refused with 422, error code 42206, and it is still there
Control   a person with a reference to nothing is refused with 422, and so is one without the
          reference where the format cannot do without; once the person is gone the address deletes
Limits    references of one step, no cycles
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import get_args

import pytest

from lab.clients.names import SchemaType, TopicName
from lab.clients.plain import read_plain_avro
from lab.clients.registry_aware import AvroValues
from lab.clients.schema_registry import Answer, Reference, SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire import schema_header


@dataclass(frozen=True)
class Pair:
    """A schema that is referred to, one that refers to it, and the name that it uses for that."""

    address: str
    person: str
    name: str


def pair(schema_type: SchemaType, mark: str) -> Pair:
    """Address and person in a format; ``mark`` makes them unlike any that the registry has."""
    if schema_type == "AVRO":
        address = {"name": f"Address_{mark}", "fields": [{"name": "city", "type": "string"}]}
        person = {"name": f"Person_{mark}", "fields": [{"name": "home", "type": f"Address_{mark}"}]}
        return Pair(
            json.dumps({"type": "record", **address}),
            json.dumps({"type": "record", **person}),
            name=f"Address_{mark}",
        )
    if schema_type == "PROTOBUF":
        file = f"address_{mark}.proto"
        return Pair(
            f'syntax = "proto3"; message Address_{mark} {{ string city = 1; }}',
            f'syntax = "proto3"; import "{file}";'
            f" message Person_{mark} {{ Address_{mark} home = 1; }}",
            name=file,
        )
    file = f"address_{mark}.json"
    city = {"type": "object", "title": mark, "properties": {"city": {"type": "string"}}}
    home = {"type": "object", "title": mark, "properties": {"home": {"$ref": file}}}
    return Pair(json.dumps(city), json.dumps(home), name=file)


@claim("S12")
@pytest.mark.parametrize("schema_type", get_args(SchemaType))
def test_schemas_refer_to_others(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
    schema_type: SchemaType,
) -> None:
    # Set-up
    schemas = pair(schema_type, unique.token)
    persons, lost, addresses = subject("persons-value"), subject("lost-value"), subject("addresses")
    reference: Reference = {"name": schemas.name, "subject": addresses, "version": 1}

    def ask(what: str, method: str, path: str) -> Answer:
        return evidence.act("application", what, path, lambda: registry.ask(method, path))

    # Action
    evidence.act(
        "application",
        "register the address",
        addresses,
        lambda: registry.register(addresses, schemas.address, schema_type=schema_type),
    )
    person_id = evidence.act(
        "application",
        "register the person with a reference to the address",
        persons,
        lambda: registry.register(
            persons, schemas.person, schema_type=schema_type, references=[reference]
        ),
    )
    served = evidence.act(
        "application", "fetch the person", persons, lambda: registry.version(persons)
    )
    followed = registry.version(
        str(served.references[0]["subject"]), int(served.references[0]["version"])
    )
    referring = ask("who refers to it?", "GET", f"/subjects/{addresses}/versions/1/referencedby")
    deleted = ask("delete the address", "DELETE", f"/subjects/{addresses}/versions/1")

    # Observed
    evidence.observe(
        "the person's references",
        list(served.references),
        expected=[reference],
        says=f"{schema_type}: the person is served with its reference",
    )
    evidence.observe(
        "what the reference leads to",
        squeezed(followed.schema),
        expected=squeezed(schemas.address),
        says="which leads to the address",
    )
    evidence.observe(
        "who refers to the address",
        referring.body,
        expected=[person_id],
        says="the registry lists the person as referring to it",
    )
    if schema_type == "AVRO":
        evidence.observe(
            "a person, written by a client that was given the reference only",
            written_and_read(registry.url, unique, schemas),
            expected={"home": {"city": "Kyoto"}},
            says="a client resolves the reference: a plain library reads what it wrote",
        )
    evidence.observe(
        "deleting the address",
        {
            "status": deleted.status,
            "error code": deleted.error_code,
            "versions": registry.versions(addresses),
        },
        expected={"status": 422, "error code": 42206, "versions": [1]},
        says="deleting the address was refused with 422, 42206, and it is still there",
    )

    # Control
    nowhere: Reference = {**reference, "subject": subject("nowhere")}
    evidence.control(
        "a reference to nothing",
        registry.try_register(
            lost, schemas.person, schema_type=schema_type, references=[nowhere]
        ).status,
        expected=422,
        says=f"{schema_type}: a reference to nothing was refused with 422",
    )
    if schema_type == "AVRO":
        evidence.control(
            "the person without its reference",
            registry.try_register(lost, schemas.person, schema_type=schema_type).status,
            expected=422,
            says="without the reference the person is no schema: 422",
        )
    registry.delete_subject(persons)
    registry.delete_subject(persons, permanent=True)
    gone = ask("delete the address again", "DELETE", f"/subjects/{addresses}/versions/1")
    evidence.control(
        "deleting the address once nothing refers to it",
        gone.status,
        expected=200,
        says="once nothing refers to it the address deletes",
    )


def written_and_read(url: str, unique: UniqueNames, schemas: Pair) -> object:
    """A person as Confluent's serializer wrote it, read by a plain library with both schemas."""
    with AvroValues(url, TopicName(unique.of("persons")), None) as avro:
        framed = schema_header.split(avro.serialize({"home": {"city": "Kyoto"}}))
    whole = json.loads(schemas.person)
    whole["fields"][0]["type"] = json.loads(schemas.address)
    return read_plain_avro(json.dumps(whole), framed.payload)


def squeezed(text: str) -> str:
    """A schema's text without any white space."""
    return "".join(text.split())
