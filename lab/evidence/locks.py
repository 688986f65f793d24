"""Who may be in the room: many experiments at once, or one that restarts or kills components.

A lock between processes, so that it holds between the workers of pytest-xdist and between several
pytest sessions on one lab. Fair: once a disruptive experiment waits, no other enters before it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import EnvironmentProblem


def private_dir() -> Path:
    """A folder for locks that belongs to this user alone; made when it is missing.

    Raises EnvironmentProblem when somebody else sits at its place.
    """
    path = _private_path()
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.getuid():
        raise EnvironmentProblem(
            f"{path} belongs to somebody else", hint="Set TMPDIR to a folder of your own."
        )
    return path


def session_dir(run_name: str) -> Path:
    """The folder in which the processes of one pytest session meet; it goes with the session."""
    return _private_path() / f"session-{run_name}"


def _private_path() -> Path:
    return Path(tempfile.gettempdir()) / f"kafka-lab-{os.getuid()}"


def lock_path(target: str, lab_name: str, state_root: Path) -> Path:
    """The lock file of one lab: the same for every process that could reach it by this name."""
    key = "\0".join((target, lab_name, str(state_root)))
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    return private_dir() / f"experiments-{digest}"


@contextmanager
def room(path: Path, *, alone: bool) -> Iterator[None]:
    """Be in the room; ``alone`` waits until everybody has left and lets nobody in meanwhile."""
    with held(path.with_suffix(".gate")) as gate:
        inside = os.open(path.with_suffix(".room"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(inside, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        except BaseException:
            os.close(inside)
            raise
        fcntl.flock(gate, fcntl.LOCK_UN)
        try:
            yield
        finally:
            os.close(inside)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold the lock ``path`` exclusively; yields the handle."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)
