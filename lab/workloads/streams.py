"""A Kafka Streams application in a JVM of its own: copies a topic, and can be killed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab.clients.java_access import java_access
from lab.config import Settings
from lab.embedded.fetching import outfitter
from lab.embedded.java_program import command
from lab.workloads.program import Process

JAVA_ACCESS = "LAB_JAVA_ACCESS"
SOURCE = Path(__file__).with_name("java") / "CopyStream.java"


def copy_stream(
    bootstrap_servers: str,
    *,
    source: str,
    sink: str,
    application: str,
    guarantee: str,
    commit_interval_ms: int,
    folder: Path,
) -> Process:
    """Start the application, with one thread; it runs until it is killed.

    ``guarantee`` is ``exactly_once_v2`` or ``at_least_once``. Its members are static, so that the
    next instance takes the place of a killed one at once. Raises DoesNotCompile, and
    CapabilityMissing for brokers that a Java client cannot be let in to with what is known.
    """
    properties = folder / f"{application}.properties"
    state = folder / f"{application}-state"
    settings = {
        "application.id": application,
        "bootstrap.servers": bootstrap_servers,
        "processing.guarantee": guarantee,
        "commit.interval.ms": str(commit_interval_ms),
        "num.stream.threads": "1",
        "state.dir": str(state),
        "consumer.auto.offset.reset": "earliest",
        "main.consumer.group.instance.id": f"{application}-instance",
        "main.consumer.session.timeout.ms": "20000",
        "producer.linger.ms": "0",
    }
    secret = java_access(bootstrap_servers)
    properties.write_text(_text(settings), "utf-8")
    outfit = outfitter(Settings.from_env())()
    argv = command(SOURCE, outfit, [str(properties), source, sink], secret.jvm_options)
    # The folder is evidence, and a command line is public: a login goes by the environment.
    extra = {JAVA_ACCESS: _text(secret.settings)} if secret.settings else {}
    return Process("CopyStream", argv, errors=folder / f"{application}.log", env=extra)


def _text(settings: Mapping[str, str]) -> str:
    """Java properties; a backslash begins an escape in them, and a line's end ends a value."""
    escaped = {chr(92): chr(92) * 2, "\n": "\\n", "\r": "\\r"}
    table = str.maketrans(escaped)
    return "".join(f"{key}={value.translate(table)}\n" for key, value in settings.items())
