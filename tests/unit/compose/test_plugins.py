"""Which folder of plug-ins a lab of containers mounts, and when it is completed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.compose.plan import PLUGINS_VARIABLE
from lab.compose.plugins import NOTED, complete, mounted_folder
from lab.config import Settings
from lab.embedded.state import LabState
from lab.errors import ChecksumMismatch, DownloadFailed, EnvironmentProblem, LabError


def settings(tmp_path: Path, own: Path | None = None) -> Settings:
    return Settings(tmp_path / "labs", tmp_path / "cache", connect_plugins=own)


def noted(folder: Path, phase: str = "ready") -> LabState:
    state = LabState.new("one").with_(phase=phase)
    return state.with_(versions={NOTED: {PLUGINS_VARIABLE: str(folder)}})


class Getting:
    """Stands for the download; ``failure`` is what it ends with."""

    def __init__(self, failure: LabError | None = None) -> None:
        self.failure = failure
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure


def test_the_caches_folder_is_mounted_and_completed(tmp_path: Path) -> None:
    given, getting = settings(tmp_path), Getting()
    folder = mounted_folder(given, LabState.new("one"))
    assert folder == tmp_path / "cache" / "connect-plugins"
    assert folder.is_dir()
    assert complete(given, LabState.new("one"), getting) == ()
    assert getting.calls == 1


def test_a_folder_of_the_users_is_mounted_and_nothing_downloaded(tmp_path: Path) -> None:
    given, getting = settings(tmp_path, tmp_path), Getting()
    assert mounted_folder(given, LabState.new("one")) == tmp_path
    assert complete(given, LabState.new("one"), getting) == ()
    assert getting.calls == 0
    assert not (tmp_path / "cache").exists()


def test_a_lab_keeps_its_folder_until_it_is_down(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    given, getting = settings(tmp_path), Getting()
    assert mounted_folder(given, noted(theirs)) == theirs
    complete(given, noted(theirs), getting)
    assert getting.calls == 0
    complete(given, noted(theirs, "stopped"), getting)  # it will mount the cache's
    assert getting.calls == 1


def test_who_says_no_gets_what_the_cache_has(tmp_path: Path) -> None:
    assert complete(settings(tmp_path), LabState.new("one"), None) == ()


def test_without_a_network_connect_starts_and_it_is_said(tmp_path: Path) -> None:
    getting = Getting(DownloadFailed("nobody answers"))
    (remark,) = complete(settings(tmp_path), LabState.new("one"), getting)
    assert "nobody answers" in remark
    assert "lab fetch --connect-plugins" in remark


@pytest.mark.parametrize("failure", [ChecksumMismatch("changed"), EnvironmentProblem("full")])
def test_a_changed_file_or_a_full_disk_is_no_remark(tmp_path: Path, failure: LabError) -> None:
    with pytest.raises(type(failure)):
        complete(settings(tmp_path), LabState.new("one"), Getting(failure))
