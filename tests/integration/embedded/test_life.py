"""A lab's ordinary life, by its commands."""

from __future__ import annotations

import subprocess
import uuid

import pytest
import requests
from confluent_kafka import Consumer, Producer, TopicPartition
from support.lab_command import LabCommand

from lab.wait import wait_until


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(topic, value, on_delivery=lambda error, _message: errors.append(error))
    assert producer.flush(20) == 0
    assert errors == [None]


def first_value(bootstrap: str, topic: str) -> bytes:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = wait_until("a record is served", lambda: consumer.poll(0.2), every_seconds=0)
        value = message.value()
        assert value is not None
        return bytes(value)
    finally:
        consumer.close()


def ksql(url: str, statement: str) -> requests.Response:
    return requests.post(
        f"{url}/ksql", json={"ksql": statement, "streamsProperties": {}}, timeout=30
    )


def test_up_proves_every_part_and_a_second_up_changes_nothing(user: LabCommand) -> None:
    told = user.run("up")
    for name in ("broker-1", "schema-registry", "ksqldb"):
        assert f"{name}" in told.stderr
    assert "Apache Kafka 4." in told.stdout
    assert "Apicurio" in told.stdout
    assert "ksqlDB-compatible server on Kafka Streams" in told.stdout
    before = user.processes()
    again = user.run("up")
    assert "running already" in again.stdout
    assert user.processes() == before

    status = user.json("status")
    assert {c["name"]: c["state"] for c in status["components"]} == {
        "broker-1": "running",
        "schema-registry": "running",
        "ksqldb": "running",
    }
    stopped = user.run("down")
    assert "broker-1" in stopped.stdout
    assert user.processes() == {}
    assert "was not running" in user.run("down").stdout


def test_the_readiness_proofs_leave_nothing_behind(user: LabCommand) -> None:
    user.run("up")
    endpoints = user.json("env")
    registry, ksqldb = endpoints["LAB_SCHEMA_REGISTRY_URL"], endpoints["LAB_KSQLDB_URL"]
    assert requests.get(f"{registry}/subjects", timeout=10).json() == []
    streams = ksql(ksqldb, "SHOW STREAMS;").json()[0]["streams"]
    assert [stream["name"] for stream in streams if "PROBE" in stream["name"]] == []


def test_the_registry_has_a_root_url_and_begins_with_backward(user: LabCommand) -> None:
    user.run("up")
    url = user.json("env")["LAB_SCHEMA_REGISTRY_URL"]
    assert requests.get(f"{url}/config", timeout=10).json() == {"compatibilityLevel": "BACKWARD"}


def test_the_environment_can_be_evaluated_by_a_shell(user: LabCommand) -> None:
    user.run("up")
    shell = subprocess.run(
        ["bash", "-c", f'eval "$({" ".join(user.shell_words("env"))})"; echo $LAB_KSQLDB_URL'],
        env=user.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout.strip() == user.json("env")["LAB_KSQLDB_URL"]


def test_data_survives_down_and_up_and_a_kill_of_every_component(user: LabCommand) -> None:
    user.run("up")
    endpoints = user.json("env")
    bootstrap = endpoints["LAB_BOOTSTRAP_SERVERS"]
    registry, ksqldb = endpoints["LAB_SCHEMA_REGISTRY_URL"], endpoints["LAB_KSQLDB_URL"]
    produce(bootstrap, "kept", b"a record")
    made = requests.post(
        f"{registry}/subjects/kept-value/versions", json={"schema": '"string"'}, timeout=10
    )
    assert made.status_code == 200
    level = requests.put(f"{registry}/config", json={"compatibility": "FULL"}, timeout=10)
    assert level.status_code == 200
    assert ksql(
        ksqldb, "CREATE STREAM KEPT (A INT) WITH (KAFKA_TOPIC='kept', VALUE_FORMAT='JSON');"
    ).ok

    for component in ("broker", "registry", "ksqldb"):
        user.run("kill", component)
    user.run("up")
    user.run("down")
    user.run("up")
    assert user.json("env") == endpoints
    assert first_value(bootstrap, "kept") == b"a record"
    served = requests.get(f"{registry}/subjects/kept-value/versions/1", timeout=10).json()
    assert served["id"] == made.json()["id"]
    assert requests.get(f"{registry}/config", timeout=10).json() == {"compatibilityLevel": "FULL"}
    streams = ksql(ksqldb, "SHOW STREAMS;").json()[0]["streams"]
    assert "KEPT" in {stream["name"] for stream in streams}


def test_a_paused_component_keeps_silent_until_it_is_resumed(user: LabCommand) -> None:
    user.run("up")
    url = user.json("env")["LAB_KSQLDB_URL"]
    user.run("pause", "ksqldb")
    assert "paused" in user.run("status").stdout
    with pytest.raises(requests.Timeout):
        requests.get(f"{url}/info", timeout=0.5)
    assert "lab resume ksqldb" in user.run("up", expect=1).stderr
    user.run("resume", "ksqldb")
    assert requests.get(f"{url}/info", timeout=20).ok


def test_a_killed_component_is_seen_and_completed_by_up(user: LabCommand) -> None:
    user.run("up")
    before = {c["name"]: c["pids"] for c in user.json("status")["components"]}
    user.run("kill", "ksqldb")
    states = {c["name"]: c["state"] for c in user.json("status")["components"]}
    assert states == {"broker-1": "running", "schema-registry": "running", "ksqldb": "down"}
    user.run("up")
    after = {c["name"]: c["pids"] for c in user.json("status")["components"]}
    assert after["broker-1"] == before["broker-1"]
    assert after["schema-registry"] == before["schema-registry"]
    assert after["ksqldb"] != before["ksqldb"]


def test_one_component_can_be_restarted(user: LabCommand) -> None:
    user.run("up")
    before = {c["name"]: c["pids"] for c in user.json("status")["components"]}
    user.run("restart", "broker")
    after = {c["name"]: c["pids"] for c in user.json("status")["components"]}
    assert after["broker-1"] != before["broker-1"]
    assert after["ksqldb"] == before["ksqldb"]


def test_logs_are_shown(user: LabCommand) -> None:
    user.run("up")
    assert "Kafka Server started" in user.run("logs", "broker", "-n", "9999").stdout
    everything = user.run("logs").stdout
    assert "broker-1 | " in everything
    assert "schema-registry | " in everything


def test_reset_removes_the_data_and_only_with_consent(user: LabCommand) -> None:
    user.run("up")
    produce(user.json("env")["LAB_BOOTSTRAP_SERVERS"], "lost", b"x")
    assert "--yes" in user.run("reset", expect=2).stderr
    user.run("reset", "--yes")
    assert user.processes() == {}
    assert list(user.state_root.iterdir()) == []
    user.run("up")


def test_without_a_lab_commands_say_so(user: LabCommand) -> None:
    for args in (["status"], ["env"], ["kill", "broker"], ["restart"], ["logs"]):
        assert "lab up" in user.run(*args, expect=3).stderr


def test_wrong_words_are_explained(user: LabCommand) -> None:
    assert "lab up" in user.run("upp", expect=2).stderr
    assert "1 or 3" in user.run("up", "--brokers", "2", expect=2).stderr
    assert "lab's name" in user.run("up", "--name", "../x", expect=2).stderr
    user.run("up", "--port-base", "80", expect=2)


def test_an_unknown_component_is_answered_with_the_known_ones(user: LabCommand) -> None:
    user.run("up")
    assert "schema-registry" in user.run("kill", "zookeeper", expect=2).stderr
    assert "1 broker" in user.run("up", "--brokers", "3", expect=2).stderr
