"""Small Java programs are compiled once, without a JDK, and say what is wrong with them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.embedded.java_program import DoesNotCompile, command, compiled
from lab.embedded.outfit import Outfit

HELLO = """
public final class Hello {
    public static void main(String[] arguments) {
        System.out.println("hello " + arguments[0]);
    }
}
"""


def test_it_is_compiled_once_and_runs(outfit: Outfit, tmp_path: Path) -> None:
    own = replace(outfit, cache_dir=tmp_path / "cache")
    source = tmp_path / "Hello.java"
    source.write_text(HELLO)
    classes = compiled(source, own)
    before = (classes / "Hello.class").stat().st_mtime_ns
    done = subprocess.run(
        command(source, own, ["there"]), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "hello there\n")
    assert (classes / "Hello.class").stat().st_mtime_ns == before
    source.write_text(HELLO.replace("hello", "goodbye"))
    assert compiled(source, own) != classes
    assert not [left for left in classes.parent.iterdir() if left.name.startswith(".compile")]


def test_what_the_compiler_says_is_passed_on(outfit: Outfit, tmp_path: Path) -> None:
    source = tmp_path / "Hello.java"
    source.write_text(HELLO.replace("println", "prinln"))
    with pytest.raises(DoesNotCompile, match="prinln"):
        compiled(source, replace(outfit, cache_dir=tmp_path / "cache"))
