"""kill, pause, resume: faults, for experiments and the curious."""

from __future__ import annotations

import click

from lab.commands.options import find_lab, name_option, target_option

_COMPONENT_HELP = "COMPONENT is a name that `lab status` shows: broker-1, schema-registry, ksqldb."


@click.command("kill", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
@target_option
def kill_command(component: str, name: str, target: str | None) -> None:
    """End COMPONENT at once, as a power cut would (SIGKILL). `lab up` starts it again."""
    what = find_lab(name, target).kill(component)
    click.echo(f"Killed {component} ({what}). `lab up` starts it again.")


@click.command("pause", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
@target_option
def pause_command(component: str, name: str, target: str | None) -> None:
    """Stop COMPONENT's clock (SIGSTOP): it keeps its connections and answers nothing."""
    what = find_lab(name, target).pause(component)
    click.echo(f"Paused {component} ({what}). `lab resume {component}` lets it go on.")


@click.command("resume", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
@target_option
def resume_command(component: str, name: str, target: str | None) -> None:
    """Let a paused COMPONENT go on (SIGCONT)."""
    what = find_lab(name, target).resume(component)
    click.echo(f"Resumed {component} ({what}).")
