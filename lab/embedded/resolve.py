"""Maintainers' side of the lock file: resolve the roots and pin what was found.

``lab jars lock`` runs this. Resolution is jgo's; the checksums are of the files that were fetched.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lab.embedded.jars import Artifact, Lock, sha256_of
from lab.errors import DownloadFailed

KAFKA = "4.3.1"
APICURIO = "3.3.3"
JANINO = "3.1.12"
ECJ = "3.46.100"
JACKSON = "2.21.7"
SLF4J = "1.7.36"
AVRO = "1.12.2"
PROTOBUF = "4.36.1"
# As Kafka's own clients have them: Avro would bring others beside them.
ZSTD = "1.5.6-10"
SNAPPY = "1.1.10.7"
# As Kafka's brokers have it: clients log in by OAUTHBEARER with it only.
JOSE4J = "0.9.6"
DEBEZIUM = "3.6.0.Final"

VERSIONS = {
    "Apache Kafka": KAFKA,
    "Apicurio Registry": APICURIO,
    "Janino": JANINO,
    "Eclipse compiler for Java": ECJ,
    "Debezium": DEBEZIUM,
}

ROOTS: dict[str, tuple[str, ...]] = {
    "kafka": (f"org.apache.kafka:kafka_2.13:{KAFKA}", f"org.slf4j:slf4j-simple:{SLF4J}"),
    "tools": (f"org.apache.kafka:kafka-tools:{KAFKA}", f"org.slf4j:slf4j-simple:{SLF4J}"),
    "ksqldb": (
        f"org.apache.kafka:kafka-streams:{KAFKA}",
        f"org.codehaus.janino:janino:{JANINO}",
        # Named because jgo cannot follow the ${project.parent.version} in janino's own POM.
        f"org.codehaus.janino:commons-compiler:{JANINO}",
        f"org.eclipse.jdt:ecj:{ECJ}",
        f"com.fasterxml.jackson.core:jackson-databind:{JACKSON}",
        f"org.apache.avro:avro:{AVRO}",
        f"com.google.protobuf:protobuf-java:{PROTOBUF}",
        f"com.github.luben:zstd-jni:{ZSTD}",
        f"org.xerial.snappy:snappy-java:{SNAPPY}",
        f"org.bitbucket.b_c:jose4j:{JOSE4J}",
        f"org.slf4j:slf4j-simple:{SLF4J}",
    ),
    "registry": (f"io.apicurio:apicurio-registry-app:tar.gz:all:{APICURIO}",),
    "connect-plugins": (
        f"io.debezium:debezium-connector-postgres:tar.gz:plugin:{DEBEZIUM}",
        f"io.debezium:debezium-connector-jdbc:tar.gz:plugin:{DEBEZIUM}",
    ),
}
# Archives that are complete in themselves: their dependencies are inside.
INTRANSITIVE = frozenset({"registry", "connect-plugins"})


def resolve_lock(mirror: str | None, progress: Callable[[str], None]) -> tuple[Lock, str]:
    """Resolve every set and return the lock with the resolver's name and version.

    Raises DownloadFailed when a repository does not have what a root needs.
    """
    from jgo.maven import MavenContext  # noqa: PLC0415 - heavy, and for maintainers only

    with tempfile.TemporaryDirectory(prefix="lab-resolve-") as scratch:
        context = MavenContext(
            repo_cache=Path(scratch),
            remote_repos={"mirror": mirror} if mirror else None,
            timeout=60,
        )
        sets = {}
        for name, coordinates in ROOTS.items():
            progress(f"resolving {name}: {', '.join(coordinates)}")
            try:
                sets[name] = _resolve_set(context, name, coordinates)
            except (RuntimeError, OSError) as error:
                raise DownloadFailed(f"cannot resolve the set {name!r}: {error}") from error
    return Lock(VERSIONS, sets), f"jgo {version('jgo')}"


def _resolve_set(context: Any, name: str, coordinates: tuple[str, ...]) -> tuple[Artifact, ...]:
    if name in INTRANSITIVE:
        wanted = [_named_artifact(context, coordinate) for coordinate in coordinates]
    else:
        dependencies = [context.create_dependency(coordinate) for coordinate in coordinates]
        inputs, transitive = context.resolver.resolve(dependencies)
        wanted = [dependency.artifact for dependency in inputs + transitive]
    with ThreadPoolExecutor(8) as pool:
        return tuple(pool.map(_pin, wanted))


def _named_artifact(context: Any, coordinate: str) -> Any:
    group, name, packaging, classifier, version_ = coordinate.split(":")
    return context.project(group, name).at_version(version_).artifact(classifier, packaging)


def _pin(artifact: Any) -> Artifact:
    file: Path = artifact.resolve()
    place = artifact.component.path_prefix / artifact.filename
    return Artifact(str(artifact), place.as_posix(), sha256_of(file), file.stat().st_size)


def repository_url(mirror: str | None) -> str:
    """Where artifacts are downloaded from: the user's mirror, else Maven Central as jgo knows it.

    Raises DownloadFailed when jgo no longer tells it.
    """
    if mirror:
        return mirror
    with contextlib.suppress(ImportError):
        from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415 - only for downloads

        return str(MAVEN_CENTRAL_URL).rstrip("/")
    raise DownloadFailed(
        "the address of Maven Central is unknown", hint="Set LAB_MAVEN_MIRROR to a repository."
    )
