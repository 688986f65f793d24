"""The compose file as Compose reads it: strict, and for every way of use."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from lab.compose.plan import components_of, compose_file, images, variables
from lab.embedded.state import LabState

SERVICES = {"broker-1", "schema-registry", "ksqldb", "connect"}
OFFICIAL = {
    "broker-1": "apache/kafka:4.3.1",
    "schema-registry": "confluentinc/cp-schema-registry:8.2.0",
    "ksqldb": "confluentinc/cp-ksqldb-server:8.2.0",
    "connect": "confluentinc/cp-kafka-connect:8.2.0",
}


def config(*arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """What Compose makes of the file; a warning (a variable without a value) is a failure."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LAB_", "COMPOSE_"))}
    clean = {k: v for k, v in clean.items() if not k.endswith(("_IMAGE", "_VERSION"))}
    done = subprocess.run(
        ["docker", "compose", "--file", str(compose_file()), *arguments, "config",
         "--format", "json"],
        env={**clean, **(env or {})}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_as_it_stands_it_has_the_official_images_and_one_broker() -> None:
    told = config()
    assert {name: one["image"] for name, one in told["services"].items()} == OFFICIAL
    for name, one in told["services"].items():
        assert "container_name" not in one
        assert one["healthcheck"]["test"], name
        assert int(one["mem_limit"]) > 0, name
        assert all(port["host_ip"] == "127.0.0.1" for port in one["ports"]), name
        needs = {need: how["condition"] for need, how in one.get("depends_on", {}).items()}
        assert set(needs.values()) <= {"service_healthy"}, name


def test_one_variable_a_version() -> None:
    told = config(env={"CONFLUENT_VERSION": "7.9.0", "KAFKA_VERSION": "4.2.0"})["services"]
    assert told["broker-1"]["image"] == "apache/kafka:4.2.0"
    assert {told[name]["image"].rpartition(":")[2] for name in SERVICES - {"broker-1"}} == {"7.9.0"}


def test_three_brokers_by_the_file_of_variables() -> None:
    file = compose_file().with_name("three-brokers.env")
    told = config("--env-file", str(file))["services"]
    assert set(told) == {*SERVICES, "broker-2", "broker-3"}
    for n in (1, 2, 3):
        environment = told[f"broker-{n}"]["environment"]
        assert environment["KAFKA_NODE_ID"] == str(n)
        assert environment["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
        assert f"{n}@broker-{n}:9093" in environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]


def test_the_profile_of_the_database() -> None:
    told = config("--profile", "postgres")["services"]
    assert set(told) == {*SERVICES, "postgres"}


@pytest.mark.parametrize("brokers", [1, 3])
def test_the_variables_of_a_lab_are_those_of_the_file(brokers: int, tmp_path: Any) -> None:
    state = LabState.new("one").with_(brokers=brokers)
    ports = {name: 21000 + n for n, name in enumerate(components_of(state))}
    state = state.with_(ports=ports, host="127.0.0.2")
    told = config(env=variables(state, tmp_path))
    assert set(told["services"]) == set(components_of(state))
    for name, one in told["services"].items():
        (port,) = one["ports"]
        assert (port["host_ip"], int(port["published"])) == ("127.0.0.2", ports[name])
    broker = told["services"]["broker-1"]["environment"]
    assert broker["CLUSTER_ID"] == state.cluster_id
    assert broker["KAFKA_ADVERTISED_LISTENERS"].endswith(f"HOST://127.0.0.2:{ports['broker-1']}")
    assert told["services"]["connect"]["volumes"][0]["source"] == str(tmp_path)
    wanted = images(told, components_of(state))
    assert {image.name for image in wanted} == set(OFFICIAL.values())
