"""kill, pause, resume: faults, for experiments and the curious."""

from __future__ import annotations

import click

from lab.commands.options import embedded_lab, name_option

_COMPONENT_HELP = "COMPONENT is a name that `lab status` shows: broker-1, schema-registry, ksqldb."


@click.command("kill", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
def kill_command(component: str, name: str) -> None:
    """End COMPONENT at once, as a power cut would (SIGKILL). `lab up` starts it again."""
    pids = embedded_lab(name).kill(component)
    click.echo(f"Killed {component} (pid {', '.join(map(str, pids))}). `lab up` starts it again.")


@click.command("pause", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
def pause_command(component: str, name: str) -> None:
    """Stop COMPONENT's clock (SIGSTOP): it keeps its connections and answers nothing."""
    pids = embedded_lab(name).pause(component)
    click.echo(
        f"Paused {component} (pid {', '.join(map(str, pids))}). "
        f"`lab resume {component}` lets it go on."
    )


@click.command("resume", epilog=_COMPONENT_HELP)
@click.argument("component")
@name_option
def resume_command(component: str, name: str) -> None:
    """Let a paused COMPONENT go on (SIGCONT)."""
    pids = embedded_lab(name).resume(component)
    click.echo(f"Resumed {component} (pid {', '.join(map(str, pids))}).")
