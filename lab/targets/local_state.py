"""The state folder of a ksqlDB node on this machine: copied as it is, removed in part."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from lab.errors import UsageError


def copy_folder(source: Path, into: Path) -> None:
    """Copy all of ``source`` into ``into``; a file that vanishes meanwhile is passed over.

    A node that has kept nothing yet has an empty copy.
    """
    into.mkdir(parents=True, exist_ok=True)
    for path in _entries(source):
        if path.is_dir():
            copy_folder(path, into / path.name)
        else:
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path, into / path.name)


def remove_folder(root: Path, name: str) -> None:
    """Remove the folder ``name`` right under ``root``; one that does not exist is removed enough.

    Raises UsageError for a name that leads anywhere else.
    """
    if Path(name).name != name or name in {"", ".", ".."}:
        raise UsageError(f"{name!r} names no folder of the state folder")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(root / name)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
