"""Everything a lab needs on disk before its first process starts: Java, jars, the registry.

An ``Outfit`` is that, complete and checked; ``prepare`` downloads and unpacks what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import lab
from lab.config import Settings
from lab.embedded import broker, ksqldb, registry
from lab.embedded.aot import AotCache, cache_for, files_fingerprint, sources_fingerprint
from lab.embedded.jars import Artifact, JarCache, Lock, load_lock
from lab.embedded.jre import JavaRuntime, find_java

RUN_SETS = ("kafka", "ksqldb", "registry")
ALL_SETS = (*RUN_SETS, "tools")


@dataclass(frozen=True)
class Outfit:
    """What the components are started from."""

    java: JavaRuntime
    lock: Lock
    jars: JarCache
    registry_dir: Path
    cache_dir: Path

    @property
    def kafka_version(self) -> str:
        """The version of every Apache Kafka part."""
        return self.lock.versions["Apache Kafka"]

    @property
    def build_dir(self) -> Path:
        """Where the ksqlDB-compatible server keeps what it compiled."""
        return self.cache_dir / "ksqldb"

    def class_path(self, set_name: str) -> str:
        """The class path of a set of jars."""
        return self.jars.class_path(self.lock.sets[set_name])

    def aot_caches(self) -> dict[str, AotCache]:
        """The start-up cache of each JVM, by component kind: broker, schema-registry, ksqldb.

        The source that builds a component's argument list stands for its JVM options.

        Empty when this Java cannot make any.
        """
        if not self.java.has_aot_cache:
            return {}
        kafka = [self.jars.path(artifact) for artifact in self.lock.sets["kafka"]]
        ksqldb_jars = [self.jars.path(artifact) for artifact in self.lock.sets["ksqldb"]]
        jvm = Path(lab.__file__).parent / "ksqldb" / "jvm"
        ingredients = {
            "broker": (files_fingerprint(kafka), sources_fingerprint(_source(broker))),
            "schema-registry": (
                files_fingerprint(registry.class_path(self.registry_dir)),
                sources_fingerprint(_source(registry)),
            ),
            "ksqldb": (
                files_fingerprint(ksqldb_jars),
                sources_fingerprint(_source(ksqldb), jvm / "boot.py", *sorted(jvm.rglob("*.java"))),
            ),
        }
        return {
            kind: cache_for(kind, cache_dir=self.cache_dir, java=self.java, ingredients=parts)
            for kind, parts in ingredients.items()
        }


def _source(module: ModuleType) -> Path:
    return Path(str(module.__file__))


def registry_archive(lock: Lock) -> Artifact:
    """The registry's archive."""
    return lock.sets["registry"][0]


def missing_artifacts(settings: Settings, sets: tuple[str, ...] = RUN_SETS) -> tuple[Artifact, ...]:
    """What would have to be downloaded for these sets.

    The registry's archive is not needed any more once it was unpacked.
    """
    lock = load_lock()
    missing = JarCache(settings.cache_dir).missing(lock.artifacts(sets))
    archive = registry_archive(lock)
    if registry.is_installed(settings.cache_dir, archive):
        return tuple(artifact for artifact in missing if artifact != archive)
    return missing


Downloader = Callable[[JarCache, tuple[Artifact, ...]], None]


def prepare(settings: Settings, download: Downloader, sets: tuple[str, ...] = RUN_SETS) -> Outfit:
    """Complete what is missing and return the outfit.

    ``download`` is called with the missing artifacts, if there are any; it raises DownloadFailed.
    Raises JavaNotUsable or EnvironmentProblem.
    """
    java = find_java(settings.java_home)
    lock = load_lock()
    jars = JarCache(settings.cache_dir)
    missing = missing_artifacts(settings, sets)
    if missing:
        download(jars, missing)
    archive = registry_archive(lock)
    registry_dir = registry.install(settings.cache_dir, jars, archive)
    jars.discard(archive)
    return Outfit(java, lock, jars, registry_dir, settings.cache_dir)
