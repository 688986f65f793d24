"""What a stand-in image runs: the lab's own programs, told by the official images' variables.

    python stand_in.py kafka | schema-registry | ksqldb | connect

The official images turn variables into properties by one rule, which is the interface that
``docker-compose.yml`` is written against; the same rule is followed here, so that the very file is
tried. The programs are those of the embedded target and say of themselves what they are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# What one program needs is loaded for that program only.
# ruff: noqa: PLC0415

HOME = Path("/home/appuser")
JARS = Path("/opt/lab/jars")
REGISTRY = Path("/opt/lab/registry")
BUILD = Path("/opt/lab/build")

NOT_PROPERTIES = frozenset(
    {
        "KAFKA_VERSION",
        "KAFKA_HEAP_OPTS",
        "KAFKA_OPTS",
        "KAFKA_JMX_OPTS",
        "KAFKA_JMX_HOSTNAME",
        "KAFKA_LOG4J_OPTS",
        "KAFKA_JVM_PERFORMANCE_OPTS",
        "KAFKA_GC_LOG_OPTS",
        "KSQL_HEAP_OPTS",
        "SCHEMA_REGISTRY_HEAP_OPTS",
    }
)
REQUIRED = {
    "kafka": ("CLUSTER_ID", "KAFKA_PROCESS_ROLES", "KAFKA_NODE_ID", "KAFKA_LISTENERS"),
    "schema-registry": (
        "SCHEMA_REGISTRY_HOST_NAME",
        "SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS",
    ),
    "ksqldb": ("KSQL_BOOTSTRAP_SERVERS", "KSQL_LISTENERS"),
    "connect": (
        "CONNECT_BOOTSTRAP_SERVERS",
        "CONNECT_GROUP_ID",
        "CONNECT_CONFIG_STORAGE_TOPIC",
        "CONNECT_OFFSET_STORAGE_TOPIC",
        "CONNECT_STATUS_STORAGE_TOPIC",
        "CONNECT_KEY_CONVERTER",
        "CONNECT_VALUE_CONVERTER",
        "CONNECT_REST_ADVERTISED_HOST_NAME",
    ),
}
"""What the official images refuse to start without."""


def properties(prefix: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables as properties: after the prefix "_" is ".", "__" is "_" and "___" is "-"."""
    return {
        _property_name(name.removeprefix(prefix)): value
        for name, value in sorted(environ.items())
        if name.startswith(prefix) and name not in NOT_PROPERTIES
    }


def _property_name(variable: str) -> str:
    dashes = variable.lower().replace("___", "-")
    return "_".join(part.replace("_", ".") for part in dashes.split("__"))


def missing(program: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The required variables that are not set."""
    return tuple(name for name in REQUIRED[program] if not environ.get(name))


def ksqldb_arguments(given: Mapping[str, str]) -> dict[str, str]:
    """What of the server's properties are arguments of the ksqlDB-compatible server."""
    return {
        "bootstrap_servers": given["bootstrap.servers"],
        "schema_registry_url": given.get("ksql.schema.registry.url", ""),
        "listen": given["listeners"].partition("://")[2],
        "service_id": given.get("ksql.service.id", "default_"),
        "state_dir": given.get("ksql.streams.state.dir", "/tmp/kafka-streams"),
    }


ARGUMENTS_NOT_PROPERTIES = frozenset(
    {
        "bootstrap.servers",
        "listeners",
        "ksql.schema.registry.url",
        "ksql.service.id",
        "ksql.streams.state.dir",
        "confluent.support.metrics.enable",
    }
)


def _class_path(folder: str) -> str:
    order = (JARS / folder / "order").read_text("utf-8").split()
    return ":".join(str(JARS / folder / name) for name in order)


def _java(heap: str, *arguments: str) -> list[str]:
    from lab.embedded.broker import LIGHT_JVM
    from lab.embedded.jre import find_java

    java = find_java(None)
    logging = (
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "-Dorg.slf4j.simpleLogger.logFile=System.out",
    )
    return [str(java.java), *heap.split(), *LIGHT_JVM, *logging, *arguments]


def _become(command: Sequence[str]) -> None:
    sys.stdout.flush()
    os.execv(command[0], list(command))


def kafka(environ: Mapping[str, str]) -> None:
    """A node of Apache Kafka."""
    from lab.embedded.broker import MAIN_CLASS, format_storage, render_properties
    from lab.embedded.jars import load_lock

    given = properties("KAFKA_", environ)
    format_storage(
        Path(given["log.dirs"]),
        int(given["node.id"]),
        environ["CLUSTER_ID"],
        load_lock().versions["Apache Kafka"],
    )
    file = HOME / "server.properties"
    file.write_text(render_properties(given), "utf-8")
    heap = environ.get("KAFKA_HEAP_OPTS", "-Xmx512m")
    _become(_java(heap, "-cp", _class_path("kafka"), MAIN_CLASS, str(file)))


def connect(environ: Mapping[str, str]) -> None:
    """A worker of Kafka Connect in distributed mode."""
    from lab.embedded.broker import render_properties

    given = {"rest.port": "8083", **properties("CONNECT_", environ)}
    given.setdefault("listeners", f"http://0.0.0.0:{given.pop('rest.port')}")
    file = HOME / "connect.properties"
    file.write_text(render_properties(given), "utf-8")
    heap = environ.get("KAFKA_HEAP_OPTS", "-Xmx512m")
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    _become(_java(heap, "-cp", _class_path("tools"), main, str(file)))


def ksqldb(environ: Mapping[str, str]) -> None:
    """The ksqlDB-compatible server."""
    from lab.embedded.jre import find_java

    given = properties("KSQL_", environ)
    told = ksqldb_arguments(given)
    Path(told["state_dir"]).mkdir(parents=True, exist_ok=True)
    registry = told["schema_registry_url"]
    heap = environ.get("KSQL_HEAP_OPTS", "-Xmx512m").split()
    _become(
        [
            *(sys.executable, "-m", "lab.ksqldb"),
            *("--bootstrap-servers", told["bootstrap_servers"]),
            *(("--schema-registry-url", registry) if registry else ()),
            *("--listen", told["listen"], "--service-id", told["service_id"]),
            *("--state-dir", told["state_dir"], "--build-dir", str(BUILD)),
            *("--java-home", str(find_java(None).home), "--classpath", _class_path("ksqldb")),
            *(f"--jvm-option={option}" for option in heap),
            *(
                f"--property={name}={value}"
                for name, value in given.items()
                if name not in ARGUMENTS_NOT_PROPERTIES
            ),
        ]
    )


def schema_registry(environ: Mapping[str, str]) -> None:
    """Apicurio Registry behind the recording proxy; it keeps its schemas in a file."""
    from lab.embedded import registry
    from lab.embedded.jre import find_java

    places = registry.RegistryPlaces("0.0.0.0", 8081, 8180, HOME / "data", HOME / "access.jsonl")
    places.data_dir.mkdir(exist_ok=True)
    program = registry.process_spec(places, java=find_java(None), folder=REGISTRY)
    proxy = [*registry.proxy_spec(places).argv, "--beside", "/apis"]
    children = [
        subprocess.Popen(program.argv, env={**environ, **program.env}),
        subprocess.Popen(proxy),
    ]

    def end(*_: object) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, end)

    def give_up() -> None:
        for child in children:
            if child.poll() is not None:
                end()
                sys.exit(child.returncode or 1)

    registry.set_default_compatibility(places, timeout_seconds=600, give_up=give_up)
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
    end()
    sys.exit(max(child.wait(20) for child in children))


PROGRAMS = {
    "kafka": kafka,
    "schema-registry": schema_registry,
    "ksqldb": ksqldb,
    "connect": connect,
}


def main() -> None:
    """Run the program that the image is for."""
    program = sys.argv[1]
    lacking = missing(program, os.environ)
    if lacking:
        sys.exit(f"environment variable not set: {', '.join(lacking)}")
    PROGRAMS[program](os.environ)


if __name__ == "__main__":
    main()
