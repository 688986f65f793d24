"""up, down, status, restart, reset."""

from __future__ import annotations

import json
import sys
import threading

import click

from lab.commands.options import embedded_lab, json_option, name_option
from lab.config import Settings
from lab.embedded.components import endpoints_of
from lab.embedded.fetching import outfitter
from lab.embedded.lifecycle import EmbeddedLab, ProcessStatus, UpOptions, UpResult
from lab.embedded.state import LabState, all_labs
from lab.endpoints import ComponentInfo
from lab.errors import LabError, UsageError

_GLYPHS = {"running": ("●", "green"), "paused": ("◐", "yellow"), "down": ("○", "red")}


class StartReporter:
    """Prints one line per component as it gets ready; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, name: str, state: str, seconds: float) -> None:
        """Say that a component is ready. That it was begun is not worth a line."""
        if state == "ready":
            with self._lock:
                click.secho("✓ ", fg="green", nl=False, err=True)
                click.echo(f"{name:<16} proven ready after {seconds:.1f} s", err=True)


@click.command("up")
@click.option(
    "--brokers",
    type=int,
    help="1 or 3 nodes, each broker and controller.  [default: 1, or as the lab was made]",
)
@name_option
@click.option(
    "--port-base",
    type=click.IntRange(1024, 65000),
    help="Fixed ports from P on: brokers P to P+2, registry P+3, ksqlDB P+4, internal ones up to "
    "P+9.  [default: 9092, 8081, 8088 where free]",
)
@json_option
def up_command(brokers: int | None, name: str, port_base: int | None, as_json: bool) -> None:
    """Start the platform and prove every part ready.

    The broker has then taken a record and given it back, the registry has stored and served a
    schema, ksqlDB has answered a statement and a pull query. A lab that runs already is left as it
    is; one that runs in part is completed.
    """
    settings = Settings.from_env()
    lab = EmbeddedLab(settings, name)
    result = lab.up(
        UpOptions(brokers=brokers, port_base=port_base), outfitter(settings), StartReporter()
    )
    _train_later(lab, result)
    for remark in result.remarks:
        click.secho(f"note: {remark}", fg="yellow", err=True)
    if as_json:
        click.echo(json.dumps(_as_json(result.state, result.components, lab.status()), indent=1))
        return
    if result.started:
        click.echo(f'Lab "{name}" is up after {result.seconds:.1f} s.')
    else:
        click.echo(f'Lab "{name}" is running already.')
    _print_components(result.components, lab.status())
    suffix = "" if name == "default" else f" --name {name}"
    click.echo(f'Next: lab ksql{suffix} · lab verify · eval "$(lab env{suffix})"')


def _train_later(lab: EmbeddedLab, result: UpResult) -> None:
    """Have start-up caches made if there are none; a lab that is up is no failure without them."""
    if not result.started:
        return
    from lab.embedded.training import train_in_background  # noqa: PLC0415 - after the start

    try:
        training = train_in_background(lab)
    except LabError as error:
        click.secho(f"note: no start-up caches are made: {error}", fg="yellow", err=True)
        return
    if training:
        click.secho(
            "note: start-up caches are being made in the background; the next start is faster",
            dim=True,
            err=True,
        )


@click.command("down")
@name_option
@click.option("--all", "all_", is_flag=True, help="Every lab of this state folder.")
def down_command(name: str, all_: bool) -> None:
    """Stop what the lab started, and nothing else. Data stays for the next `lab up`."""
    settings = Settings.from_env()
    names = [folder.name for folder in all_labs(settings.state_root)] if all_ else [name]
    if not names:
        click.echo("There is no lab.")
    for each in names:
        stopped = EmbeddedLab(settings, each).down()
        if stopped:
            click.echo(f'Lab "{each}" is down: stopped {", ".join(stopped)}.')
        else:
            click.echo(f'Lab "{each}" was not running.')


@click.command("status")
@name_option
@json_option
def status_command(name: str, as_json: bool) -> None:
    """Show what runs, where it answers and what it says it is. Exit code 3 if nothing runs."""
    lab = embedded_lab(name)
    state = lab.running_state()
    from lab.embedded.identity import identify  # noqa: PLC0415 - loads an HTTP client

    components = identify(lab.folder, state)
    statuses = lab.status()
    if as_json:
        click.echo(json.dumps(_as_json(state, components, statuses), indent=1))
        return
    click.echo(f'Lab "{name}", target embedded, state in {lab.folder.path}')
    _print_components(components, statuses)


@click.command("restart")
@click.argument("component", required=False)
@name_option
def restart_command(component: str | None, name: str) -> None:
    """Stop COMPONENT, or all of them, in order, start again and prove ready. Data stays."""
    settings = Settings.from_env()
    result = EmbeddedLab(settings, name).restart(component, outfitter(settings), StartReporter())
    click.echo(f"Restarted {', '.join(result.started)} in {result.seconds:.1f} s.")


@click.command("reset")
@name_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_command(name: str, yes: bool) -> None:
    """Stop the lab and remove its data, logs and settings. Downloads stay."""
    lab = embedded_lab(name)
    if lab.folder.load() is None and not lab.folder.path.exists():
        click.echo(f'There is no lab "{name}".')
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "reset removes data and nobody is there to ask", hint="Add --yes if you mean it."
            )
        click.confirm(f"Remove all data of the lab in {lab.folder.path}?", abort=True)
    lab.reset()
    click.echo(f'Lab "{name}" is gone; `lab up` begins anew.')


def _print_components(
    components: tuple[ComponentInfo, ...], statuses: tuple[ProcessStatus, ...]
) -> None:
    states = {status.name: status.state for status in statuses}
    for component in components:
        glyph, colour = _GLYPHS[states[component.name]]
        click.secho(f"  {glyph} ", fg=colour, nl=False)
        state = states[component.name]
        remark = "" if state == "running" else f" [{state}]"
        click.echo(
            f"{component.name:<16} {component.url:<26} {component.product} "
            f"{component.version}{remark}"
        )


def _as_json(
    state: LabState, components: tuple[ComponentInfo, ...], statuses: tuple[ProcessStatus, ...]
) -> dict[str, object]:
    by_name = {status.name: status for status in statuses}
    return {
        "name": state.name,
        "target": "embedded",
        "brokers": state.brokers,
        "endpoints": endpoints_of(state).to_env(),
        "components": [
            {
                "name": component.name,
                "role": component.role,
                "product": component.product,
                "version": component.version,
                "url": component.url,
                "state": by_name[component.name].state,
                "pids": list(by_name[component.name].pids),
            }
            for component in components
        ],
    }
