"""Starts and stops the JVM inside this process. It can be started once."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import _jpype  # type: ignore[import-not-found] # it has none
import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.errors import StartError

_STOP_SECONDS = 30

_OPTIONS = (
    "-Xrs",  # signals belong to Python
    "-Xmx768m",
    # Queries make short-lived objects, gigabytes a second: what counts is how long their threads
    # stand still, and how often.
    "-XX:+UseParallelGC",
    "-XX:NewRatio=1",
    "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.logFile=System.err",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams.processor.internals.StateDirectory=error",
    # Said of every bounded read that ends.
    (
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.consumer.internals"
        ".OffsetFetcherUtils=error"
    ),
    # A reader that starts before its topic's leader is known warns about what mends itself.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.consumer.ConsumerConfig=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.admin.AdminClientConfig=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.producer.ProducerConfig=error",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams.StreamsConfig=error",
    # Records that cannot be read are in the processing log.
    (
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.streams.processor.internals"
        ".RecordDeserializer=error"
    ),
)


def library(java_home: Path) -> Path:
    """The JVM's library of a Java home.

    Raises:
        StartError: there is none.
    """
    suffix = "dylib" if sys.platform == "darwin" else "so"
    found = java_home / "lib" / "server" / f"libjvm.{suffix}"
    if not found.exists():
        raise StartError(f"no Java runtime in {java_home}: {found} is missing")
    return found


def start(java_home: Path, classpath: Sequence[Path], options: Sequence[str]) -> None:
    """Start the JVM, from the main thread; options given later win.

    The starting thread is Java's main thread: had it ended, the JVM would wait for it for ever.

    Raises:
        StartError: the JVM does not start.
    """
    missing = [str(p) for p in classpath if not p.exists()]
    if missing:
        raise StartError(f"missing on the class path: {', '.join(missing)}")
    try:
        jpype.startJVM(
            str(library(java_home)),
            *_OPTIONS,
            *options,
            classpath=[str(p) for p in classpath],
            convertStrings=False,
            interrupt=False,
        )
    except (OSError, RuntimeError, TypeError) as error:
        raise StartError(f"the Java runtime in {java_home} does not start: {error}") from error
    # JPype asks Java to collect all its garbage at times when Python does; Java knows better when.
    gc.callbacks[:] = [callback for callback in gc.callbacks if callback != _jpype._collect]
    # The thread that starts a JVM is its main thread, for whose end a shutdown waits; this one may
    # end long before and could not say so.
    jpype.java.lang.Thread.detach()


def stop() -> None:
    """Stop the JVM, from the thread that started it; a class data archive is written here if one
    was asked for.

    The JVM waits for its threads. Should one never end, the process does, with code 1.
    """
    if not jpype.isJVMStarted():
        return
    watchdog = threading.Timer(_STOP_SECONDS, _give_up)
    watchdog.daemon = True
    watchdog.start()
    jpype.shutdownJVM()
    watchdog.cancel()


def _give_up() -> None:
    print(f"ksqldb: the JVM did not stop in {_STOP_SECONDS} s", file=sys.stderr, flush=True)  # noqa: T201
    os._exit(1)
