"""What a disk refuses, in words: full, read-only, not a folder; and one at a time in a folder."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.errors import EnvironmentProblem


@contextmanager
def translating_disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full disk, a read-only folder and missing rights into EnvironmentProblem."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise EnvironmentProblem(
                f"{folder}: no space left on the disk",
                hint="Free some space, or set LAB_CACHE_DIR and LAB_STATE_DIR to a larger disk.",
            ) from error
        if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}:
            raise EnvironmentProblem(
                f"{error.filename or folder}: cannot be written: {os.strerror(error.errno)}",
                hint="Make it writable, or set LAB_CACHE_DIR and LAB_STATE_DIR to other folders.",
            ) from error
        raise


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Wait until no other process or thread holds this lock, a file, and hold it."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)
