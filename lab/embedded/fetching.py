"""Getting what is needed with the user watching: a progress bar, or lines without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

from lab.config import Settings
from lab.embedded import connect_plugins
from lab.embedded.jars import Artifact, JarCache, load_lock
from lab.embedded.outfit import RUN_SETS, Outfit, prepare
from lab.embedded.resolve import repository_url


def outfitter(
    settings: Settings, sets: tuple[str, ...] = RUN_SETS, *, quiet: bool = False
) -> Callable[[], Outfit]:
    """A function that completes what is missing, showing progress, and returns the outfit."""

    def download(cache: JarCache, artifacts: tuple[Artifact, ...]) -> None:
        _download(settings, cache, artifacts, quiet=quiet)

    return lambda: prepare(settings, download, sets)


def plugins_provider(
    settings: Settings, *, quiet: bool = False
) -> Callable[[], tuple[Artifact, ...]]:
    """A function that gets Connect's plug-ins, unpacks them, and returns those that were not there.

    It raises DownloadFailed or EnvironmentProblem.
    """

    def download(cache: JarCache, artifacts: tuple[Artifact, ...]) -> None:
        _download(settings, cache, artifacts, quiet=quiet)

    wanted = connect_plugins.pinned(load_lock())
    return lambda: connect_plugins.provide(settings.cache_dir, wanted, download)


def _download(
    settings: Settings, cache: JarCache, artifacts: tuple[Artifact, ...], *, quiet: bool
) -> None:
    from lab.embedded.download import fetch  # noqa: PLC0415 - loads an HTTP client

    def bring(progress: Callable[[Artifact, int], None]) -> None:
        fetch(
            cache,
            artifacts,
            repository=lambda: repository_url(settings.maven_mirror),
            local_repository=settings.maven_local,
            progress=progress,
        )

    total = sum(artifact.size for artifact in artifacts)
    if quiet:
        bring(lambda _artifact, _bytes: None)
        return
    if not sys.stderr.isatty():
        print(  # noqa: T201 - progress for a log file
            f"downloading {len(artifacts)} files, {total / 1e6:.0f} MB, to {cache.root}",
            file=sys.stderr,
            flush=True,
        )
        bring(lambda _artifact, _bytes: None)
        print("downloaded and verified", file=sys.stderr, flush=True)  # noqa: T201
        return
    _with_bar(len(artifacts), total, bring)


def _with_bar(
    count: int, total: int, bring: Callable[[Callable[[Artifact, int], None]], None]
) -> None:
    from rich.console import Console  # noqa: PLC0415 - only when something is downloaded
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(f"Downloading {count} files", total=total)
        bring(lambda _artifact, arrived: bar.advance(task, arrived))
