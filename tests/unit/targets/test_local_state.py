"""The state folder of a node on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.targets.local_state import copy_folder, remove_folder


def kept(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_copy_has_every_file(tmp_path: Path) -> None:
    kept(tmp_path / "state", "app/0_0/rocksdb/store/CURRENT", "app/0_1/.lock")
    copy_folder(tmp_path / "state", tmp_path / "copy")
    assert files(tmp_path / "copy") == ["app/0_0/rocksdb/store/CURRENT", "app/0_1/.lock"]
    assert (tmp_path / "copy/app/0_1/.lock").read_text() == "app/0_1/.lock"


def test_what_vanishes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    kept(tmp_path / "state", "app/000007.sst")
    (tmp_path / "state/app/000008.sst").symlink_to(tmp_path / "gone")
    copy_folder(tmp_path / "state", tmp_path / "copy")
    assert files(tmp_path / "copy") == ["app/000007.sst"]


def test_a_node_that_kept_nothing_has_an_empty_copy(tmp_path: Path) -> None:
    copy_folder(tmp_path / "none", tmp_path / "copy")
    assert files(tmp_path / "copy") == []


def test_one_folder_is_removed(tmp_path: Path) -> None:
    kept(tmp_path, "mine/0_0/CURRENT", "other/0_0/CURRENT")
    remove_folder(tmp_path, "mine")
    remove_folder(tmp_path, "mine")
    assert files(tmp_path) == ["other/0_0/CURRENT"]


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "mine/0_0", "/etc"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    kept(tmp_path, "mine/0_0/CURRENT", "other/0_0/CURRENT")
    with pytest.raises(UsageError):
        remove_folder(tmp_path / "mine", name)
    assert len(files(tmp_path)) == 2
