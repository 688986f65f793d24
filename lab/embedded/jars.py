"""The pinned jars: which artifacts each component needs, and where verified copies are kept.

``jars.lock.json`` names every artifact with its SHA-256 and size. An artifact in the cache has its
final name only after its checksum was verified; a stamp beside it remembers size and modification
time, so that a later change is noticed without reading 100 MB at each start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

LOCK_NAME = "jars.lock.json"
SetName = Literal["kafka", "tools", "ksqldb", "registry", "connect-plugins"]


@dataclass(frozen=True)
class Artifact:
    """One pinned file. ``path`` is its place in a Maven repository; ``size`` is in bytes."""

    coordinate: str
    path: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Lock:
    """The lock file: versions by product and artifacts by set."""

    versions: dict[str, str]
    sets: dict[str, tuple[Artifact, ...]]

    def artifacts(self, names: Iterable[str]) -> tuple[Artifact, ...]:
        """The artifacts of the named sets, each once, in the lock's order."""
        unique = {artifact.path: artifact for name in names for artifact in self.sets[name]}
        return tuple(unique.values())

    def digest(self, names: Iterable[str]) -> str:
        """A fingerprint of everything in the named sets."""
        joined = "\n".join(artifact.sha256 for artifact in self.artifacts(names))
        return hashlib.sha256(joined.encode()).hexdigest()[:16]


def parse_lock(text: str) -> Lock:
    """Read a lock file's text."""
    data = json.loads(text)
    artifacts = {
        path: Artifact(entry["coordinate"], path, entry["sha256"], entry["size"])
        for path, entry in data["artifacts"].items()
    }
    return Lock(
        versions=dict(data["versions"]),
        sets={
            name: tuple(artifacts[path] for path in entry["artifacts"])
            for name, entry in data["sets"].items()
        },
    )


def render_lock(lock: Lock, roots: dict[str, tuple[str, ...]], resolved_with: str) -> str:
    """The text of a lock file: sorted where order does not matter, so that diffs are small."""
    every = {a.path: a for artifacts in lock.sets.values() for a in artifacts}
    data = {
        "about": "Pinned artifacts. Written by `lab jars lock`; do not edit.",
        "resolved_with": resolved_with,
        "versions": lock.versions,
        "sets": {
            name: {"roots": list(roots[name]), "artifacts": [a.path for a in artifacts]}
            for name, artifacts in lock.sets.items()
        },
        "artifacts": {
            path: {"coordinate": a.coordinate, "sha256": a.sha256, "size": a.size}
            for path, a in sorted(every.items())
        },
    }
    return json.dumps(data, indent=1) + "\n"


@cache
def load_lock() -> Lock:
    """The lock file that comes with the package."""
    return parse_lock(resources.files("lab.embedded").joinpath(LOCK_NAME).read_text("utf-8"))


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class JarCache:
    """Verified artifacts on disk, shared between labs."""

    def __init__(self, cache_dir: Path) -> None:
        self.root = cache_dir / "artifacts"

    def path(self, artifact: Artifact) -> Path:
        """Where the verified copy is or will be."""
        return self.root / artifact.path

    def stamp(self, artifact: Artifact) -> Path:
        """The note of what the verified copy looked like."""
        file = self.path(artifact)
        return file.with_name(file.name + ".verified")

    def partial(self, artifact: Artifact) -> Path:
        """Where a download that is under way or was cut off is kept; never used as a jar."""
        file = self.path(artifact)
        return file.with_name(file.name + ".part")

    def holds(self, artifact: Artifact) -> bool:
        """Whether a verified, unchanged copy is there."""
        try:
            status = self.path(artifact).stat()
            return self.stamp(artifact).read_text("ascii") == _fingerprint(
                artifact, status.st_size, status.st_mtime_ns
            )
        except OSError:
            return False

    def verify(self, artifact: Artifact) -> bool:
        """Whether the copy's content is what is pinned (reads it all)."""
        file = self.path(artifact)
        return file.is_file() and sha256_of(file) == artifact.sha256

    def seal(self, artifact: Artifact) -> None:
        """Note that the copy was verified. A new file each time: caches may share hard links."""
        status = self.path(artifact).stat()
        stamp = self.stamp(artifact)
        draft = stamp.with_name(stamp.name + ".draft")
        draft.write_text(_fingerprint(artifact, status.st_size, status.st_mtime_ns), "ascii")
        draft.replace(stamp)

    def discard(self, artifact: Artifact) -> None:
        """Throw away the copy and whatever was begun."""
        for file in (self.stamp(artifact), self.path(artifact), self.partial(artifact)):
            file.unlink(missing_ok=True)

    def missing(self, artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
        """The artifacts of which no verified, unchanged copy is there."""
        return tuple(artifact for artifact in artifacts if not self.holds(artifact))

    def class_path(self, artifacts: Iterable[Artifact]) -> str:
        """The copies as a Java class path, in the given order."""
        return ":".join(str(self.path(a)) for a in artifacts if a.path.endswith(".jar"))


def _fingerprint(artifact: Artifact, size: int, mtime_ns: int) -> str:
    return f"{artifact.sha256} {size} {mtime_ns}\n"
