"""ksql: a SQL prompt."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lab.commands.options import find_lab, json_option, name_option, target_option


@click.command("ksql")
@click.option("-e", "--execute", metavar="STATEMENTS", help="Run these and exit.")
@click.option(
    "-f",
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run the statements of a file and exit.",
)
@click.option("--url", help="Another ksqlDB server than the lab's.")
@click.option(
    "--user",
    envvar="LAB_KSQLDB_USER",
    show_envvar=True,
    help="A user's name, for servers that ask. The password comes from LAB_KSQLDB_PASSWORD, or is "
    "asked for.",
)
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="LAB_KSQLDB_CA_FILE",
    show_envvar=True,
    help="Certificates in PEM to check an https server by.",
)
@name_option
@target_option
@json_option
def ksql_command(  # noqa: PLR0917 - one parameter an option
    execute: str | None,
    file: Path | None,
    url: str | None,
    user: str | None,
    ca: Path | None,
    name: str,
    target: str | None,
    as_json: bool,
) -> int:
    """Talk SQL to ksqlDB: a prompt, or statements from -e, a file or standard input.

    A statement ends with ";". A query with EMIT CHANGES goes on until its LIMIT or Ctrl-C.
    """
    from lab import shell  # noqa: PLC0415 - loads the prompt's libraries

    where = url or find_lab(name, target).endpoints().ksqldb_url
    auth = None if user is None else (user, _password(user))
    return shell.run(
        str(where), execute=execute, file=file, json_output=as_json, auth=auth, ca_file=ca
    )


def _password(user: str) -> str:
    found = os.environ.get("LAB_KSQLDB_PASSWORD")
    if found is None and not sys.stdin.isatty():
        raise click.UsageError(f"the password of {user} is missing: set LAB_KSQLDB_PASSWORD")
    return found if found is not None else str(click.prompt("Password", hide_input=True))
