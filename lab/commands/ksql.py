"""ksql: a SQL prompt."""

from __future__ import annotations

from pathlib import Path

import click

from lab.commands.options import embedded_lab, json_option, name_option


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
@json_option
def ksql_command(
    execute: str | None, file: Path | None, url: str | None, name: str, as_json: bool
) -> int:
    """Talk SQL to ksqlDB: a prompt, or statements from -e, a file or standard input.

    A statement ends with ";". A query with EMIT CHANGES goes on until its LIMIT or Ctrl-C.
    """
    from lab import shell  # noqa: PLC0415 - loads the prompt's libraries
    from lab.embedded.components import endpoints_of  # noqa: PLC0415

    where = url or endpoints_of(embedded_lab(name).running_state()).ksqldb_url
    return shell.run(str(where), execute=execute, file=file, json_output=as_json)
