"""Sizes from options; faults that are undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.endpoints import Capabilities
from lab.errors import CapabilityMissing, LabError
from lab.evidence.faults import Faults
from lab.evidence.recorder import Evidence
from lab.evidence.scale import THOROUGH, Scale, scale_of
from lab.targets.base import Target


def scale(pytester: pytest.Pytester, *options: str) -> Scale:
    return scale_of(pytester.parseconfig(*options))


pytest_plugins = ["pytester"]


def test_sizes_come_from_options(pytester: pytest.Pytester) -> None:
    usual = scale(pytester)
    assert (usual.records, usual.rounds, usual.thorough) == (2_000, 1, False)
    long = scale(pytester, "--thorough", "--rounds", "3", "--seed", "7")
    assert (long.records, long.rounds, long.crashes) == (THOROUGH.records, 3, THOROUGH.crashes)
    assert long.thorough
    assert long.chance("K12").random() == scale(pytester, "--seed", "7").chance("K12").random()
    assert long.chance("K12").random() != long.chance("K13").random()


def test_nothing_is_no_size(pytester: pytest.Pytester) -> None:
    with pytest.raises(pytest.UsageError, match="--records"):
        scale(pytester, "--records", "0")


class Breakable:
    """A target that notes what is done to it; what is listed in ``fragile`` dies of a pause."""

    name = "embedded"

    def __init__(self, fragile: tuple[str, ...] = ()) -> None:
        self.done: list[str] = []
        self._fragile = fragile

    def capabilities(self) -> Capabilities:
        return Capabilities(kill=True, restart=True, reasons={"pause": "it has no clock"})

    def kill(self, component: str) -> None:
        self.done.append(f"kill {component}")

    def stop(self, component: str) -> None:
        self.done.append(f"stop {component}")

    def remove_state(self, component: str, application: str) -> None:
        self.done.append(f"remove {application} of {component}")

    def pause(self, component: str) -> None:
        self.done.append(f"pause {component}")

    def resume(self, component: str) -> None:
        if component in self._fragile:
            raise LabError(f"{component} is not running")
        self.done.append(f"resume {component}")

    def restart(self, component: str) -> None:
        self.done.append(f"restart {component}")


def faults_of(target: Breakable, tmp_path: Path) -> Faults:
    evidence = Evidence("K03", tmp_path / "history.jsonl", test="t")
    stub: Target = target  # type: ignore[assignment]  # only the faults are there
    return Faults(stub, evidence)


def test_what_is_left_broken_is_mended(tmp_path: Path) -> None:
    target = Breakable(fragile=("c",))
    faults = faults_of(target, tmp_path)
    faults.kill("a")
    for component in ("b", "c"):
        faults.pause(component)
    target.done.clear()
    faults.undo()
    assert target.done == ["resume b", "restart a"]
    target.done.clear()
    faults.undo()
    assert target.done == []


def test_what_was_stopped_is_started_again(tmp_path: Path) -> None:
    target = Breakable()
    faults = faults_of(target, tmp_path)
    faults.stop("a")
    faults.remove_state("a", "counting")
    faults.undo()
    assert target.done == ["stop a", "remove counting of a", "restart a"]


def test_what_was_mended_is_left_alone(tmp_path: Path) -> None:
    target = Breakable()
    faults = faults_of(target, tmp_path)
    faults.pause("a")
    faults.resume("a")
    faults.pause("b")
    faults.kill("b")
    faults.restart("b")
    target.done.clear()
    faults.undo()
    assert target.done == []


def test_what_is_not_offered_says_why(tmp_path: Path) -> None:
    faults = faults_of(Breakable(), tmp_path)
    faults.require("kill", "restart")
    with pytest.raises(CapabilityMissing, match="no clock"):
        faults.require("kill", "pause")
