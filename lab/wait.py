"""Waiting for a named condition: the only place in the project that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lab.errors import ConditionTimeout

T = TypeVar("T")


def wait_until(
    condition: str,
    probe: Callable[[], T | None],
    *,
    timeout_seconds: float = 30.0,
    every_seconds: float = 0.05,
    give_up: Callable[[], None] | None = None,
    ignore: tuple[type[BaseException], ...] = (),
) -> T:
    """Call ``probe`` until it returns something truthy, and return that.

    ``condition`` names what is waited for, in words that make sense in an error. ``give_up`` is
    called between probes and raises when waiting has become pointless (a process died).
    Exceptions of the types in ``ignore`` count as "not yet" and become the last observation.

    Raises ConditionTimeout with the last observation when the time is over.
    """
    deadline = time.monotonic() + timeout_seconds
    last: object = None
    while True:
        try:
            value = probe()
            if value:
                return value
            last = value
        except ignore as error:
            last = error
        if give_up is not None:
            give_up()
        if time.monotonic() >= deadline:
            raise ConditionTimeout(condition, timeout_seconds, last)
        time.sleep(every_seconds)
