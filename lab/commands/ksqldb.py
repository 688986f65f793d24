"""ksqldb: the ksqlDB-compatible server alone, in the foreground, against any broker."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from lab.config import Settings
from lab.embedded.fetching import outfitter
from lab.embedded.ksqldb import KsqldbPlaces, server_arguments

_ADDRESS = re.compile(r"(?P<host>[^\s:]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
_SERVICE_ID = re.compile(r"[A-Za-z0-9._-]+")


@click.command("ksqldb")
@click.option(
    "--bootstrap",
    metavar="HOST:PORT[,…]",
    required=True,
    envvar="LAB_BOOTSTRAP_SERVERS",
    help="The broker's addresses.",
    show_envvar=True,
)
@click.option(
    "--schema-registry",
    metavar="URL",
    default="",
    envvar="LAB_SCHEMA_REGISTRY_URL",
    show_envvar=True,
    help="A schema registry, for AVRO, PROTOBUF and JSON_SR.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:8088",
    show_default=True,
    help="Where to serve HTTP. Whoever reaches another address than loopback commands the server.",
)
@click.option(
    "--service-id",
    default="default_",
    show_default=True,
    help="Separates this ksqlDB cluster from others on the broker.",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where state stores live.  [default: in the state folder of the labs]",
)
@click.option("--heap", metavar="SIZE", default="512m", show_default=True, help="As -Xmx takes it.")
@click.option(
    "--property",
    "properties",
    metavar="NAME=VALUE",
    multiple=True,
    help="A property, e.g. ksql.streams.commit.interval.ms=500; may be repeated.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of properties, NAME=VALUE lines, as ksql-server.properties; --property wins. "
    "Passwords belong here: who lists processes sees options. Its listeners replace --listen.",
)
def ksqldb_command(  # noqa: PLR0917 - one parameter an option
    bootstrap: str,
    schema_registry: str,
    listen: str,
    service_id: str,
    state_dir: Path | None,
    heap: str,
    properties: tuple[str, ...],
    config: Path | None,
) -> None:
    """Run only the ksqlDB-compatible server, in the foreground, against any broker.

    \b
      lab ksqldb --bootstrap 127.0.0.1:9092
      curl -s 127.0.0.1:8088/info

    GET /healthcheck says isHealthy once it takes statements. Ctrl-C or SIGTERM stops it; what it
    had been told is in its command topic, and the next start goes on with it.
    """
    address = _ADDRESS.fullmatch(listen)
    if address is None or int(address["port"]) > 65535:
        raise click.BadParameter(f"{listen!r} is not HOST:PORT", param_hint="--listen")
    if not _SERVICE_ID.fullmatch(service_id):
        raise click.BadParameter(
            "letters, digits, dots, dashes and underscores make topic names",
            param_hint="--service-id",
        )
    if not re.fullmatch(r"[0-9]+[kKmMgG]?", heap):
        raise click.BadParameter(f"{heap!r} is no size, e.g. 512m", param_hint="--heap")
    for item in properties:
        if not re.match(r"[^=\s]+=", item):
            raise click.BadParameter(f"{item!r} is not NAME=VALUE", param_hint="--property")
    settings = Settings.from_env()
    outfit = outfitter(settings)()
    outfit.build_dir.mkdir(parents=True, exist_ok=True)
    cache = outfit.aot_caches().get("ksqldb")
    arguments = server_arguments(
        KsqldbPlaces(
            host=address["host"],
            port=int(address["port"]),
            bootstrap_servers=bootstrap,
            schema_registry_url=schema_registry,
            state_dir=(state_dir or settings.state_root / "ksqldb" / service_id).absolute(),
            build_dir=outfit.build_dir,
        ),
        java=outfit.java,
        class_path=outfit.class_path("ksqldb"),
        jvm_options=() if cache is None else cache.use(),
        service_id=service_id,
        heap=heap,
        properties=properties,
        config=config,
    )
    sys.stdout.flush()
    # In place of this process: signals and the exit code are the server's own.
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted
