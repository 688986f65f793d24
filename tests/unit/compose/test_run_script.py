"""The part of the tests that needs an engine: "not run" where there can be none, else it counts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "compose" / "run.sh"


def run(tmp_path: Path, **programs: str) -> tuple[int, str]:
    """Its exit code and what it said, with these programs in the places of the real ones."""
    for name, script in {"docker": "exit 1", **programs}.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
    done = subprocess.run(
        ["bash", str(SCRIPT), "K01"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    left = [entry.name for entry in tmp_path.iterdir() if entry.is_dir()]
    assert left == []
    return done.returncode, done.stdout


def test_not_run_with_the_reason(tmp_path: Path) -> None:
    code, said = run(tmp_path, id="echo 1000")
    assert (code, said) == (0, "not run: no Docker engine answers, and only root could start one\n")


def test_an_engine_that_cannot_be_installed_is_a_reason(tmp_path: Path) -> None:
    code, said = run(
        tmp_path, id="echo 0", dockerd="exit 1", **{"apt-get": "echo no mirror >&2; exit 100"}
    )
    assert code == 0
    assert said.startswith("not run: ")


def test_a_script_that_breaks_is_a_failure(tmp_path: Path) -> None:
    code, said = run(tmp_path, mkdir="exit 1")
    assert (code, said) == (1, "")
