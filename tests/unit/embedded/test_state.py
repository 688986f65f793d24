"""A lab's state on disk: names, ids, locks, damaged files."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest

from lab.embedded.state import LabFolder, LabState, all_labs, check_name, new_cluster_id
from lab.errors import LabError, UsageError


def test_a_cluster_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = iter(
        ["-startswithadash123456", "-again-and-again123456", "goodgoodgoodgoodgood12"]
    )
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: next(candidates))
    assert new_cluster_id() == "goodgoodgoodgoodgood12"


def test_a_cluster_id_is_sixteen_bytes_as_kafka_writes_them() -> None:
    ids = {new_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    for cluster_id in ids:
        assert len(cluster_id) == 22
        assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
        assert not cluster_id.startswith("-")


@pytest.mark.parametrize("name", ["default", "three", "a", "lab-2", "0", "x" * 40])
def test_names_that_can_be(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a/b", "..", "a b", "é", "x" * 41, "a\n"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a lab's name"):
        check_name(name)


def test_state_survives_saving_and_loading(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path, "one")
    assert folder.load() is None
    folder.create()
    state = LabState.new("one").with_(phase="ready", ports={"ksqldb": 8088}, brokers=3)
    folder.save(state)
    assert folder.load() == state
    assert [each.name for each in all_labs(tmp_path)] == ["one"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"version": 99}', "null"])
def test_a_damaged_state_file_is_explained_and_left_alone(tmp_path: Path, text: str) -> None:
    folder = LabFolder(tmp_path, "one")
    folder.create()
    folder.file.write_text(text)
    with pytest.raises(LabError, match=r"lab\.json"):
        folder.load()
    assert folder.file.read_text() == text


def test_only_one_command_at_a_time_changes_a_lab(tmp_path: Path) -> None:
    folder = LabFolder(tmp_path, "one")
    with folder.locked():
        with pytest.raises(LabError, match="another command"), LabFolder(tmp_path, "one").locked():
            pytest.fail("two at once")
        with LabFolder(tmp_path, "two").locked():
            pass
    with folder.locked():
        pass


def test_no_labs_in_an_absent_folder(tmp_path: Path) -> None:
    assert all_labs(tmp_path / "absent") == []
