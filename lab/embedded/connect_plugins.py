"""Connector plug-ins for Connect in containers: pinned, verified, unpacked whole or not at all.

Connect takes every folder in the one that is mounted for a plug-in. So what is being unpacked is
kept beside that folder, on the same disk, and gets its place there by a rename. A marker in a
plug-in's folder notes the archive's checksum and every file, so that damage is noticed.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from lab.embedded.disk import only_one, translating_disk_errors
from lab.embedded.jars import Artifact, JarCache, Lock, sha256_of
from lab.embedded.outfit import Downloader
from lab.errors import DownloadFailed

SET = "connect-plugins"
MARKER = ".unpacked.json"
_DAMAGED_ARCHIVE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


def pinned(lock: Lock) -> tuple[Artifact, ...]:
    """The archives of the plug-ins."""
    return lock.sets[SET]


def plugins_folder(cache_dir: Path) -> Path:
    """The folder that is mounted; a plug-in is a folder in it."""
    return cache_dir / "connect-plugins"


def make_plugins_folder(cache_dir: Path) -> Path:
    """Make the folder if it is not there; containers' users can read it. Raises EnvironmentProblem.

    A user's own plug-ins may be in it, too.
    """
    folder = plugins_folder(cache_dir)
    with translating_disk_errors(folder):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
    return folder


def folder_of(cache_dir: Path, archive: Artifact) -> Path:
    """Where an archive is unpacked to: its name and version."""
    _, name, version, _ = archive.path.rsplit("/", 3)
    return plugins_folder(cache_dir) / f"{name}-{version}"


def is_unpacked(cache_dir: Path, archive: Artifact) -> bool:
    """Whether it is there, of the pinned checksum, with all its files in their sizes, no others."""
    folder = folder_of(cache_dir, archive)
    noted = _noted(folder, archive)
    if noted is None:
        return False
    try:
        found = {_name(file, folder): file.stat().st_size for file in _files(folder)}
    except OSError:
        return False
    return found == {name: entry["size"] for name, entry in noted.items()}


def damaged(cache_dir: Path, archives: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """Those whose folder is there and is not what was unpacked; reads every file."""
    return tuple(
        archive
        for archive in archives
        if folder_of(cache_dir, archive).exists()
        and not (is_unpacked(cache_dir, archive) and _reads_as_noted(cache_dir, archive))
    )


def discard(cache_dir: Path, archive: Artifact) -> None:
    """Remove an unpacked plug-in."""
    with translating_disk_errors(cache_dir), only_one(_lock(cache_dir)):
        _throw_away(cache_dir, folder_of(cache_dir, archive))


def provide(
    cache_dir: Path, archives: tuple[Artifact, ...], download: Downloader
) -> tuple[Artifact, ...]:
    """Have every archive downloaded and unpacked; return those that were not there.

    ``download`` is called with the archives that are missing, if any. Once unpacked an archive is
    removed. Whatever an interrupted unpacking left is thrown away; of several labs at once one
    works and the others wait. Raises DownloadFailed (also for an archive that cannot be unpacked
    safely) and EnvironmentProblem.
    """
    if all(is_unpacked(cache_dir, archive) for archive in archives):
        return ()
    make_plugins_folder(cache_dir)
    with translating_disk_errors(cache_dir), only_one(_lock(cache_dir)):
        shutil.rmtree(_drafts(cache_dir), ignore_errors=True)
        absent = tuple(a for a in archives if not is_unpacked(cache_dir, a))
        jars = JarCache(cache_dir)
        missing = jars.missing(absent)
        if missing:
            download(jars, missing)
        try:
            for archive in absent:
                _unpack(cache_dir, jars, archive)
                jars.discard(archive)
        finally:
            shutil.rmtree(_drafts(cache_dir), ignore_errors=True)
    return absent


def _unpack(cache_dir: Path, jars: JarCache, archive: Artifact) -> None:
    draft = _new_draft(cache_dir)
    try:
        with tarfile.open(jars.path(archive)) as tar:
            tar.extractall(draft, filter=_plain)  # noqa: S202 - the filter is strict
    except _DAMAGED_ARCHIVE as error:
        jars.discard(archive)
        raise DownloadFailed(
            f"{archive.coordinate}: the archive cannot be unpacked safely: {error}",
            hint="It was thrown away, and nothing of it is used.",
        ) from error
    within = list(draft.iterdir())
    top = within[0] if len(within) == 1 and within[0].is_dir() else draft
    if not any(file.suffix == ".jar" for file in _files(top)):
        raise DownloadFailed(f"{archive.coordinate}: there is no plug-in in the archive")
    _seal(top, archive)
    target = folder_of(cache_dir, archive)
    _throw_away(cache_dir, target)
    top.rename(target)


def _plain(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
    """Let files and folders pass that stay below the destination; plug-ins need nothing else."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise tarfile.OutsideDestinationError(member, destination)
    if not (member.isfile() or member.isdir()):
        raise tarfile.SpecialFileError(member)
    return tarfile.data_filter(member, destination)


def _seal(folder: Path, archive: Artifact) -> None:
    """Make all of it readable for a container's user, whatever the umask, and note what it is."""
    noted = {
        _name(file, folder): {"size": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(_files(folder))
    }
    marker = folder / MARKER
    marker.write_text(json.dumps({"archive": archive.sha256, "files": noted}, indent=1) + "\n")
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _noted(folder: Path, archive: Artifact) -> dict[str, dict[str, Any]] | None:
    """The files by the marker; None if there is none, or one of another archive."""
    try:
        told = json.loads((folder / MARKER).read_text("utf-8"))
        files = told["files"] if told["archive"] == archive.sha256 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _reads_as_noted(cache_dir: Path, archive: Artifact) -> bool:
    folder = folder_of(cache_dir, archive)
    noted = _noted(folder, archive) or {}
    return all(sha256_of(folder / name) == entry["sha256"] for name, entry in noted.items())


def _files(folder: Path) -> Iterator[Path]:
    """Everything below that is no folder, but for the marker."""
    return (p for p in folder.rglob("*") if not p.is_dir() and p != folder / MARKER)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _throw_away(cache_dir: Path, folder: Path) -> None:
    """Take a folder out of Connect's sight at once, then remove it."""
    if folder.is_dir() and not folder.is_symlink():
        gone = _new_draft(cache_dir) / folder.name
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def _new_draft(cache_dir: Path) -> Path:
    drafts = _drafts(cache_dir)
    drafts.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(dir=drafts))


def _drafts(cache_dir: Path) -> Path:
    return cache_dir / "connect-plugins.unpacking"


def _lock(cache_dir: Path) -> Path:
    return cache_dir / "connect-plugins.lock"
