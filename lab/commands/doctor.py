"""doctor: what this machine has, lacks, and what to do about it."""

from __future__ import annotations

import click

from lab.commands.options import json_option
from lab.config import Settings


@click.command("doctor")
@json_option
def doctor_command(as_json: bool) -> int:
    """Check Python, Java, memory, disk, ports, downloads and Docker; say the remedy for each."""
    from lab import doctor  # noqa: PLC0415 - loads what the checks need

    results = doctor.run_checks(Settings.from_env())
    click.echo(doctor.render_json(results) if as_json else doctor.render_table(results))
    return doctor.exit_code(results)
