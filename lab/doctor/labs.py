"""Labs on this machine: running, half down, or left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from lab.config import Settings
from lab.doctor.model import CheckResult
from lab.embedded.components import processes_of
from lab.embedded.process import INSTANCE_VARIABLE, is_alive, load_records
from lab.embedded.state import LabFolder, LabState, all_labs
from lab.errors import LabError


@dataclass(frozen=True)
class Seen:
    """A lab's state, and which of its processes live: recorded ones by name, and strays' pids."""

    state: LabState
    alive: frozenset[str]
    strays: tuple[int, ...] = ()


def check_labs(settings: Settings) -> list[CheckResult]:
    """One result per lab of the state folder, and one for processes of labs elsewhere."""
    marked = _marked_processes()
    results = []
    known: set[int] = set()
    for folder in all_labs(settings.state_root):
        try:
            state = folder.load()
        except LabError as error:
            results.append(CheckResult(f"lab {folder.name}", "warn", error.message, error.hint))
            continue
        if state is not None:
            seen = _look(folder, state, marked)
            known.update(pid for pid, mark in marked.items() if mark == state.instance)
            results.append(judge_lab(seen))
    elsewhere = sorted(set(marked) - known)
    if elsewhere:
        results.append(judge_elsewhere(elsewhere))
    return results or [CheckResult("labs", "ok", f"none yet in {settings.state_root}")]


def _look(folder: LabFolder, state: LabState, marked: Mapping[int, str]) -> Seen:
    records = [record for record in load_records(folder.run).values() if is_alive(record)]
    own = {record.pid for record in records}
    strays = (pid for pid, mark in marked.items() if mark == state.instance and pid not in own)
    return Seen(state, frozenset(record.name for record in records), tuple(sorted(strays)))


def _marked_processes() -> dict[int, str]:
    """The processes of this user that some lab has started: pid → instance."""
    marked = {}
    for process in psutil.process_iter(["pid"]):
        with contextlib.suppress(psutil.Error, OSError):
            instance = process.environ().get(INSTANCE_VARIABLE)
            if instance:
                marked[process.pid] = instance
    return marked


def judge_lab(seen: Seen) -> CheckResult:
    """Running means that every component does; stopped means that nothing is left."""
    state = seen.state
    name = f"lab {state.name}"
    option = "" if state.name == "default" else f" --name {state.name}"
    components = processes_of(state)
    expected = {process for processes in components.values() for process in processes}
    if state.phase == "ready":
        down = sorted(expected - seen.alive)
        if not down:
            return CheckResult(name, "ok", f"running, {len(expected)} processes")
        if len(down) == len(expected):
            return CheckResult(
                name, "warn", "was up, but none of its processes runs any more",
                f"`lab up{option}` starts it again; its data is there.",
            )  # fmt: skip
        return CheckResult(
            name, "warn", f"running without {', '.join(down)}",
            f"`lab up{option}` starts what is missing; `lab logs` says why it ended.",
        )  # fmt: skip
    left = sorted(seen.alive) + [f"pid {pid}" for pid in seen.strays]
    if left:
        return CheckResult(
            name, "warn", f"not up ({state.phase}), but left running: {', '.join(left)}",
            f"If no `lab up` is at work, `lab down{option}` ends them.",
        )  # fmt: skip
    return CheckResult(name, "ok", "stopped, nothing left running")


def judge_elsewhere(pids: list[int]) -> CheckResult:
    """Labs of other state folders are nobody's business here; they are only named."""
    shown = ", ".join(map(str, pids[:8])) + (", …" if len(pids) > 8 else "")
    return CheckResult("other labs", "ok", f"{len(pids)} processes of other folders' labs: {shown}")
