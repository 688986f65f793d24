"""What a lab remembers of servers that were added to it."""

from __future__ import annotations

import os
from pathlib import Path

from lab.embedded.added import forget_added, new_server, orphans
from lab.embedded.components import components_of, ksqldb_places, ksqldb_state_dir
from lab.embedded.ports import listeners
from lab.embedded.process import start_identity
from lab.embedded.state import AddedKsqldb, LabFolder, LabState


def a_state(**added: AddedKsqldb) -> LabState:
    names = [*listeners(1), *(name.replace("_", "-") for name in added)]
    return LabState.new("one").with_(
        ports={name: 20_000 + n for n, name in enumerate(names)},
        added={name.replace("_", "-"): one for name, one in added.items()},
    )


def one(**changes: object) -> AddedKsqldb:
    found = {"service_id": "a_", "properties": ("x=1",), "owner": os.getpid()}
    found["owner_started"] = start_identity(os.getpid()) or ""
    return AddedKsqldb(**{**found, **changes})  # type: ignore[arg-type] # mixed on purpose


def test_it_is_a_component_with_a_name_of_its_own(tmp_path: Path) -> None:
    state = a_state(ksqldb_2=one())
    assert components_of(state)[-2:] == ("ksqldb", "ksqldb-2")
    assert new_server(state, "b_", ())[0] == "ksqldb-3"
    folder = LabFolder(tmp_path, "one")
    places = ksqldb_places(folder, state, tmp_path)["ksqldb-2"]
    assert (places.name, places.service_id, places.properties) == ("ksqldb-2", "a_", ("x=1",))
    assert places.port == state.ports["ksqldb-2"]
    assert places.state_dir != ksqldb_state_dir(folder)


def test_it_is_remembered_and_forgotten(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path, "one")
    folder.create()
    state = a_state(ksqldb_2=one(), ksqldb_3=one())
    folder.save(state)
    assert folder.load() == state
    (ksqldb_state_dir(folder, "ksqldb-2") / "store").mkdir(parents=True)
    left = forget_added(folder, state, ["ksqldb-2"])
    assert set(left.added) == {"ksqldb-3"}
    assert "ksqldb-2" not in left.ports
    assert folder.load() == left
    assert not ksqldb_state_dir(folder, "ksqldb-2").exists()


def test_its_owner_is_known_by_pid_and_start() -> None:
    state = a_state(ksqldb_2=one(), ksqldb_3=one(owner_started="another start"))
    assert orphans(state) == ("ksqldb-3",)
