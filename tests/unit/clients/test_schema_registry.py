"""The registry's answers become typed values or typed errors. Bodies as Confluent's 7.9 sends them,
and as Apicurio's compatible API does where the two differ.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.clients.errors import (
    IncompatibleSchema,
    RegistryNotFound,
    RegistryRefused,
    UnexpectedAnswer,
    Unreachable,
)
from lab.clients.schema_registry import Reference, SchemaRegistryClient

SCHEMA = '{"type":"string"}'


@pytest.fixture
def registry(script: Any) -> Iterator[SchemaRegistryClient]:
    client = SchemaRegistryClient(script.url + "/base/")
    yield client
    client.close()


def test_register_sends_type_and_references_and_returns_the_id(
    script: Any, registry: SchemaRegistryClient
) -> None:
    path = "/base/subjects/a%2Fb-value/versions?normalize=true"
    script.answers["POST", path] = (200, {"id": 7})
    reference: Reference = {"name": "n", "subject": "s", "version": 1}
    assert (
        registry.register(
            "a/b-value", SCHEMA, schema_type="JSON", references=[reference], normalize=True
        )
        == 7
    )
    assert json.loads(script.asked[0][2]) == {
        "schema": SCHEMA,
        "schemaType": "JSON",
        "references": [reference],
    }


def test_409_is_an_answer_or_an_error_as_asked(script: Any, registry: SchemaRegistryClient) -> None:
    body = {"error_code": 409, "message": "Schema being registered is incompatible"}
    script.answers["POST", "/base/subjects/s/versions"] = (409, body)
    answer = registry.try_register("s", SCHEMA)
    assert (answer.status, answer.error_code, answer.ok) == (409, 409, False)
    with pytest.raises(IncompatibleSchema, match="incompatible") as caught:
        registry.register("s", SCHEMA)
    assert caught.value.status == 409


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, {"error_code": 40401, "message": "Subject 's' not found."}, RegistryNotFound, 40401),
        (422, {"error_code": 42201, "message": "Invalid schema"}, RegistryRefused, 42201),
        (503, "<html>busy</html>", RegistryRefused, 0),
    ],
)
def test_other_refusals(
    script: Any,
    registry: SchemaRegistryClient,
    status: int,
    body: object,
    kind: type[RegistryRefused],
    code: int,
) -> None:
    script.answers["GET", "/base/subjects/s/versions"] = (status, body)
    with pytest.raises(kind) as caught:
        registry.versions("s")
    assert (caught.value.status, caught.value.error_code) == (status, code)


@pytest.mark.parametrize(
    ("body", "compatible", "explanations"),
    [
        ({"is_compatible": True, "messages": []}, True, ()),
        ({"is_compatible": True}, True, ()),
        ({"is_compatible": False, "messages": ["one", "two"]}, False, ("one", "two")),
        ({"is_compatible": False, "reason": "because"}, False, ("because",)),
    ],
)
def test_check_understands_both_wordings(
    script: Any,
    registry: SchemaRegistryClient,
    body: object,
    compatible: bool,
    explanations: tuple[str, ...],
) -> None:
    path = "/base/compatibility/subjects/s/versions/latest?verbose=true"
    script.answers["POST", path] = (200, body)
    found = registry.check("s", SCHEMA)
    assert (found.compatible, found.explanations) == (compatible, explanations)


def test_versions_levels_and_texts(script: Any, registry: SchemaRegistryClient) -> None:
    script.answers |= {
        ("GET", "/base/subjects?deleted=true"): (200, ["s", "t"]),
        ("GET", "/base/subjects/s/versions/latest"): (
            200,
            {"subject": "s", "version": 2, "id": 9, "schema": SCHEMA},
        ),
        ("POST", "/base/subjects/s"): (
            200,
            {"subject": "s", "version": 1, "id": 8, "schema": SCHEMA, "schemaType": "PROTOBUF"},
        ),
        ("GET", "/base/schemas/ids/9"): (200, {"schema": SCHEMA}),
        ("GET", "/base/config"): (200, {"compatibilityLevel": "BACKWARD"}),
        ("PUT", "/base/config/s"): (200, {"compatibility": "FULL"}),
        ("DELETE", "/base/subjects/s/versions/1?permanent=true"): (200, 1),
    }
    assert registry.subjects(deleted=True) == ["s", "t"]
    latest = registry.version("s")
    assert (latest.version, latest.schema_id, latest.schema_type) == (2, 9, "AVRO")
    assert registry.lookup("s", SCHEMA).schema_type == "PROTOBUF"
    assert registry.schema_by_id(9) == SCHEMA
    assert registry.level() == "BACKWARD"
    registry.set_level("FULL", "s")
    assert json.loads(script.asked[-1][2]) == {"compatibility": "FULL"}
    assert registry.delete_version("s", 1, permanent=True) == 1


def test_forget_takes_404_for_an_answer(script: Any, registry: SchemaRegistryClient) -> None:
    registry.forget("unknown")
    assert [(method, path) for method, path, _ in script.asked] == [
        ("DELETE", "/base/config/unknown"),
        ("DELETE", "/base/subjects/unknown"),
        ("DELETE", "/base/subjects/unknown?permanent=true"),
    ]
    script.answers["DELETE", "/base/subjects/stuck"] = (422, {"error_code": 42206, "message": "x"})
    with pytest.raises(RegistryRefused, match="42206"):
        registry.forget("stuck")


def test_answers_that_make_no_sense(script: Any, registry: SchemaRegistryClient) -> None:
    script.answers |= {
        ("GET", "/base/subjects"): (200, {"not": "a list"}),
        ("POST", "/base/subjects/s/versions"): (200, {"id": "seven"}),
        ("GET", "/base/schemas/ids/1"): (200, []),
        ("GET", "/base/schemas/ids/2"): (200, {}),
        ("POST", "/base/compatibility/subjects/s/versions/latest?verbose=true"): (200, {}),
    }
    for call in (
        registry.subjects,
        lambda: registry.register("s", SCHEMA),
        lambda: registry.schema_by_id(1),
        lambda: registry.schema_by_id(2),
        lambda: registry.check("s", SCHEMA),
    ):
        with pytest.raises(UnexpectedAnswer):
            call()


def test_nobody_there() -> None:
    client = SchemaRegistryClient("http://127.0.0.1:9", timeout_seconds=2)
    with pytest.raises(Unreachable):
        client.subjects()
    client.close()
