"""verify, claims, report: the experiments and what they found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lab.commands.options import find_lab, json_option, name_option
from lab.errors import UsageError
from lab.targets import NAMES

VERDICT_COLOURS = {
    "held": "green",
    "refuted": "red",
    "inconclusive": "yellow",
    "not applicable": "cyan",
}


def runs_dir() -> Path:
    """Where evidence is kept: LAB_RUNS_DIR, else ``runs`` in this folder."""
    return Path(os.environ.get("LAB_RUNS_DIR") or "runs").expanduser().absolute()


@click.command(
    "verify",
    context_settings={"ignore_unknown_options": True},
    epilog="Arguments are passed to pytest: `lab verify -k K08`, `lab verify -n 2`.",
)
@name_option
@click.option(
    "--target",
    type=click.Choice(NAMES),
    envvar="LAB_TARGET",
    help="embedded, compose, or external: a cluster that `lab target add` described, by --name.  "
    "[default: whichever lab runs]",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Run nothing; print what each experiment would create, and under which names.",
)
@click.option("--keep", is_flag=True, help="Leave the lab running if this command started it.")
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def verify_command(
    name: str, target: str | None, dry_run: bool, keep: bool, pytest_args: tuple[str, ...]
) -> int:
    """Run the experiments and keep the evidence; a lab is started for it if none runs."""
    from lab.commands.lifecycle import kind_to_start, up_command  # noqa: PLC0415 - loads the embedded target

    experiments = Path("experiments")
    if not experiments.is_dir():
        raise UsageError(
            f"there is no folder {experiments.absolute()}",
            hint="Run this in the project's folder.",
        )
    if dry_run:
        pytest_args = ("--dry-run", "-q", *pytest_args)
    if target == "external" or dry_run:
        if target == "external":
            _check_external(name)
        return _experiments(experiments, name, target or "embedded", pytest_args)
    lab = find_lab(name, target or kind_to_start(name))
    started = not lab.is_running()
    if started:
        click.get_current_context().invoke(up_command, name=name, target=lab.target)
    try:
        return _experiments(experiments, name, lab.target, pytest_args)
    finally:
        if started and not keep:
            lab.down()


def _experiments(folder: Path, name: str, target: str, pytest_args: tuple[str, ...]) -> int:
    options = (f"--lab={name}", f"--target={target}")
    command = [sys.executable, "-m", "pytest", str(folder), *options, *pytest_args]
    process = subprocess.Popen(command)
    with _interruptions_go_to(process) as interrupted:
        code = process.wait()
    if interrupted:
        raise KeyboardInterrupt
    return code


@contextmanager
def _interruptions_go_to(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Have the experiments clean up when they are interrupted, however long that takes.

    Gives a list that is filled when they were.
    """
    seen: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        seen.append(number)
        # A terminal tells all programs in its foreground by itself; twice would cut it short.
        if number != signal.SIGINT or not _in_foreground():
            process.send_signal(signal.SIGINT)

    before = {
        number: signal.signal(number, pass_on)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _check_external(name: str) -> None:
    """Raise at once, with the reason, if the target cannot be used."""
    from lab.config import Settings  # noqa: PLC0415
    from lab.external import report, store  # noqa: PLC0415
    from lab.external.knocking import NotReached  # noqa: PLC0415

    found = report.probe(store.load(Settings.from_env().state_root, name))
    broken = [part for part in found.parts if part.problem]
    if found.problems:
        raise NotReached(
            "probe",
            f'external target "{name}": ' + "; ".join(found.problems),
            hint=(broken[0].hint if broken else None) or f"lab target probe {name} tells more.",
        )


@click.command("claims")
@click.option("--lang", type=click.Choice(["en", "ja"]), default="en", show_default=True)
@json_option
def claims_command(lang: str, as_json: bool) -> None:
    """List every claim with the verdict it last got."""
    from lab import claims  # noqa: PLC0415
    from lab.evidence import report  # noqa: PLC0415 - loads the template engine

    verdicts = report.last_verdicts(runs_dir())
    catalogue = claims.load()
    if as_json:
        rows = [
            {"id": claim.id, "statement": claim.statement(lang), "verdict": verdicts.get(claim.id)}
            for claim in catalogue
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1, default=str))
        return
    for claim in catalogue:
        last = verdicts.get(claim.id)
        verdict = str(last.verdict) if last else "not run"
        click.secho(f"{claim.id}  ", bold=True, nl=False)
        click.secho(f"{verdict:<15}", fg=VERDICT_COLOURS.get(verdict), nl=False)
        click.echo(claim.statement(lang))


@click.command("report")
@click.argument(
    "run", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def report_command(run: Path | None) -> None:
    """Build the report of RUN (a run's folder; by default the latest) again; print its path."""
    from lab.evidence import report  # noqa: PLC0415

    folder = run or report.latest(runs_dir())
    if folder is None:
        raise UsageError(f"there is no run in {runs_dir()}", hint="Make one with `lab verify`.")
    click.echo(report.rebuild(folder))
