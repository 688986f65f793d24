"""S08. Whether schemas get registered automatically is the client's choice.

Set-up    a topic whose value subject does not exist; four registry-aware clients that differ in
          nothing but their options; each reaches the registry through a recording proxy of its own
Action    auto.register.schemas=false before and after somebody else registered the schema;
          use.latest.version=true once the subject has a second version; normalize.schemas=true
Observed  with registration off the unknown schema is refused, the client only looked it up, nothing
          was produced and no subject made; once somebody registered it the same client goes on;
          use.latest.version takes the id of the latest version without being told a schema;
          normalize.schemas is a wish that the client sends along with the schema
Control   with auto.register.schemas=true the same value makes the subject appear
Limits    what normalizing does is the registry's affair; a registry's read-only mode, which takes
          the choice away, is a test of its own
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from lab.clients.errors import SerializerRefused
from lab.clients.kafka import KafkaClient
from lab.clients.registry_aware import REGISTERS, TAKES_LATEST, AvroValues, Choices
from lab.clients.schema_registry import Answer, SchemaRegistryClient
from lab.errors import CapabilityMissing
from lab.evidence import claim
from lab.evidence.access import Doors, lay_out_access, record_access
from lab.evidence.names import SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.wire import schema_header

ID = {"name": "id", "type": "int"}
NOTE = {"name": "note", "type": "string", "default": "-"}
AN_ORDER = {"id": 7}


def order(*fields: dict[str, str]) -> str:
    """The schema of orders with these fields."""
    return json.dumps({"type": "record", "name": "Order", "fields": fields})


@claim("S08")
def test_registration_is_the_clients_choice(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    doors: Doors,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    # Set-up
    orders, name = topic("orders"), subject("orders-value")
    elsewhere, elsewhere_name = topic("elsewhere"), subject("elsewhere-value")
    off, latest, on, normalizing = (
        doors(who)
        for who in (
            "auto.register.schemas=false",
            "use.latest.version=true",
            "auto.register.schemas=true",
            "normalize.schemas=true",
        )
    )

    def subjects() -> set[str]:
        return set(filter(unique.mine, registry.subjects()))

    def tried(values: AvroValues, who: str, where: str) -> str:
        return evidence.attempt(
            who,
            "produce an order",
            where,
            partial(values.produce, kafka, AN_ORDER),
            refusal=SerializerRefused,
        )

    # Action
    with AvroValues(off.url, orders, order(ID), Choices()) as values:
        before = {
            "answer": tried(values, off.name, orders),
            "subjects": subjects(),
            "end offset": kafka.end_offset(orders),
        }
        asked_before = [str(each) for each in off.asked()]
        first = evidence.act(
            "somebody else", "register the schema", name, lambda: registry.register(name, order(ID))
        )
        after = tried(values, off.name, orders)
    second = evidence.act(
        "somebody else",
        "register a second version",
        name,
        lambda: registry.register(name, order(ID, NOTE)),
    )
    with AvroValues(latest.url, orders, None, TAKES_LATEST) as values:
        taking_latest = tried(values, latest.name, orders)
    ids = [schema_header.split(record.value or b"").schema_id for record in kafka.read(orders, 0)]
    with AvroValues(
        normalizing.url, orders, order(ID, NOTE), replace(REGISTERS, normalize=True)
    ) as values:
        tried(values, normalizing.name, orders)

    # Observed
    evidence.observe(
        "registration off, the schema unknown",
        before,
        expected={"answer": "refused", "subjects": set(), "end offset": 0},
        says="auto.register.schemas=false: the unknown schema was refused, nothing was sent",
    )
    evidence.observe(
        "what this client asked the registry",
        asked_before,
        expected=[f"POST /subjects/{name} → 404"],
        says="the client only looked its schema up",
    )
    evidence.observe(
        "the same client once somebody had registered the schema",
        {"answer": after, "id": ids[0]},
        expected={"answer": "accepted", "id": first},
        says="the same client went on once somebody else had registered the schema",
    )
    evidence.observe(
        "use.latest.version=true",
        {
            "answer": taking_latest,
            "id": ids[1],
            "asked": [str(each) for each in latest.asked()][:1],
        },
        expected={
            "answer": "accepted",
            "id": second,
            "asked": [f"GET /subjects/{name}/versions/latest → 200"],
        },
        says="use.latest.version=true: the client took the latest version's id",
    )
    evidence.observe(
        "what normalize.schemas=true sends along with the schema",
        [each.path.partition("?")[2] for each in normalizing.asked() if each.method == "POST"],
        expected=["normalize=True"],
        says="normalize.schemas=true: sent along as a wish",
    )

    # Control
    appeared_before = subjects()
    with AvroValues(on.url, elsewhere, order(ID), REGISTERS) as values:
        registering = tried(values, on.name, elsewhere)
    evidence.control(
        "registration on",
        {"answer": registering, "subjects": subjects() - appeared_before},
        expected={"answer": "accepted", "subjects": {elsewhere_name}},
        says="auto.register.schemas=true: the subject appeared with the value",
    )
    evidence.control(
        "what that client asked the registry",
        [str(each) for each in on.asked()],
        expected=[f"POST /subjects/{elsewhere_name}/versions → 200"],
        says="by the client's own request",
    )
    lay_out_access(evidence, "Four options", record_access(evidence, doors), {})


@claim("S08")
def test_a_read_only_subject_takes_the_choice_away(
    registry: SchemaRegistryClient,
    topic: TopicFactory,
    subject: SubjectFactory,
    evidence: Evidence,
) -> None:
    # Set-up
    orders, name = topic("orders"), subject("orders-value")

    def set_mode(mode: str) -> Answer:
        return evidence.act(
            "steward",
            f"set the subject's mode to {mode}",
            name,
            lambda: registry.ask("PUT", f"/mode/{name}", {"mode": mode}),
        )

    def serialized() -> str:
        with AvroValues(registry.url, orders, order(ID), REGISTERS) as values:
            return evidence.attempt(
                "registry-aware producer",
                "serialize with auto.register.schemas=true",
                name,
                lambda: values.serialize(AN_ORDER),
                refusal=SerializerRefused,
            )

    if not (answer := set_mode("READONLY")).ok:
        raise CapabilityMissing(f"read-only subjects: the registry answered {answer.status}")

    # Action
    read_only = serialized()
    set_mode("READWRITE").require_ok()
    if read_only == "accepted":
        reason = (
            "read-only subjects: this registry remembers the mode READONLY of a subject and takes"
            " new schemas for it all the same"
        )
        evidence.limit(reason)
        raise CapabilityMissing(reason)

    # Observed
    evidence.observe(
        "a client that registers, on a read-only subject",
        read_only,
        expected="refused",
        says="a read-only subject takes no schema, whatever the client chose",
    )

    # Control
    evidence.control(
        "the same once the subject can be written again",
        (serialized(), registry.versions(name)),
        expected=("accepted", [1]),
        says="read-write again, the same client registered its schema",
    )
