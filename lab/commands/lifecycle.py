"""up, down, status, restart, reset."""

from __future__ import annotations

import json
import sys
import threading

import click

from lab.commands.options import find_lab, json_option, name_option, target_option
from lab.config import Settings
from lab.endpoints import ComponentInfo
from lab.errors import EnvironmentProblem, LabError, UsageError
from lab.targets.own import OwnLab, Seen, Started, own_labs, runs

_GLYPHS = {"running": ("●", "green"), "paused": ("◐", "yellow"), "down": ("○", "red")}


class StartReporter:
    """Prints one line per component as it gets ready; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, name: str, state: str, seconds: float) -> None:
        """Say that a component is ready. That it was begun is not worth a line,
        but pulling an image takes minutes."""
        if state == "ready":
            with self._lock:
                click.secho("✓ ", fg="green", nl=False, err=True)
                click.echo(f"{name:<16} proven ready after {seconds:.1f} s", err=True)
        elif state == "pulling":
            with self._lock:
                click.echo(f"↓ pulling {name}", err=True)


@click.command("up")
@click.option(
    "--brokers",
    type=int,
    help="1 or 3 nodes, each broker and controller.  [default: 1, or as the lab was made]",
)
@name_option
@target_option
@click.option(
    "--secure",
    is_flag=True,
    default=None,
    help="TLS, logins (PLAIN, SCRAM) and rights before broker and ksqlDB, for a new embedded lab. "
    "Passwords and certificates are made in the lab's folder secure/.",
)
@click.option(
    "--port-base",
    type=click.IntRange(1024, 65000),
    help="Fixed ports from P on: brokers P to P+2, registry P+3, ksqlDB P+4, internal ones up to "
    "P+9.  [default: 9092, 8081, 8088 where free]",
)
@click.option(
    "--connect-plugins/--no-connect-plugins",
    default=None,
    help="Target compose: download the connector plug-ins for Connect (83 MB, once), or mount what "
    "the cache has. With LAB_CONNECT_PLUGINS=FOLDER that folder is mounted, and nothing "
    "downloaded.  [default: download]",
)
@json_option
def up_command(  # noqa: PLR0917 - one parameter an option
    brokers: int | None,
    name: str,
    target: str | None,
    secure: bool | None,
    port_base: int | None,
    connect_plugins: bool | None,
    as_json: bool,
) -> None:
    """Start the platform and prove every part ready.

    The broker has then taken a record and given it back, the registry has stored and served a
    schema, ksqlDB has answered a statement and a pull query. A lab that runs already is left as it
    is; one that runs in part is completed.
    """
    lab = find_lab(name, target or kind_to_start(name))
    result = _up(lab, brokers, port_base, secure, connect_plugins)
    if result.started and lab.target == "embedded":
        _train_later(name)
    for remark in result.remarks:
        click.secho(f"note: {remark}", fg="yellow", err=True)
    if as_json:
        click.echo(json.dumps(_as_json(lab, result.components, lab.status()), indent=1))
        return
    if result.started:
        click.echo(f'Lab "{name}" is up after {result.seconds:.1f} s.')
    else:
        click.echo(f'Lab "{name}" is running already.')
    _print_components(result.components, lab.status())
    suffix = "" if name == "default" else f" --name {name}"
    if target is not None and target != "embedded":
        suffix += f" --target {target}"
    if lab.target == "embedded" and (lab.path / "secure").is_dir():
        click.echo(f"Secured: users, passwords and certificates are in {lab.path / 'secure'}")
    click.echo(f'Next: lab ksql{suffix} · lab verify · eval "$(lab env{suffix})"')


def _up(
    lab: OwnLab,
    brokers: int | None,
    port_base: int | None,
    secure: bool | None,
    connect_plugins: bool | None,
) -> Started:
    from lab.targets.own_embedded import OwnEmbedded  # noqa: PLC0415

    report = StartReporter()
    if isinstance(lab, OwnEmbedded):
        if connect_plugins is not None:
            raise UsageError(
                "--connect-plugins is for labs of containers: an embedded one has no Connect",
                hint="lab up --target compose",
            )
        return lab.up(brokers=brokers, port_base=port_base, report=report, secure=secure)
    if secure:
        raise UsageError("--secure is for embedded labs", hint="lab up --target embedded --secure")
    from lab.targets.own_compose import OwnCompose  # noqa: PLC0415

    if isinstance(lab, OwnCompose):
        wanted = connect_plugins is not False
        return lab.up(brokers=brokers, port_base=port_base, report=report, connect_plugins=wanted)
    return lab.up(brokers=brokers, port_base=port_base, report=report)


def kind_to_start(name: str) -> str:
    """The target of the lab of this name that runs, and may have to be completed; else embedded."""
    found = find_lab(name, None)
    return found.target if runs(found) else "embedded"


def _train_later(name: str) -> None:
    """Have start-up caches made if there are none; a lab that is up is no failure without them."""
    from lab.embedded.lifecycle import EmbeddedLab  # noqa: PLC0415
    from lab.embedded.training import train_in_background  # noqa: PLC0415 - after the start

    try:
        training = train_in_background(EmbeddedLab(Settings.from_env(), name))
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
@target_option
@click.option("--all", "all_", is_flag=True, help="Every lab of this state folder.")
def down_command(name: str, target: str | None, all_: bool) -> None:
    """Stop what the lab started, and nothing else. Data stays for the next `lab up`."""
    labs = own_labs(Settings.from_env(), target) if all_ else [find_lab(name, target)]
    if not labs:
        click.echo("There is no lab.")
    for lab in labs:
        try:
            stopped = lab.down()
        except EnvironmentProblem as error:
            if not all_:
                raise
            click.secho(f'note: lab "{lab.name}" was not looked at: {error}', fg="yellow", err=True)
            continue
        if stopped:
            click.echo(f'Lab "{lab.name}" is down: stopped {", ".join(stopped)}.')
        else:
            click.echo(f'Lab "{lab.name}" was not running.')


@click.command("status")
@name_option
@target_option
@json_option
def status_command(name: str, target: str | None, as_json: bool) -> None:
    """Show what runs, where it answers and what it says it is. Exit code 3 if nothing runs."""
    lab = find_lab(name, target)
    components = lab.components()
    statuses = lab.status()
    if as_json:
        click.echo(json.dumps(_as_json(lab, components, statuses), indent=1))
        return
    click.echo(f'Lab "{name}", target {lab.target}, state in {lab.path}')
    _print_components(components, statuses)


@click.command("restart")
@click.argument("component", required=False)
@name_option
@target_option
def restart_command(component: str | None, name: str, target: str | None) -> None:
    """Stop COMPONENT, or all of them, in order, start again and prove ready. Data stays."""
    result = find_lab(name, target).restart(component, StartReporter())
    click.echo(f"Restarted {', '.join(result.started)} in {result.seconds:.1f} s.")


@click.command("reset")
@name_option
@target_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_command(name: str, target: str | None, yes: bool) -> None:
    """Stop the lab and remove its data, logs and settings. Downloads stay."""
    lab = find_lab(name, target)
    if not lab.exists():
        click.echo(f'There is no lab "{name}".')
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "reset removes data and nobody is there to ask", hint="Add --yes if you mean it."
            )
        click.confirm(f"Remove all data of the lab in {lab.path}?", abort=True)
    lab.reset()
    click.echo(f'Lab "{name}" is gone; `lab up` begins anew.')


def _print_components(components: tuple[ComponentInfo, ...], statuses: tuple[Seen, ...]) -> None:
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
    lab: OwnLab, components: tuple[ComponentInfo, ...], statuses: tuple[Seen, ...]
) -> dict[str, object]:
    by_name = {status.name: status for status in statuses}
    return {
        "name": lab.name,
        "target": lab.target,
        "brokers": lab.brokers(),
        "endpoints": lab.endpoints().to_env(),
        "components": [
            {
                "name": component.name,
                "role": component.role,
                "product": component.product,
                "version": component.version,
                "url": component.url,
                "state": by_name[component.name].state,
                "pids": list(by_name[component.name].pids),
                **(
                    {"container": by_name[component.name].container}
                    if by_name[component.name].container
                    else {}
                ),
            }
            for component in components
        ],
    }
