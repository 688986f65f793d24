"""Finding Java: pip's, or the user's, which must run and be new enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.embedded.jre import find_java
from lab.errors import JavaNotUsable


def fake_java(home: Path, script: str) -> Path:
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f"#!/bin/sh\n{script}\n")
    launcher.chmod(0o755)
    return home


def test_the_default_comes_with_pip_and_can_make_start_up_caches() -> None:
    java = find_java(None)
    assert java.java.is_file()
    assert java.major >= 25
    assert java.has_aot_cache


def test_a_named_java_tells_its_version(tmp_path: Path) -> None:
    java = find_java(fake_java(tmp_path, """echo 'openjdk version "17.0.15" 2025-04-15' >&2"""))
    assert (java.version, java.major, java.has_aot_cache) == ("17.0.15", 17, False)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("""echo 'java version "1.8.0_402"' >&2""", "needs 17"),
        ("""echo 'openjdk version "11.0.2"' >&2""", "needs 17"),
        ("echo broken >&2; exit 1", "does not tell its version: broken"),
        ("exit 0", "does not tell its version"),
    ],
)
def test_a_java_that_will_not_do_is_explained(tmp_path: Path, script: str, problem: str) -> None:
    with pytest.raises(JavaNotUsable, match=problem) as failure:
        find_java(fake_java(tmp_path, script))
    assert "LAB_JAVA_HOME" in str(failure.value.hint)


def test_a_folder_without_java_is_explained(tmp_path: Path) -> None:
    with pytest.raises(JavaNotUsable, match="no launcher"):
        find_java(tmp_path)


def test_a_file_that_is_no_program_is_explained(tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "java"
    launcher.parent.mkdir()
    launcher.write_bytes(b"\x00\x01")
    launcher.chmod(0o755)
    with pytest.raises(JavaNotUsable, match="does not"):
        find_java(tmp_path)
