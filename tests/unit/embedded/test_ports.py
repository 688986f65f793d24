"""Ports: preferred, free, claimed, and who holds one."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lab.embedded import ports
from lab.errors import PortInUse


@pytest.fixture
def busy_port() -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_every_listener_gets_a_port_of_its_own_below_the_ephemeral_ones() -> None:
    choice = ports.choose(3, well_known=False, remembered={}, taken={})
    assert set(choice.ports) == set(ports.listeners(3))
    assert len(set(choice.ports.values())) == len(choice.ports)
    assert all(20000 <= port < 30000 for port in choice.ports.values())


def test_remembered_ports_are_kept_while_they_are_free() -> None:
    first = ports.choose(1, well_known=False, remembered={}, taken={})
    again = ports.choose(1, well_known=False, remembered=first.ports, taken={})
    assert again == first


def test_a_busy_preferred_port_is_replaced_and_its_holder_named(busy_port: int) -> None:
    choice = ports.choose(1, well_known=False, remembered={"ksqldb": busy_port}, taken={})
    assert choice.ports["ksqldb"] != busy_port
    (remark,) = choice.remarks
    assert f"port {busy_port} is held by" in remark
    assert f"pid {os.getpid()}" in remark


def test_another_labs_claim_is_respected() -> None:
    first = ports.choose(1, well_known=False, remembered={}, taken={})
    taken = dict.fromkeys(first.ports.values(), "/other/lab")
    second = ports.choose(1, well_known=False, remembered={}, taken=taken)
    assert not set(first.ports.values()) & set(second.ports.values())


def test_fixed_ports_count_from_the_base() -> None:
    base = ports.choose(1, well_known=False, remembered={}, taken={}).ports["broker-1"] + 500
    chosen = ports.fixed(3, base, taken={}).ports
    assert [chosen[f"broker-{n}"] for n in (1, 2, 3)] == [base, base + 1, base + 2]
    assert (chosen["schema-registry"], chosen["ksqldb"]) == (base + 3, base + 4)


def test_a_busy_fixed_port_is_an_error_that_names_the_holder(busy_port: int) -> None:
    with pytest.raises(PortInUse, match=rf"port {busy_port} .*pid {os.getpid()}") as failure:
        ports.fixed(1, busy_port, taken={})
    assert "broker-1" in str(failure.value.hint)


def test_claims_count_only_while_their_lab_is_up(tmp_path: Path) -> None:
    up, down, gone = tmp_path / "up", tmp_path / "down", tmp_path / "gone"
    for folder, phase in ((up, "ready"), (down, "stopped")):
        folder.mkdir()
        (folder / "lab.json").write_text(json.dumps({"phase": phase}))
    claims = ports.PortClaims(tmp_path)
    with claims.exclusively() as held:
        held.update({20001: str(up), 20002: str(down), 20003: str(gone)})
    with claims.exclusively() as held:
        assert held == {20001: str(up)}


def test_a_damaged_claims_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{nonsense")
    with ports.PortClaims(tmp_path).exclusively() as held:
        assert held == {}
