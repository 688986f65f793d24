"""The stand-ins follow the rule by which the official images read variables."""

from __future__ import annotations

import pytest
from compose.stand_in import REQUIRED, ksqldb_arguments, missing, properties


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KAFKA_PROCESS_ROLES", "process.roles"),
        ("KAFKA_ABC__DEF", "abc_def"),
        ("KAFKA_ABC___DEF", "abc-def"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "controller.quorum.voters"),
    ],
)
def test_a_variable_s_property(name: str, expected: str) -> None:
    assert properties("KAFKA_", {name: "x"}) == {expected: "x"}


def test_what_is_no_property_stays_out() -> None:
    environ = {"KAFKA_HEAP_OPTS": "-Xmx1g", "KAFKA_NODE_ID": "1", "PATH": "/bin"}
    assert properties("KAFKA_", environ) == {"node.id": "1"}


def test_what_the_images_refuse_to_start_without() -> None:
    assert missing("kafka", {}) == REQUIRED["kafka"]
    assert missing("kafka", dict.fromkeys(REQUIRED["kafka"], "x")) == ()


def test_the_server_s_arguments() -> None:
    told = ksqldb_arguments(
        {"bootstrap.servers": "broker-1:19092", "listeners": "http://0.0.0.0:8088"}
    )
    assert told["listen"] == "0.0.0.0:8088"
    assert told["schema_registry_url"] == ""
    assert told["service_id"] == "default_"
