"""fetch: everything that a lab needs, ahead of a workshop."""

from __future__ import annotations

import click

from lab.config import Settings
from lab.embedded.fetching import outfitter
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
def fetch_command(train_: bool, verify: bool) -> None:
    """Download and prepare everything; afterwards `lab up` works with the network off."""
    settings = Settings.from_env()
    if verify:
        _discard_damaged(JarCache(settings.cache_dir))
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
