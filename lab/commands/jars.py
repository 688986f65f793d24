"""jars: the lock file; for maintainers."""

from __future__ import annotations

from pathlib import Path

import click

import lab.embedded
from lab.config import Settings
from lab.embedded.jars import LOCK_NAME, load_lock, parse_lock, render_lock


@click.group("jars")
def jars_command() -> None:
    """The pinned jars: list them, or resolve and pin them anew."""


@jars_command.command("list")
def list_jars() -> None:
    """Print every pinned artifact with its size and checksum."""
    lock = load_lock()
    for artifact in lock.artifacts(lock.sets):
        click.echo(f"{artifact.sha256[:16]}  {artifact.size:>11,}  {artifact.coordinate}")


@jars_command.command("lock")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the lock would change.")
def lock_jars(check: bool) -> None:
    """Resolve the roots, fetch every artifact and write the lock file with SHA-256 sums.

    Versions are set in lab/embedded/resolve.py.
    """
    from lab.embedded.resolve import ROOTS, resolve_lock  # noqa: PLC0415 - loads the resolver
    from lab.embedded.storage_template import write_template  # noqa: PLC0415

    settings = Settings.from_env()
    folder = Path(lab.embedded.__file__).parent
    lock, resolver = resolve_lock(settings.maven_mirror, lambda text: click.echo(text, err=True))
    text = render_lock(lock, ROOTS, resolver)
    if check:
        same = parse_lock(text) == load_lock()
        click.echo("The lock is up to date." if same else "The lock would change.")
        raise SystemExit(0 if same else 1)
    (folder / LOCK_NAME).write_text(text, "utf-8")
    load_lock.cache_clear()
    click.echo(f"Wrote {LOCK_NAME}.")
    template = write_template(settings, folder)
    click.echo(f"Wrote {template.name}.")
