"""ksql: a SQL prompt."""

from __future__ import annotations

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
@name_option
@target_option
@json_option
def ksql_command(  # noqa: PLR0917 - one parameter an option
    execute: str | None,
    file: Path | None,
    url: str | None,
    name: str,
    target: str | None,
    as_json: bool,
) -> int:
    """Talk SQL to ksqlDB: a prompt, or statements from -e, a file or standard input.

    A statement ends with ";". A query with EMIT CHANGES goes on until its LIMIT or Ctrl-C.
    """
    from lab import shell  # noqa: PLC0415 - loads the prompt's libraries

    where = url or find_lab(name, target).endpoints().ksqldb_url
    return shell.run(str(where), execute=execute, file=file, json_output=as_json)
