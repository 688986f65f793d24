"""Servers that are started beside a lab's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import requests
from support.lab_command import LabCommand

from lab.errors import UsageError
from lab.targets import embedded

ADD_AND_END = (
    "from lab.targets.embedded import connect;"
    "print(connect('default').add_ksqldb(service_id=None, properties={}).url)"
)


def test_they_are_components_and_leave_with_their_owner(
    user: LabCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.run("up")
    for name, value in user.environment().items():
        monkeypatch.setenv(name, value)
    lab = embedded.connect("default")
    assert lab is not None

    def states() -> dict[str, str]:
        return {c["name"]: c["state"] for c in user.json("status")["components"]}

    own = dict.fromkeys(("broker-1", "schema-registry", "ksqldb"), "running")
    properties = {"ksql.query.retry.backoff.initial.ms": "77"}
    server = lab.add_ksqldb(service_id="other_", properties=properties)
    assert service_id_of(server.url) == "other_"
    assert properties.items() <= properties_of(server.url).items()
    state_dir = user.state_root / "default" / "data" / server.component
    assert state_dir.is_dir()
    assert states() == {**own, "ksqldb-2": "running"}

    lab.kill("ksqldb-2")
    assert states()["ksqldb-2"] == "down"
    lab.restart("ksqldb-2")
    assert service_id_of(server.url) == "other_"
    assert properties.items() <= properties_of(server.url).items()
    lab.copy_state("ksqldb-2", user.state_root / "copy")
    log = lab.log_of("ksqldb-2")
    assert log is not None
    assert log.exists()

    # One whose owner is gone runs on until the lab is changed.
    added = subprocess.run(
        [sys.executable, "-c", ADD_AND_END], capture_output=True, text=True, check=True
    )
    assert service_id_of(added.stdout.strip()) == service_id_of(lab.endpoints().ksqldb_url or "")
    assert states()["ksqldb-3"] == "running"
    user.run("up")
    assert states() == {**own, "ksqldb-2": "running"}

    lab.remove_ksqldb("ksqldb-2")
    assert states() == own
    assert not state_dir.exists()
    for name in ("ksqldb", "ksqldb-2"):
        with pytest.raises(UsageError, match="was not added"):
            lab.remove_ksqldb(name)

    server = lab.add_ksqldb(service_id="other_", properties={})
    user.run("down")
    assert user.processes() == {}
    assert server.component == "ksqldb-2"
    assert not state_dir.exists()


def service_id_of(url: str) -> str:
    info = requests.get(f"{url}/info", timeout=30).json()
    return str(info["KsqlServerInfo"]["ksqlServiceId"])


def properties_of(url: str) -> dict[str, str]:
    body = {"ksql": "SHOW PROPERTIES;", "streamsProperties": {}}
    answer = requests.post(f"{url}/ksql", json=body, timeout=30).json()
    return {p["name"]: p["value"] for p in answer[0]["properties"]}
