"""The lock file that comes with the package, and what the cache believes."""

from __future__ import annotations

import re
from pathlib import Path

from lab.embedded.broker import format_storage
from lab.embedded.jars import Artifact, JarCache, Lock, load_lock, parse_lock, render_lock
from lab.embedded.resolve import ROOTS, VERSIONS


def test_every_artifact_is_pinned_by_checksum_and_size() -> None:
    lock = load_lock()
    assert set(lock.sets) == set(ROOTS)
    for artifact in lock.artifacts(lock.sets):
        assert re.fullmatch(r"[0-9a-f]{64}", artifact.sha256)
        assert artifact.size > 0


def test_no_repository_is_named_in_the_lock() -> None:
    text = render_lock(load_lock(), ROOTS, "a resolver")
    assert "://" not in text


def test_all_parts_of_apache_kafka_have_one_version() -> None:
    lock = load_lock()
    versions = {
        artifact.coordinate.rsplit(":", 1)[-1]
        for artifact in lock.artifacts(("kafka", "tools", "ksqldb"))
        if artifact.coordinate.startswith("org.apache.kafka:")
    }
    assert versions == {lock.versions["Apache Kafka"]}


def test_the_lock_is_of_the_versions_that_the_resolver_would_pin() -> None:
    assert load_lock().versions == VERSIONS


def test_no_set_has_one_class_twice_by_two_versions_of_an_artifact() -> None:
    for artifacts in load_lock().sets.values():
        names = [":".join(artifact.coordinate.split(":")[:2]) for artifact in artifacts]
        assert len(names) == len(set(names))


def test_a_lock_survives_rendering_and_parsing() -> None:
    one = Artifact("g:a:jar:1", "g/a/1/a-1.jar", "0" * 64, 3)
    lock = Lock({"A": "1"}, {"kafka": (one,), "tools": (one,)})
    assert parse_lock(render_lock(lock, {"kafka": (), "tools": ()}, "r")) == lock
    assert lock.artifacts(("kafka", "tools")) == (one,)


def test_the_class_path_has_the_jars_in_the_locks_order(tmp_path: Path) -> None:
    cache = JarCache(tmp_path)
    artifacts = load_lock().sets["kafka"]
    parts = cache.class_path(artifacts).split(":")
    assert parts == [str(cache.path(artifact)) for artifact in artifacts]


def test_a_storage_template_comes_with_the_pinned_kafka(tmp_path: Path) -> None:
    format_storage(tmp_path, 1, "cluster", load_lock().versions["Apache Kafka"])
    assert (tmp_path / "bootstrap.checkpoint").is_file()
