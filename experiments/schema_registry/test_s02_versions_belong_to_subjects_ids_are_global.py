"""S02. Versions belong to a subject, ids are global, and registering again changes nothing.

Set-up    two schemas of orders that are compatible with each other, three subjects
Action    register the first twice in one subject, then in a second one that has another schema
          before it; register it from eight clients at the same time in a third
Observed  again the same id, and still one version; in the second subject the same id as version 2;
          of eight clients each is given this id, and one version stands
Control   the changed schema is given another id, and in the first subject version 2
Limits    one registry; how several nodes of a registry agree on ids is not looked at
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from lab.clients.names import SchemaId, SubjectName
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.names import SubjectFactory, UniqueNames
from lab.evidence.recorder import Evidence

CLIENTS = 8


@claim("S02")
def test_versions_belong_to_subjects_and_ids_are_global(
    registry: SchemaRegistryClient,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    # The name makes the schemas unknown to the registry, so that no id is older than this test.
    record = f"Order_{unique.token}"
    schema = order(record)
    changed = order(record, {"name": "note", "type": "string", "default": ""})
    orders, returns, raced = (subject(f"{n}-value") for n in ("orders", "returns", "raced"))

    def register(name: SubjectName, what: str, text: str) -> SchemaId:
        return evidence.act(
            "application", f"register {what}", name, lambda: registry.register(name, text)
        )

    # Action
    first = register(orders, "the schema", schema)
    again = register(orders, "the schema again", schema)
    versions_after = registry.versions(orders)
    other = register(returns, "another schema", changed)
    elsewhere = register(returns, "the schema, in another subject", schema)

    def from_a_client(_number: int) -> SchemaId:
        client = SchemaRegistryClient(registry.url)
        try:
            return client.register(raced, schema)
        finally:
            client.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        given = evidence.act(
            "eight clients",
            "register the schema at the same time",
            raced,
            lambda: list(pool.map(from_a_client, range(CLIENTS))),
        )

    # Observed
    evidence.observe(
        "registering again",
        {"id": again, "versions": versions_after},
        expected={"id": first, "versions": [1]},
        says="registered again: the same id, and still one version",
    )
    evidence.observe(
        "in another subject",
        {"id": elsewhere, "version": registry.lookup(returns, schema).version},
        expected={"id": first, "version": 2},
        says="in another subject: the same id, as version 2 there",
    )
    evidence.observe(
        "by eight clients at once",
        {"ids": set(given), "versions": registry.versions(raced)},
        expected={"ids": {first}, "versions": [1]},
        says="eight clients at once: one id, one version",
    )
    evidence.observe(
        "what the id stands for",
        json.loads(registry.schema_by_id(first)),
        expected=json.loads(schema),
        says="the id stands for this schema",
    )

    # Control
    evidence.control(
        "the changed schema's id is another one",
        other != first,
        expected=True,
        says="a changed schema was given another id",
    )
    register(orders, "the changed schema", changed)
    evidence.control(
        "the changed schema in the first subject",
        {
            "versions": registry.versions(orders),
            "id of version 2": registry.version(orders, 2).schema_id,
        },
        expected={"versions": [1, 2], "id of version 2": other},
        says="and became version 2 of the first subject",
    )


def order(record: str, *more: dict[str, str]) -> str:
    """An Avro schema of orders, with more fields."""
    fields = [{"name": "id", "type": "int"}, *more]
    return json.dumps({"type": "record", "name": record, "fields": fields})
