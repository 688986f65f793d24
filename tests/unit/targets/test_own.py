"""Which lab a command means when only its name is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.compose.plan import FOLDER
from lab.config import Settings
from lab.errors import EnvironmentProblem, UsageError
from lab.targets import own


class Fake:
    """A lab of which only being there and running is known."""

    def __init__(self, target: str, *, exists: bool, running: bool | None) -> None:
        self.target = target
        self._exists = exists
        self._running = running

    def exists(self) -> bool:
        return self._exists

    def is_running(self) -> bool:
        if self._running is None:
            raise EnvironmentProblem("no engine answers")
        return self._running


Choose = Callable[..., str]


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Choose:
    """The chosen target; True: runs, False: stopped, None: was never there."""

    def chosen(*, embedded: bool | None, compose: bool | str | None) -> str:
        settings = Settings(tmp_path, tmp_path)
        if compose is not None:
            folder = tmp_path / FOLDER / "default"
            folder.mkdir(parents=True)
            (folder / "lab.json").touch()
        labs: dict[str, Any] = {
            "embedded": Fake("embedded", exists=embedded is not None, running=bool(embedded)),
            "compose": Fake(
                "compose", exists=True, running=None if compose == "no engine" else bool(compose)
            ),
        }
        monkeypatch.setattr(own, "_of", lambda settings, name, target: labs[target])
        return own.own_lab(settings, "default").target

    return chosen


@pytest.mark.parametrize(
    ("embedded", "compose", "expected"),
    [
        (None, None, "embedded"),
        (True, None, "embedded"),
        (False, True, "compose"),
        (None, True, "compose"),
        (True, False, "embedded"),
        (False, False, "embedded"),
        (None, False, "compose"),
        (True, "no engine", "embedded"),
    ],
)
def test_the_one_that_runs_else_the_one_that_is_there(
    choose: Choose, embedded: bool | None, compose: bool | str | None, expected: str
) -> None:
    assert choose(embedded=embedded, compose=compose) == expected


def test_if_both_run_one_has_to_say_which(choose: Choose) -> None:
    with pytest.raises(UsageError, match="two labs"):
        choose(embedded=True, compose=True)


def test_targets_that_are_not_ours(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path)
    with pytest.raises(UsageError, match="not started"):
        own.own_lab(settings, "default", "external")
    with pytest.raises(UsageError, match="unknown target"):
        own.own_lab(settings, "default", "nowhere")
    assert own.own_labs(settings) == []
