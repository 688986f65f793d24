"""Ports for tests, below the ephemeral ones; each test process has a stretch of its own."""

from __future__ import annotations

import fcntl
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab.embedded.ports import is_free

FIRST = 11000
STRETCH = 150
STRETCHES = 60


def _claim() -> Iterator[int]:
    """The ports of a stretch that no other test process of this machine uses, round and round.

    The claim is a lock that lasts as long as this process; the kernel lifts it even after a kill.
    """
    folder = Path(tempfile.gettempdir()) / f"kafka-lab-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in range(STRETCHES):
        lock = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        begin = FIRST + STRETCH * number
        return itertools.cycle(range(begin, begin + STRETCH))
    raise RuntimeError("no stretch of ports is left for this test process")


_candidates: Iterator[int] = iter(())


def next_port() -> int:
    """A free port that this process has not given out for a while."""
    global _candidates  # noqa: PLW0603 - claimed once, by the first test that needs a port
    found = next(_candidates, None)
    if found is None:
        _candidates = _claim()
        found = next(_candidates)
    for port in itertools.chain((found,), itertools.islice(_candidates, STRETCH)):
        if is_free(port):
            return port
    raise RuntimeError("no free port is left for this test process")
