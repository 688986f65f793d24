"""The ksqlDB-compatible server: how it is compiled and started.

It is a program of its own and known here only by its command line.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.embedded.jre import JavaRuntime
from lab.embedded.process import ProcessSpec
from lab.errors import ComponentFailed

NAME = "ksqldb"
SERVICE_ID = "default_"
DEFAULT_HEAP = "384m"


@dataclass(frozen=True)
class KsqldbPlaces:
    """Where a server listens and keeps things, and what it is a client of.

    ``name`` is its component; ``properties`` are NAME=VALUE, ``config`` a file of further ones.
    """

    host: str
    port: int
    bootstrap_servers: str
    schema_registry_url: str
    state_dir: Path
    build_dir: Path
    name: str = NAME
    service_id: str = SERVICE_ID
    properties: tuple[str, ...] = ()
    config: Path | None = None
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"{self.scheme}://{self.host}:{self.port}"


def process_spec(
    places: KsqldbPlaces,
    *,
    java: JavaRuntime,
    class_path: str,
    jvm_options: tuple[str, ...] = (),
    stop_grace_seconds: float = 10.0,
) -> ProcessSpec:
    """How a lab's server is started."""
    arguments = server_arguments(
        places,
        java=java,
        class_path=class_path,
        jvm_options=jvm_options,
        service_id=places.service_id,
        properties=places.properties,
        config=places.config,
    )
    command = (sys.executable, *arguments)
    return ProcessSpec(places.name, command, stop_grace_seconds=stop_grace_seconds)


def server_arguments(
    places: KsqldbPlaces,
    *,
    java: JavaRuntime,
    class_path: str,
    jvm_options: tuple[str, ...] = (),
    service_id: str = SERVICE_ID,
    heap: str = DEFAULT_HEAP,
    properties: tuple[str, ...] = (),
    config: Path | None = None,
) -> tuple[str, ...]:
    """The Python interpreter's arguments; ``properties`` are NAME=VALUE, ``heap`` as -Xmx takes it.

    ``config`` is a file of further properties.

    An empty ``schema_registry_url`` means that there is none.
    """
    registry = places.schema_registry_url
    return (
        "-m",
        "lab.ksqldb",
        "--bootstrap-servers",
        places.bootstrap_servers,
        *(("--schema-registry-url", registry) if registry else ()),
        "--listen",
        f"{places.host}:{places.port}",
        "--service-id",
        service_id,
        "--state-dir",
        str(places.state_dir),
        "--build-dir",
        str(places.build_dir),
        "--java-home",
        str(java.home),
        "--classpath",
        class_path,
        *(f"--jvm-option={option}" for option in (f"-Xmx{heap}", *jvm_options)),
        *(() if config is None else (f"--config={config.absolute()}",)),
        *(f"--property={item}" for item in properties),
    )


def compile_runtime(java: JavaRuntime, class_path: str, build_dir: Path) -> None:
    """Compile the server's Java sources ahead of its first start.

    Raises ComponentFailed with the compiler's output.
    """
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "lab.ksqldb",
            "--compile-only",
            "--build-dir",
            str(build_dir),
            "--java-home",
            str(java.home),
            "--classpath",
            class_path,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ComponentFailed(
            NAME,
            "the ksqlDB-compatible server's Java sources could not be compiled",
            exit_code_of_process=answer.returncode,
            log_tail=tuple((answer.stdout + answer.stderr).strip().splitlines()[-15:]),
        )
