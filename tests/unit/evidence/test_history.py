"""Histories: appended as things happen, whole lines, in order."""

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from lab.evidence.errors import BrokenHistory
from lab.evidence.history import Clock, History, read_history, utc
from lab.evidence.model import Outcome


def test_a_line_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path, test="a.py::t", worker="gw1")
    entry = history.append(
        "step", actor="p", action="produce", target="t", outcome=Outcome.UNKNOWN, answer={"v": b"x"}
    )
    line = json.loads(path.read_text())
    assert line["outcome"] == "unknown"
    assert line["answer"] == {"v": {"hex": "78", "text": "x"}}
    assert line["worker"] == "gw1"
    assert read_history(path) == (entry,) == history.entries


def test_the_clock_never_stands_still() -> None:
    clock = Clock()
    ticks = [clock.tick() for _ in range(10_000)]
    assert ticks == sorted(set(ticks))


def test_utc() -> None:
    assert utc(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"


def _append(path: Path, worker: str, count: int) -> None:
    history = History(path, test=worker, worker=worker)
    for n in range(count):
        history.append("step", actor="a", action="x", answer={"n": n, "pad": "·" * 3000})


def test_threads_and_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_append, args=(path, f"p{n}", 40)) for n in range(2)]
    mine = [threading.Thread(target=_append, args=(path, f"t{n}", 40)) for n in range(4)]
    for process in others:
        process.start()
    for thread in mine:
        thread.start()
    for process in others:
        process.join(30)
    for thread in mine:
        thread.join(30)
    entries = read_history(path)
    assert len(entries) == 240
    for worker_name in ("p0", "p1", "t0", "t1", "t2", "t3"):
        own = [
            e.answer["n"] for e in entries if e.worker == worker_name and isinstance(e.answer, dict)
        ]
        assert own == list(range(40))


def test_a_line_cut_off_by_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path, test="t", worker="main")
    first = history.append("step", actor="a", action="x")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:30])
    assert read_history(path) == (first,)
    second = history.append("step", actor="a", action="y")
    assert path.read_bytes().count(b"\n") == 3
    with pytest.raises(BrokenHistory, match="line 2"):
        read_history(path)
    path.write_bytes(whole + json.dumps({"not": "an entry"}).encode() + b"\n")
    with pytest.raises(BrokenHistory, match="not an entry"):
        read_history(path)
    assert second.seq > first.seq


def test_an_outcome_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    History(path, test="t", worker="main").append("step", actor="a", action="x")
    path.write_text(path.read_text().replace('"ok"', '"fine"'))
    with pytest.raises(BrokenHistory, match="fine"):
        read_history(path)
