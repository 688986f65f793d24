"""Threads that call into the JVM and end before it does."""

from __future__ import annotations

import threading

import jpype  # type: ignore[import-untyped] # it has none


class JavaCaller(threading.Thread):
    """A thread that leaves the JVM when it ends.

    JPype attaches a thread at its first call into Java and never detaches it: the JVM would keep
    an entry, pointing at a thread of the operating system that is gone, for each one that ended.
    """

    def run(self) -> None:
        """Do the work, then leave."""
        try:
            super().run()
        finally:
            if jpype.isJVMStarted() and jpype.java.lang.Thread.isAttached():
                jpype.java.lang.Thread.detach()
