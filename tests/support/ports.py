"""Ports for tests, below the ephemeral ones; each test process has a stretch of its own."""

from __future__ import annotations

import itertools
import os
import re

from lab.embedded.ports import is_free

STRETCH = 200
_worker = re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or "31"
_candidates = itertools.cycle(
    range(11000 + STRETCH * (int(_worker) % 32), 11000 + STRETCH * (int(_worker) % 32 + 1))
)


def next_port() -> int:
    """A free port that this process has not given out for a while."""
    for port in itertools.islice(_candidates, STRETCH):
        if is_free(port):
            return port
    raise RuntimeError("no free port is left for this test process")
