"""The schema registry: Apicurio Registry behind a recording proxy that gives it a root URL.

Apicurio serves Confluent's API under ``/apis/ccompat/v7``. Its data is an H2 database in a file,
which survives a kill -9.
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
from typing import TYPE_CHECKING

from lab.embedded.download import translating_disk_errors
from lab.embedded.jars import Artifact, JarCache
from lab.embedded.jre import JavaRuntime
from lab.embedded.process import ProcessSpec
from lab.errors import DownloadFailed
from lab.readiness import ProofFailed
from lab.wait import wait_until

if TYPE_CHECKING:
    import requests

CONFLUENT_API = "/apis/ccompat/v7"
NAME = "schema-registry"
PROXY_NAME = "registry-proxy"
DEFAULT_COMPATIBILITY = "BACKWARD"


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
    return next(iter(folder.glob("*-runner.jar")), None)


@dataclass(frozen=True)
class RegistryPlaces:
    """Where the registry listens and keeps things."""

    host: str
    port: int
    upstream_port: int
    data_dir: Path
    access_log: Path

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"http://{self.host}:{self.port}"

    @property
    def upstream_url(self) -> str:
        """Apicurio's own URL."""
        return f"http://127.0.0.1:{self.upstream_port}"


def process_spec(
    places: RegistryPlaces,
    *,
    java: JavaRuntime,
    folder: Path,
    jvm_options: tuple[str, ...] = (),
    stop_grace_seconds: float = 10.0,
) -> ProcessSpec:
    """How Apicurio is started. ``DB_CLOSE_ON_EXIT=FALSE`` leaves closing the file to Apicurio."""
    database = places.data_dir / "registry"
    return ProcessSpec(
        NAME,
        (
            str(java.java),
            "-Xmx192m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            *jvm_options,
            "-Dquarkus.http.host=127.0.0.1",
            f"-Dquarkus.http.port={places.upstream_port}",
            "-Dquarkus.log.console.color=false",
            "-jar",
            str(_runner(folder) or folder / "missing-runner.jar"),
        ),
        env={"REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{database};DB_CLOSE_ON_EXIT=FALSE"},
        stop_grace_seconds=stop_grace_seconds,
    )


def set_default_compatibility(
    places: RegistryPlaces, *, timeout_seconds: float, give_up: Callable[[], None]
) -> None:
    """Give the registry the global level BACKWARD, unless someone has set a level already.

    Apicurio starts with no rule (NONE), where Confluent's registry starts with BACKWARD. Raises
    ConditionTimeout, or ProofFailed when the registry refuses.
    """
    import requests  # noqa: PLC0415 - loaded while the JVMs start

    rules = f"{places.upstream_url}/apis/registry/v2/admin/rules"
    with requests.Session() as session:
        present = wait_until(
            f"{rules} answers",
            lambda: _ok(session.get(rules, timeout=5)),
            timeout_seconds=timeout_seconds,
            every_seconds=0.03,
            give_up=give_up,
            ignore=(requests.RequestException,),
        )
        if "COMPATIBILITY" in present.json():
            return
        answer = session.post(
            rules, json={"type": "COMPATIBILITY", "config": DEFAULT_COMPATIBILITY}, timeout=10
        )
        if answer.status_code not in {204, 409}:
            raise ProofFailed(f"the registry refused the default level: {answer.text}")


def _ok(answer: requests.Response) -> requests.Response | None:
    return answer if answer.status_code == 200 else None


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
        ),
        stop_grace_seconds=3.0,
    )
