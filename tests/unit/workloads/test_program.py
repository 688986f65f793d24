"""Workloads in processes of their own: they end where they were told to, and only there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.workloads.program import KILLED, Crash, Process, ProgramFailed

BODY = """
from lab.workloads.program import Crash
crash = Crash({arguments})
for n in range(1, 4):
    print("came to", n, flush=True)
    crash.at("point")
    crash.at("other")
print("went through", flush=True)
"""


def run(arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BODY.format(arguments=arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_kills_itself_at_the_chosen_time_of_the_chosen_point() -> None:
    done = run("'point', nth=2")
    assert done.returncode == KILLED
    assert done.stdout == "came to 1\ncame to 2\n"


@pytest.mark.parametrize("arguments", ["", "'elsewhere'", "'point', nth=9"])
def test_it_goes_on_where_it_was_not_told_to(arguments: str) -> None:
    done = run(arguments)
    assert done.returncode == 0
    assert done.stdout.endswith("went through\n")


def python(code: str, tmp_path: Path) -> Process:
    return Process("python", [sys.executable, "-c", code], errors=tmp_path / "errors")


def test_a_late_crash_comes_while_it_goes_on(tmp_path: Path) -> None:
    body = (
        "from lab.workloads.program import Crash\nCrash('p', delay_ms=20).at('p')\ninput_ = 0\n"
        "import threading; threading.Event().wait(60)"
    )
    with python(body, tmp_path) as process:
        process.must_end_with(KILLED)


def test_a_frozen_one_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    body = "from lab.workloads.program import Crash\nCrash('p', freeze=True).at('p')"
    with python(body, tmp_path) as process:
        process.wait_until_frozen()
        process.resume()
        process.must_end_with(0)


def test_one_that_ends_otherwise_says_what_it_said(tmp_path: Path) -> None:
    with (
        python("raise SystemExit('no broker')", tmp_path) as process,
        pytest.raises(ProgramFailed, match=r"ended with 1, not 0: no broker"),
    ):
        process.must_end_with(0)
    with (
        python("raise SystemExit('no broker')", tmp_path) as process,
        pytest.raises(ProgramFailed, match="ended with 1"),
    ):
        process.wait_until_logged(lambda: False, "something")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with python("import threading; threading.Event().wait(60)", tmp_path) as process:
        assert process.exit_code() is None
    assert process.exit_code() == KILLED


def test_a_crash_has_the_fields_of_its_json() -> None:
    assert Crash(point="p", nth=2, delay_ms=1.5, freeze=True).freeze
