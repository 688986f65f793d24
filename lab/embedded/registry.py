"""The schema registry: Apicurio Registry behind a recording proxy that gives it a root URL.

Apicurio serves Confluent's API under ``/apis/ccompat/v7``. Its data is an H2 database in a file,
which survives a kill -9. It is started from a flat class path rather than by its launcher's own
class loader, because a start-up cache holds only what the JVM's class loaders load.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import access
from lab.embedded.disk import translating_disk_errors
from lab.embedded.jars import Artifact, JarCache
from lab.embedded.jre import JavaRuntime
from lab.embedded.process import ProcessSpec
from lab.errors import DownloadFailed
from lab.readiness import ProofFailed
from lab.wait import wait_until

MAIN_CLASS = "io.quarkus.runner.GeneratedMain"
CONFLUENT_API = "/apis/ccompat/v7"
NAME = "schema-registry"
PROXY_NAME = "registry-proxy"
DEFAULT_COMPATIBILITY = "BACKWARD"
DATABASE_OPTIONS = "DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0"
"""Closing the file is left to Apicurio. Without the other option H2 writes commits half a second
late: a kill -9 loses acknowledged schemas, and their ids are given to others."""


def installation(cache_dir: Path, archive: Artifact) -> Path:
    """The folder that the archive is unpacked to; named by its content."""
    return cache_dir / "registry" / archive.sha256[:16]


def is_installed(cache_dir: Path, archive: Artifact) -> bool:
    """Whether the archive was unpacked completely."""
    return _runner(installation(cache_dir, archive)) is not None


def install(cache_dir: Path, cache: JarCache, archive: Artifact) -> Path:
    """Unpack the verified archive, whole or not at all; return the folder.

    Raises EnvironmentProblem for a full or read-only disk.
    """
    target = installation(cache_dir, archive)
    if _runner(target) is not None:
        return target
    with translating_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
        try:
            with tarfile.open(cache.path(archive)) as tar:
                tar.extractall(draft, filter="data")
            if _runner(draft) is None:
                raise DownloadFailed(f"{archive.coordinate}: there is no registry in the archive")
            if target.exists():
                shutil.rmtree(target)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def _runner(folder: Path) -> Path | None:
    """A jar that is there when everything is."""
    return next(iter(folder.glob("app/apicurio-registry-app-*.jar")), None)


def class_path(folder: Path) -> tuple[Path, ...]:
    """The registry's jars in Quarkus's order: transformed classes go before their originals."""
    return (
        folder / "quarkus" / "transformed-bytecode.jar",
        folder / "quarkus" / "generated-bytecode.jar",
        *(
            jar
            for part in ("app", "lib/main", "lib/boot")
            for jar in sorted((folder / part).glob("*.jar"))
        ),
    )


@dataclass(frozen=True)
class RegistryPlaces:
    """Where the registry listens and keeps things.

    A secure one has a file of further properties (see security.py) and ``key_file``, the proxy's
    key and certificates; both it and its proxy speak TLS then, and Apicurio asks for a login.
    """

    host: str
    port: int
    upstream_port: int
    data_dir: Path
    access_log: Path
    config: Path | None = None
    key_file: Path | None = None

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def upstream_url(self) -> str:
        """Apicurio's own URL."""
        return f"{self._scheme}://127.0.0.1:{self.upstream_port}"

    @property
    def _scheme(self) -> str:
        return "http" if self.config is None else "https"


def process_spec(
    places: RegistryPlaces,
    *,
    java: JavaRuntime,
    folder: Path,
    jvm_options: tuple[str, ...] = (),
    stop_grace_seconds: float = 10.0,
) -> ProcessSpec:
    """How Apicurio is started."""
    database = places.data_dir / "registry"
    return ProcessSpec(
        NAME,
        (
            str(java.java),
            "-Xmx192m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            *jvm_options,
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED",
            "-Dquarkus.http.host=127.0.0.1",
            *(
                (f"-Dquarkus.http.port={places.upstream_port}",)
                if places.config is None
                else ("-Dquarkus.http.port=0", f"-Dquarkus.http.ssl-port={places.upstream_port}")
            ),
            # It cannot be switched off; nobody needs it, so any free port on loopback will do.
            "-Dquarkus.management.host=127.0.0.1",
            "-Dquarkus.management.port=0",
            # Telemetry that nobody here collects costs a tenth of the start.
            "-Dquarkus.otel.sdk.disabled=true",
            "-Dquarkus.micrometer.enabled=false",
            "-cp",
            ":".join(map(str, class_path(folder))),
            MAIN_CLASS,
        ),
        env={
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "h2",
            "APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{database};{DATABASE_OPTIONS}",
            **({} if places.config is None else {"QUARKUS_CONFIG_LOCATIONS": str(places.config)}),
        },
        stop_grace_seconds=stop_grace_seconds,
    )


def set_default_compatibility(
    places: RegistryPlaces, *, timeout_seconds: float, give_up: Callable[[], None]
) -> None:
    """Give a new registry the global level BACKWARD, as Confluent's begins with.

    Apicurio begins with NONE. It is done once for the registry's data: a level that a user sets
    later, NONE among them, stays. Raises ConditionTimeout, or ProofFailed when it is refused.
    """
    import requests  # noqa: PLC0415 - loaded while the JVMs start

    done = places.data_dir / "default-level-set"
    config = f"{places.upstream_url}{CONFLUENT_API}/config"
    with access.session_of(config) as session:
        wait_until(
            f"{config} answers",
            lambda: session.get(config, timeout=5).status_code == 200,
            timeout_seconds=timeout_seconds,
            every_seconds=0.03,
            give_up=give_up,
            ignore=(requests.RequestException,),
        )
        if done.exists():
            return
        answer = session.put(config, json={"compatibility": DEFAULT_COMPATIBILITY}, timeout=10)
        if answer.status_code != 200:
            raise ProofFailed(f"the registry refused the default level: {answer.text}")
        done.touch()


def proxy_spec(places: RegistryPlaces) -> ProcessSpec:
    """How the recording proxy is started."""
    return ProcessSpec(
        PROXY_NAME,
        (
            sys.executable,
            "-m",
            "lab.wire.http_recorder",
            "--listen",
            f"{places.host}:{places.port}",
            "--upstream",
            places.upstream_url,
            "--prefix",
            CONFLUENT_API,
            "--log",
            os.fspath(places.access_log),
            *(() if places.key_file is None else ("--key-file", os.fspath(places.key_file))),
        ),
        stop_grace_seconds=3.0,
    )
