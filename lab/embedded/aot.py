"""Start-up caches: what the JVM learned at a training run, so that later starts are fast (JEP 514).

A cache belongs to one Java version, one set of jars at one place, and one way of starting. All of
these go into its name; a cache whose circumstances changed is thus never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.embedded.jre import JavaRuntime


@dataclass(frozen=True)
class AotCache:
    """One component's cache file, which may not exist yet."""

    component: str
    file: Path

    @property
    def exists(self) -> bool:
        """Whether the component was trained."""
        return self.file.is_file()

    @property
    def draft(self) -> Path:
        """Where a training run writes."""
        return self.file.with_suffix(".draft")

    def use(self) -> tuple[str, ...]:
        """The JVM options of a normal start: none if there is no cache."""
        return (f"-XX:AOTCache={self.file}", "-Xlog:aot*=error") if self.exists else ()

    def record(self) -> tuple[str, ...]:
        """The JVM options of a training run."""
        return (f"-XX:AOTCacheOutput={self.draft}",)

    def adopt(self) -> bool:
        """Make a completed training run's output the cache; False if there is none."""
        if not self.draft.is_file():
            return False
        self.draft.replace(self.file)
        return True


def cache_for(
    component: str, *, cache_dir: Path, java: JavaRuntime, ingredients: tuple[str, ...]
) -> AotCache:
    """The cache of a component; ``ingredients`` name everything that its start depends on."""
    parts = (component, java.version, str(java.home), platform.machine(), *ingredients)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return AotCache(component, cache_dir / "aot" / f"{component}-{digest}.aot")


def prune(cache_dir: Path, keep: int = 4) -> None:
    """Remove all but the newest caches of each component: each is some 100 MB.

    Several stay because several checkouts, each with a Java of its own, share the folder.
    """
    by_component: dict[str, list[Path]] = {}
    for file in (cache_dir / "aot").glob("*.aot"):
        by_component.setdefault(file.name.rpartition("-")[0], []).append(file)
    for files in by_component.values():
        for old in sorted(files, key=lambda file: file.stat().st_mtime_ns)[:-keep]:
            old.unlink(missing_ok=True)


def files_fingerprint(files: Iterable[Path]) -> str:
    """Names, sizes and modification times, which the JVM compares before it uses a cache."""
    hashed = hashlib.sha256()
    for file in files:
        status = file.stat()
        hashed.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return hashed.hexdigest()


def sources_fingerprint(*files: Path) -> str:
    """Names and content of source files."""
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(f"{file.name}\n".encode())
        hashed.update(file.read_bytes())
    return hashed.hexdigest()


@contextmanager
def training_lock(cache_dir: Path) -> Iterator[bool]:
    """Whether this process may train: False while another one does."""
    folder = cache_dir / "aot"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
