"""Supervised processes: recorded, told from strangers, ended with all that they started."""

from __future__ import annotations

import dataclasses
import gc
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.embedded.process import (
    Child,
    ProcessRecord,
    ProcessSpec,
    find_strays,
    is_alive,
    is_paused,
    kill_all,
    load_records,
    log_tail,
    send,
    spawn,
    start_identity,
    stop_all,
    telling_tail,
)
from lab.wait import wait_until

FOREVER = "import signal, time\nprint('up', flush=True)\nwhile True: time.sleep(60)"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER
PARENT = (
    "import subprocess, sys\n"
    f"child = subprocess.Popen([sys.executable, '-c', {FOREVER!r}])\n"
    "print('child', child.pid, flush=True)\n"
    "child.wait()"
)


STARTED: list[Child] = []


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    kill_all(load_records(tmp_path).values())
    while STARTED:
        STARTED.pop().release()


def begin(folder: Path, code: str, name: str = "thing", grace: float = 5.0) -> Child:
    child = spawn(
        ProcessSpec(name, (sys.executable, "-c", code), stop_grace_seconds=grace),
        instance=f"test-{folder.name}",
        run_dir=folder,
        log_dir=folder,
    )
    STARTED.append(child)
    wait_until("it says that it is up", child.log.read_text)
    return child


def test_a_started_process_is_recorded_with_its_log_in_its_own_session(folder: Path) -> None:
    child = begin(folder, FOREVER)
    assert load_records(folder) == {"thing": child.record}
    assert is_alive(child.record)
    assert child.log.read_text() == "up\n"
    session = subprocess.run(
        ["ps", "-o", "sid=", "-p", str(child.record.pid)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(session.stdout) == child.record.pid


def test_a_released_process_goes_on_without_a_warning(folder: Path) -> None:
    child = begin(folder, FOREVER, name="released")
    child.release()
    released = child.record
    del child
    STARTED.clear()
    gc.collect()  # a warning would be an error here
    assert is_alive(released)


def test_stop_ends_it_politely(folder: Path) -> None:
    child = begin(folder, FOREVER)
    assert stop_all([child.record]) == []
    assert not is_alive(child.record)


def test_stop_kills_what_does_not_listen(folder: Path) -> None:
    child = begin(folder, STUBBORN, grace=0.3)
    assert stop_all([child.record]) == ["thing"]
    assert not is_alive(child.record)


def test_stop_ends_a_paused_one(folder: Path) -> None:
    child = begin(folder, FOREVER)
    send(child.record, signal.SIGSTOP)
    wait_until("it is paused", lambda: is_paused(child.record))
    assert stop_all([child.record]) == []
    assert not is_alive(child.record)


def test_stop_ends_its_children_too(folder: Path) -> None:
    child = begin(folder, PARENT)
    grandchild = int(child.log.read_text().split()[1])
    stop_all([child.record])
    wait_until("the grandchild is gone", lambda: start_identity(grandchild) is None)


def test_a_stranger_with_the_recorded_pid_is_not_touched(folder: Path) -> None:
    stranger = begin(folder, FOREVER, name="stranger")
    stale = dataclasses.replace(stranger.record, name="old", started="another boot:123")
    stale.save(folder)
    assert not is_alive(stale)
    assert not send(stale, signal.SIGKILL)
    assert stop_all([stale]) == []
    kill_all([stale])
    assert is_alive(stranger.record)


def test_a_zombie_counts_as_gone(folder: Path) -> None:
    child = begin(folder, FOREVER)
    child.popen.kill()
    process = psutil.Process(child.record.pid)
    wait_until("it is a zombie", lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert not is_alive(child.record)


def test_strays_are_found_by_the_instance_in_their_environment(folder: Path) -> None:
    child = begin(folder, PARENT)
    found = find_strays([f"test-{folder.name}"])
    grandchild = int(child.log.read_text().split()[1])
    assert {stray.pid for stray in found} == {child.record.pid, grandchild}
    assert {stray.name for stray in found} == {"thing"}
    assert find_strays(["nobody's"]) == []
    kill_all(found)
    assert find_strays([f"test-{folder.name}"]) == []


def test_an_unreadable_record_is_passed_over(folder: Path) -> None:
    (folder / "half.pid.json").write_text('{"name": "half", "pid"')
    (folder / "odd.pid.json").write_text(json.dumps({"something": "else"}))
    assert load_records(folder) == {}


def test_a_process_that_ended_at_once_has_an_exit_code_and_a_log(folder: Path) -> None:
    child = spawn(
        ProcessSpec("brief", (sys.executable, "-c", "print('oh no'); raise SystemExit(7)")),
        instance="test", run_dir=folder, log_dir=folder,
    )  # fmt: skip
    assert wait_until("it ended", child.exit_code) == 7
    assert log_tail(child.log) == ("oh no",)
    assert not is_alive(child.record)


def test_the_previous_log_is_kept(folder: Path) -> None:
    first = begin(folder, FOREVER)
    stop_all([first.record])
    begin(folder, FOREVER)
    assert (folder / "thing.previous.log").read_text() == "up\n"


def test_a_log_tail_is_the_end_even_of_a_large_log(tmp_path: Path) -> None:
    log = tmp_path / "large.log"
    log.write_text("".join(f"line {n}\n" for n in range(50_000)))
    assert log_tail(log, 3) == ("line 49997", "line 49998", "line 49999")
    assert log_tail(tmp_path / "absent.log") == ()


def test_a_telling_tail_has_no_stack_frames(tmp_path: Path) -> None:
    log = tmp_path / "java.log"
    frames = "".join(f"\tat kafka.Thing.call(Thing.scala:{n})\n" for n in range(100))
    log.write_text(
        f"starting\n[main] ERROR it broke\njava.lang.RuntimeException: why\n{frames}"
        f"Caused by: deeper\n{frames}\t... 12 more\nshut down\n"
    )
    assert telling_tail(log, 4) == (
        "[main] ERROR it broke",
        "java.lang.RuntimeException: why",
        "Caused by: deeper",
        "shut down",
    )


def test_a_record_survives_saving_and_loading(tmp_path: Path) -> None:
    record = ProcessRecord("a", 1, "then", "i", 3.5)
    record.save(tmp_path)
    assert load_records(tmp_path) == {"a": record}
