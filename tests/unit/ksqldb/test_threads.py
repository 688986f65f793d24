"""Threads that call into the JVM."""

from __future__ import annotations

import threading
from collections.abc import Callable

import jpype  # type: ignore[import-untyped] # it has none
import pytest

from lab.ksqldb.jvm.threads import JavaCaller

pytestmark = pytest.mark.usefixtures("jvm")
COUNT = 10


def left_behind(make: Callable[[Callable[[], object]], threading.Thread]) -> int:
    """How many threads the JVM knows more after some called into it and ended."""
    names = jpype.java.lang.Thread.getAllStackTraces
    before = len(names())
    for _ in range(COUNT):
        thread = make(jpype.java.lang.System.nanoTime)
        thread.start()
        thread.join()
    return len(names()) - before


def test_threads_that_ended_are_not_kept_by_the_jvm() -> None:
    # Another thread of the JVM's own may come or go meanwhile.
    assert left_behind(lambda work: JavaCaller(target=work)) < COUNT / 2


def test_plain_threads_are_kept() -> None:
    assert left_behind(lambda work: threading.Thread(target=work)) >= COUNT / 2
