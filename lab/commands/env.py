"""env: the endpoints for other programs."""

from __future__ import annotations

import json
import shlex

import click

from lab.commands.options import find_lab, json_option, name_option, target_option


@click.command("env")
@name_option
@target_option
@json_option
def env_command(name: str, target: str | None, as_json: bool) -> None:
    """Print the endpoints as shell variables: eval "$(lab env)".

    LAB_BOOTSTRAP_SERVERS, LAB_SCHEMA_REGISTRY_URL, LAB_KSQLDB_URL, LAB_CONNECT_URL. A variable is
    empty if the lab has no such component.
    """
    variables = find_lab(name, target).endpoints().to_env()
    if as_json:
        click.echo(json.dumps(variables, indent=1))
        return
    for key, value in variables.items():
        click.echo(f"export {key}={shlex.quote(value)}")
