"""A lab of containers, lived through as a user and an experiment do."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.lab_command import LabCommand

from lab.clients.kafka import KafkaClient
from lab.compose.lifecycle import ComposeLab
from lab.config import Settings
from lab.errors import ComponentFailed, DownloadFailed, LabError, PortInUse
from lab.targets.compose import ComposeTarget
from lab.wire.segments import stored_records


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The state folder of ``run.sh``, whose lab is then used, or one of this module's own."""
    own = {"LAB_STATE_DIR": str(tmp_path_factory.mktemp("labs"))}
    return Settings.from_env({**own, **os.environ})


@pytest.fixture(scope="module")
def lab(settings: Settings) -> Iterator[ComposeLab]:
    """Broker, registry, ksqlDB and Connect, under a name that prefers no port."""
    made = ComposeLab(settings, "tried")
    made.up()
    yield made
    made.reset()
    assert made.engine.containers() == {}
    filters = {"label": f"com.docker.compose.project={made.engine.project}"}
    assert made.engine.client.volumes.list(filters=filters) == []
    assert made.engine.client.networks.list(filters=filters) == []


@pytest.fixture(scope="module")
def target(lab: ComposeLab) -> ComposeTarget:
    return ComposeTarget(lab)


@pytest.fixture
def user(settings: Settings) -> LabCommand:
    kept = {k: v for k, v in os.environ.items() if k.startswith(("LAB_START", "LAB_HEALTH"))}
    return LabCommand(settings.state_root, {**kept, "LAB_NAME": "tried"})


def test_every_component_says_what_it_is(target: ComposeTarget) -> None:
    told = {one.name: (one.product, one.version) for one in target.components()}
    assert set(told) == {"broker-1", "schema-registry", "ksqldb", "connect"}
    assert all(version != "unknown" for _, version in told.values()), told
    # The stand-ins are not Confluent's programs, and do not say that they are.
    assert not any("Confluent" in product for product, _ in told.values())


def test_connect_has_the_plug_ins_of_the_cache(target: ComposeTarget) -> None:
    answer = requests.get(f"{target.endpoints().connect_url}/connector-plugins", timeout=30)
    names = {one["class"].rpartition(".")[2] for one in answer.json()}
    assert {"PostgresConnector", "JdbcSinkConnector"} <= names


def test_commands_work_as_on_the_embedded_target(user: LabCommand) -> None:
    status = json.loads(user.run("status", "--json").stdout)
    assert status["target"] == "compose"
    assert {one["state"] for one in status["components"]} == {"running"}
    assert "LAB_CONNECT_URL=http://127.0.0.1:" in user.run("env").stdout
    assert user.run("logs", "broker-1", "-n", "5").stdout.strip()
    assert "Paused broker (container " in user.run("pause", "broker").stdout
    assert "[paused]" in user.run("status").stdout
    assert "paused: broker-1" in user.run("up", expect=1).stderr
    user.run("resume", "broker")
    assert "Killed connect (container " in user.run("kill", "connect").stdout
    assert "connect" in user.run("up").stderr
    assert "there is no component" in user.run("kill", "nobody", expect=2).stderr


def test_what_a_broker_stores_can_be_read_from_outside(
    target: ComposeTarget, lab: ComposeLab
) -> None:
    kafka = KafkaClient(lab.endpoints().bootstrap_servers)
    kafka.create_topic("read-from-outside", partitions=1, replication=1)
    kafka.produce("read-from-outside", b"once")
    target.kill("broker-1")
    folder = target.partition_dir("broker-1", "read-from-outside", 0)
    assert [record.value for record in stored_records(folder)] == [b"once"]
    target.restart("broker-1")
    kafka.produce("read-from-outside", b"twice")
    folder = target.partition_dir("broker-1", "read-from-outside", 0)
    assert [record.value for record in stored_records(folder)] == [b"once", b"twice"]
    assert list(target.partition_dir("broker-1", "nowhere", 0).iterdir()) == []
    memory = target.memory_of("broker-1")
    assert memory is not None
    assert memory > 100 * 2**20


def test_off_the_network_nobody_reaches_it(target: ComposeTarget, lab: ComposeLab) -> None:
    url = lab.endpoints().schema_registry_url
    assert requests.get(f"{url}/subjects", timeout=10).status_code == 200
    target.disconnect("schema-registry")
    with pytest.raises(requests.RequestException):
        requests.get(f"{url}/subjects", timeout=3)
    target.reconnect("schema-registry")
    assert requests.get(f"{url}/subjects", timeout=10).status_code == 200


def test_the_state_of_a_further_node_is_copied_and_removed(
    target: ComposeTarget, tmp_path: Path
) -> None:
    server = target.add_ksqldb(service_id="further_", properties={})
    try:
        assert requests.get(f"{server.url}/info", timeout=10).json()["KsqlServerInfo"][
            "ksqlServiceId"
        ] == "further_"  # fmt: skip
        ended = target.log_of(server.component)
        assert ended is not None
        assert ended.stat().st_size > 0
        target.copy_state(server.component, tmp_path / "state")
        assert (tmp_path / "state").is_dir()
        target.kill(server.component)
        target.remove_state(server.component, "gone")
        with pytest.raises(LabError):
            target.remove_state(server.component, "../etc")
    finally:
        target.remove_ksqldb(server.component)
    assert server.component not in target._lab.engine.containers()


def test_an_image_that_is_nowhere_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_IMAGE", "lab-stand-in/nowhere:latest")
    nowhere = ComposeLab(settings, "nowhere")
    with pytest.raises(DownloadFailed) as caught:
        nowhere.up(brokers_only=True)
    assert "could not be pulled" in caught.value.message
    assert nowhere.engine.containers() == {}
    nowhere.reset()


def test_a_container_that_dies_at_its_start_shows_its_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program of Connect in the broker's place: it lacks its variables and says which.
    monkeypatch.setenv("KAFKA_IMAGE", "lab-stand-in/connect:latest")
    dying = ComposeLab(settings, "dying")
    with pytest.raises(ComponentFailed) as caught:
        dying.up(brokers_only=True)
    assert caught.value.component == "broker-1"
    assert caught.value.exit_code_of_process == 1
    assert any("CONNECT_BOOTSTRAP_SERVERS" in line for line in caught.value.log_tail)
    assert dying.engine.containers() == {}
    dying.reset()


def test_a_port_in_use_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 29600)):
        taken = ComposeLab(settings, "taken")
        with pytest.raises(PortInUse) as caught:
            taken.up(brokers_only=True, port_base=29600)
    assert caught.value.port == 29600
    taken.reset()
