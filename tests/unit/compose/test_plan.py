"""A lab of containers as variables of the compose file, all of it pure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.compose import ports
from lab.compose.plan import (
    Image,
    components_of,
    compose_file,
    endpoints_of,
    image_variables,
    images,
    project_name,
    resolve_component,
    role_of,
    url_of,
    variables,
)
from lab.embedded import ports as embedded_ports
from lab.embedded.state import LabState
from lab.errors import PortInUse, UsageError


def lab(brokers: int = 1, *, brokers_only: bool = False) -> LabState:
    state = LabState.new("one").with_(brokers=brokers, brokers_only=brokers_only)
    return state.with_(ports={name: 21000 + n for n, name in enumerate(components_of(state))})


def test_two_labs_of_one_name_are_two_projects() -> None:
    here, there = project_name(Path("/a/one"), "one"), project_name(Path("/b/one"), "one")
    assert here != there
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", here)


def test_every_variable_that_a_lab_sets_is_in_the_file() -> None:
    text = compose_file().read_text("utf-8")
    named = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    told = set(variables(lab(3), Path("/plugins"))) - {"COMPOSE_PROFILES"}
    assert told <= named
    assert "container_name:" not in text
    # Images and ports come with defaults: the file is of use without the lab.
    assert not re.search(r"\$\{[A-Z0-9_]+\}", text)


def test_three_brokers_vote_and_replicate() -> None:
    told = variables(lab(3), Path("/plugins"))
    assert told["LAB_VOTERS"] == "1@broker-1:9093,2@broker-2:9093,3@broker-3:9093"
    assert told["LAB_BOOTSTRAP"] == "broker-1:19092,broker-2:19092,broker-3:19092"
    assert (told["LAB_REPLICAS"], told["LAB_MIN_ISR"]) == ("3", "2")
    assert told["COMPOSE_PROFILES"] == "three-brokers"


def test_the_file_of_three_brokers_says_the_same_as_a_lab() -> None:
    text = compose_file().with_name("three-brokers.env").read_text("utf-8")
    lines = [line.partition("=") for line in text.splitlines() if not line.startswith("#")]
    told = variables(lab(3), Path("/plugins"))
    assert {name: told[name] for name, _, _ in lines} == {name: value for name, _, value in lines}


def test_one_broker_needs_no_profile() -> None:
    told = variables(lab(), Path("/plugins"))
    assert told["COMPOSE_PROFILES"] == ""
    assert told["LAB_BROKER_1_PORT"] == "21000"
    assert "LAB_BROKER_2_PORT" not in told


def test_where_components_answer() -> None:
    found = endpoints_of(lab(3))
    assert found.bootstrap_servers == "127.0.0.1:21000,127.0.0.1:21001,127.0.0.1:21002"
    assert found.connect_url == "http://127.0.0.1:21005"
    assert endpoints_of(lab(brokers_only=True)).ksqldb_url is None
    assert url_of("broker-1", lab()) == "127.0.0.1:21000"
    assert url_of("ksqldb", lab()) == "http://127.0.0.1:21002"


def test_names_that_people_use() -> None:
    assert resolve_component("broker", lab()) == "broker-1"
    assert resolve_component("registry", lab()) == "schema-registry"
    assert resolve_component("ksqldb-2", lab(), ("ksqldb-2",)) == "ksqldb-2"
    assert role_of("broker-3") == "broker"
    with pytest.raises(UsageError, match="there is no component 'broker'"):
        resolve_component("broker", lab(3))


def test_images_of_a_configuration() -> None:
    config = {
        "services": {
            "broker-1": {"image": "kafka:1"},
            "broker-2": {"image": "kafka:1"},
            "ksqldb": {"image": "ksql:2"},
            "built": {"build": "."},
        }
    }
    assert images(config, ("broker-1", "broker-2", "ksqldb", "built", "gone")) == (
        Image("kafka:1", ("broker-1", "broker-2")),
        Image("ksql:2", ("ksqldb",)),
    )
    assert image_variables(config) == {"KAFKA_IMAGE": "kafka:1", "KSQLDB_IMAGE": "ksql:2"}
    assert images({}, ("broker-1",)) == ()


def test_ports_are_remembered_or_well_known_or_free(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = {9092, 20000}
    monkeypatch.setattr(embedded_ports, "is_free", lambda port, host: port not in busy)
    monkeypatch.setattr(embedded_ports, "holder_of", lambda port: "somebody")
    choice = ports.choose(
        ("broker-1", "ksqldb", "connect"),
        well_known=True,
        remembered={"connect": 25000},
        taken={20001: "/other/lab"},
        host="127.0.0.1",
    )
    assert choice.ports == {"broker-1": 20002, "ksqldb": 8088, "connect": 25000}
    assert choice.remarks == ("broker-1: port 9092 is held by somebody; using 20002 instead",)


def test_fixed_ports_that_are_taken_name_their_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_ports, "is_free", lambda port, host: True)
    with pytest.raises(PortInUse, match="the lab in /other/lab"):
        ports.fixed(("broker-1", "ksqldb"), 25000, taken={25004: "/other/lab"}, host="127.0.0.1")
