"""A lab that has brokers and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.embedded.components import components_of, endpoints_of, resolve_component
from lab.embedded.ports import listeners
from lab.embedded.state import LabFolder, LabState
from lab.errors import UsageError


def a_state(*, brokers_only: bool) -> LabState:
    ports = {name: 20_000 + n for n, name in enumerate(listeners(3))}
    return LabState.new("three").with_(brokers=3, brokers_only=brokers_only, ports=ports)


def test_it_has_no_other_components() -> None:
    state = a_state(brokers_only=True)
    assert components_of(state) == ("broker-1", "broker-2", "broker-3")
    assert set(components_of(a_state(brokers_only=False))) > set(components_of(state))
    assert resolve_component("broker-2", state) == "broker-2"
    with pytest.raises(UsageError, match="ksqldb"):
        resolve_component("ksqldb", state)


def test_nothing_else_answers() -> None:
    endpoints = endpoints_of(a_state(brokers_only=True))
    assert len(endpoints.bootstrap_servers.split(",")) == 3
    assert endpoints.schema_registry_url is None
    assert endpoints.ksqldb_url is None


def test_it_is_remembered(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path, "three")
    folder.create()
    folder.save(a_state(brokers_only=True))
    loaded = folder.load()
    assert loaded is not None
    assert loaded.brokers_only
