"""logs: what the components wrote."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from lab.commands.options import find_lab, name_option, target_option
from lab.embedded.process import log_tail

FOLLOW_EVERY_SECONDS = 0.2


@click.command("logs")
@click.argument("component", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing what is added, until Ctrl-C.")
@click.option("-n", "--lines", default=40, show_default=True, help="How many of the last lines.")
@name_option
@target_option
def logs_command(
    component: str | None, follow: bool, lines: int, name: str, target: str | None
) -> None:
    """Print the end of COMPONENT's log, or of every component's."""
    lab = find_lab(name, target)
    names = [component] if component else list(lab.names())
    files = [lab.log_of(each) for each in names]
    for file in files:
        _print_lines(file, log_tail(file, lines), several=len(files) > 1)
    if follow:
        # What containers write is with the engine: it is copied to the files again at every look.
        refresh = lab.log_of if lab.target == "compose" else None
        _follow(files, None if refresh is None else [partial(refresh, each) for each in names])


def _print_lines(file: Path, lines: tuple[str, ...], *, several: bool) -> None:
    prefix = click.style(f"{file.stem} | ", fg="cyan") if several else ""
    for line in lines:
        click.echo(prefix + line)


def _follow(files: list[Path], refresh: Sequence[Callable[[], object]] | None) -> None:
    opened: dict[Path, BinaryIO] = {}
    for file in files:
        opened[file] = file.open("rb")
        opened[file].seek(0, os.SEEK_END)
    try:
        while True:
            for again in refresh or ():
                again()
            for file in files:
                opened[file] = _reopened_if_replaced(file, opened[file])
                text = opened[file].read().decode("utf-8", errors="replace")
                _print_lines(file, tuple(text.splitlines()), several=len(files) > 1)
            # A log has no event to wait for: looking again after a while is what following means.
            time.sleep(FOLLOW_EVERY_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        for stream in opened.values():
            stream.close()


def _reopened_if_replaced(file: Path, stream: BinaryIO) -> BinaryIO:
    """The stream, or a new one if the component was started again with a new log."""
    try:
        replaced = file.stat().st_ino != os.fstat(stream.fileno()).st_ino
    except FileNotFoundError:
        return stream
    if not replaced:
        return stream
    stream.close()
    return file.open("rb")
