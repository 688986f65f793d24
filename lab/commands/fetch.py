"""fetch: everything that a lab needs, ahead of a workshop."""

from __future__ import annotations

import click

from lab.config import Settings
from lab.embedded import connect_plugins
from lab.embedded.fetching import outfitter, plugins_provider
from lab.embedded.jars import JarCache, load_lock
from lab.embedded.ksqldb import compile_runtime
from lab.embedded.outfit import ALL_SETS
from lab.embedded.training import train


@click.command("fetch")
@click.option(
    "--train/--no-train",
    "train_",
    default=True,
    help="Also make the start-up caches, which takes half a minute and makes every start faster.",
)
@click.option("--verify", is_flag=True, help="Read every file in the cache again and check it.")
@click.option(
    "--connect-plugins",
    "plugins",
    is_flag=True,
    help="Also the connector plug-ins for Connect (83 MB), which only the target compose has: "
    "Debezium's source for PostgreSQL and its JDBC sink.",
)
def fetch_command(train_: bool, verify: bool, plugins: bool) -> None:
    """Download and prepare everything; afterwards `lab up` works with the network off."""
    settings = Settings.from_env()
    if verify:
        _discard_damaged(JarCache(settings.cache_dir))
        plugins = _discard_damaged_plugins(settings) or plugins
    if plugins:
        plugins_provider(settings)()
        folder = connect_plugins.plugins_folder(settings.cache_dir)
        click.echo(f"Connect's plug-ins are there, in {folder}.")
    outfit = outfitter(settings, ALL_SETS)()
    outfit.build_dir.mkdir(parents=True, exist_ok=True)
    compile_runtime(outfit.java, outfit.class_path("ksqldb"), outfit.build_dir)
    if train_:
        missing = [cache for cache in outfit.aot_caches().values() if not cache.exists]
        if missing:
            click.echo("Making start-up caches; this takes about half a minute …", err=True)
            train(settings, outfit)
    click.echo(f"Everything is there, in {settings.cache_dir}. `lab up` needs no network now.")


def _discard_damaged(cache: JarCache) -> None:
    for artifact in load_lock().artifacts(ALL_SETS):
        if cache.path(artifact).exists() and not cache.verify(artifact):
            click.secho(f"damaged, will be fetched again: {artifact.file_name}", fg="yellow")
            cache.discard(artifact)


def _discard_damaged_plugins(settings: Settings) -> bool:
    """Whether some of the unpacked plug-ins were damaged, and were removed."""
    found = connect_plugins.damaged(settings.cache_dir, connect_plugins.pinned(load_lock()))
    for archive in found:
        click.secho(f"damaged, will be fetched again: {archive.file_name}", fg="yellow")
        connect_plugins.discard(settings.cache_dir, archive)
    return bool(found)
