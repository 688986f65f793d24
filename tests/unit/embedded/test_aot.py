"""Start-up caches are named by all that they depend on, and appear whole or not at all."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from lab.embedded.aot import (
    cache_for,
    files_fingerprint,
    prune,
    sources_fingerprint,
    training_lock,
)
from lab.embedded.jre import JavaRuntime

JAVA = JavaRuntime(Path("/jre"), "25.0.2", 25)


def named(tmp_path: Path, component: str = "broker", java: JavaRuntime = JAVA, *parts: str) -> str:
    return cache_for(component, cache_dir=tmp_path, java=java, ingredients=parts).file.name


def test_another_component_java_or_ingredient_is_another_cache(tmp_path: Path) -> None:
    names = {
        named(tmp_path),
        named(tmp_path, "ksqldb"),
        named(tmp_path, "broker", dataclasses.replace(JAVA, version="25.0.3")),
        named(tmp_path, "broker", dataclasses.replace(JAVA, home=Path("/other"))),
        named(tmp_path, "broker", JAVA, "jars"),
    }
    assert len(names) == 5
    assert named(tmp_path) == named(tmp_path)


def test_a_cache_is_used_only_when_it_is_complete(tmp_path: Path) -> None:
    cache = cache_for("broker", cache_dir=tmp_path, java=JAVA, ingredients=())
    assert cache.use() == ()
    cache.file.parent.mkdir()
    assert cache.record() == (f"-XX:AOTCacheOutput={cache.draft}",)
    assert not cache.adopt()
    cache.draft.write_bytes(b"learned")
    assert cache.use() == ()
    assert cache.adopt()
    assert cache.use()[0] == f"-XX:AOTCache={cache.file}"
    assert not cache.draft.exists()


def test_a_fingerprint_changes_with_a_files_time(tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"x")
    before = files_fingerprint([jar])
    os.utime(jar, ns=(0, 12345))
    assert files_fingerprint([jar]) != before


def test_a_fingerprint_changes_with_a_source(tmp_path: Path) -> None:
    source = tmp_path / "A.java"
    source.write_text("class A {}")
    before = sources_fingerprint(source)
    source.write_text("class A { }")
    assert sources_fingerprint(source) != before


def test_only_the_newest_caches_of_each_component_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "aot"
    folder.mkdir()
    for component in ("broker", "schema-registry"):
        for number in range(4):
            file = folder / f"{component}-{number}.aot"
            file.touch()
            os.utime(file, ns=(0, number))
    prune(tmp_path, keep=2)
    assert sorted(file.name for file in folder.iterdir()) == [
        "broker-2.aot",
        "broker-3.aot",
        "schema-registry-2.aot",
        "schema-registry-3.aot",
    ]


def test_only_one_trains_at_a_time(tmp_path: Path) -> None:
    with training_lock(tmp_path) as first, training_lock(tmp_path) as second:
        assert first
        assert not second
    with training_lock(tmp_path) as again:
        assert again
