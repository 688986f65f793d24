"""Bringing pinned artifacts into the cache: in parallel, verified, resumable.

An artifact comes from the first of: the local Maven repository that the user set, the mirror that
the user set, Maven Central. A download that is cut off leaves a ``.part`` file, from which the next
attempt goes on by a Range request; whatever does not have the pinned checksum is thrown away.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO

import requests

from lab.embedded.disk import only_one, translating_disk_errors
from lab.embedded.jars import Artifact, JarCache, sha256_of
from lab.errors import ChecksumMismatch, DownloadFailed, EnvironmentProblem

WORKERS = 8
CHUNK_BYTES = 1 << 18
CONNECT_AND_READ_TIMEOUT_SECONDS = (15, 60)
Progress = Callable[[Artifact, int], None]
"""Called with an artifact and the number of its bytes that arrived since the last call."""


def fetch(
    cache: JarCache,
    artifacts: Iterable[Artifact],
    *,
    repository: Callable[[], str],
    local_repository: Path | None = None,
    progress: Progress = lambda _artifact, _bytes: None,
) -> tuple[Artifact, ...]:
    """Make the cache hold every artifact; return those that had to be brought.

    ``repository`` gives the base URL to download from, and is asked only if something is missing.
    Several labs may fetch at once: the second waits for the first.

    Raises DownloadFailed (ChecksumMismatch for wrong content) or EnvironmentProblem (no space, not
    writable). What was verified before the failure stays.
    """
    wanted = tuple(artifacts)
    if not cache.missing(wanted):
        return ()
    with translating_disk_errors(cache.root):
        cache.root.mkdir(parents=True, exist_ok=True)
        with only_one(cache.root / ".lock"):
            missing = cache.missing(wanted)
            _require_space(cache, missing)
            fetcher = _Fetcher(cache, repository, local_repository, progress)
            _in_parallel(fetcher, missing)
    return missing


def _in_parallel(fetcher: _Fetcher, artifacts: tuple[Artifact, ...]) -> None:
    largest_first = sorted(artifacts, key=lambda artifact: -artifact.size)
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="fetch")
    try:
        futures = [pool.submit(fetcher.bring, artifact) for artifact in largest_first]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    except BaseException:
        fetcher.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Stopped(Exception):
    """Another download failed, or the user interrupted."""


class _Fetcher:
    def __init__(
        self,
        cache: JarCache,
        repository: Callable[[], str],
        local_repository: Path | None,
        progress: Progress,
    ) -> None:
        self._cache = cache
        self._repository = repository
        self._local = local_repository
        self._progress = progress
        self._stop = threading.Event()

    def stop(self) -> None:
        """Make running downloads end at their next chunk; their part files stay."""
        self._stop.set()

    def bring(self, artifact: Artifact) -> None:
        cache = self._cache
        target = cache.path(artifact)
        target.parent.mkdir(parents=True, exist_ok=True)
        if cache.verify(artifact):  # an unsealed but sound copy: only its time stamp changed
            self._progress(artifact, artifact.size)
            cache.seal(artifact)
            return
        part = cache.partial(artifact)
        if not (self._take_from_local(artifact, part) or self._download(artifact, part)):
            # Resumed onto bytes that were not this artifact's: begin anew, from the first byte.
            self._progress(artifact, -part.stat().st_size)
            part.unlink()
            self._download(artifact, part)
        part.replace(target)
        cache.seal(artifact)

    def _take_from_local(self, artifact: Artifact, part: Path) -> bool:
        if self._local is None:
            return False
        source = self._local / artifact.path
        if not source.is_file() or source.stat().st_size != artifact.size:
            return False
        shutil.copyfile(source, part)
        if sha256_of(part) != artifact.sha256:
            part.unlink()
            return False
        self._progress(artifact, artifact.size)
        return True

    def _download(self, artifact: Artifact, part: Path) -> bool:
        """Download to ``part``; whether its content is the pinned one.

        A wrong content of a download from the first byte is final; after a resume it may come from
        the old part, and the caller begins anew.
        """
        begun = part.stat().st_size if part.exists() else 0
        if begun > artifact.size:
            part.unlink()
            begun = 0
        if begun < artifact.size:
            self._transfer(artifact, part, begun)
        else:
            self._progress(artifact, begun)
        if sha256_of(part) == artifact.sha256:
            return True
        if begun == 0:
            self._refuse(artifact, part)
        return False

    def _transfer(self, artifact: Artifact, part: Path, begun: int) -> None:
        url = f"{self._repository()}/{artifact.path}"
        headers = {"Range": f"bytes={begun}-"} if begun else {}
        try:
            with requests.get(
                url, headers=headers, stream=True, timeout=CONNECT_AND_READ_TIMEOUT_SECONDS
            ) as answer:
                if answer.status_code not in {200, 206}:
                    raise DownloadFailed(
                        f"{artifact.coordinate}: {url} answered {answer.status_code}",
                        hint=_SOURCE_HINT,
                    )
                resuming = answer.status_code == 206
                if resuming:
                    self._progress(artifact, begun)
                with part.open("ab" if resuming else "wb") as file:
                    self._copy(artifact, answer, file)
        except requests.RequestException as error:
            raise DownloadFailed(
                f"{artifact.coordinate}: the download was cut off or refused: {_reason(error)}",
                hint=f"Run the command again: it goes on where it stopped. {_SOURCE_HINT}",
            ) from error
        arrived = part.stat().st_size
        if arrived < artifact.size:
            raise DownloadFailed(
                f"{artifact.coordinate}: the download was cut off after {arrived:,} of "
                f"{artifact.size:,} bytes",
                hint="Run the command again: it goes on where it stopped.",
            )

    def _copy(self, artifact: Artifact, answer: requests.Response, file: BinaryIO) -> None:
        for chunk in answer.iter_content(CHUNK_BYTES):
            if self._stop.is_set():
                raise _Stopped
            file.write(chunk)
            self._progress(artifact, len(chunk))

    def _refuse(self, artifact: Artifact, part: Path) -> None:
        got = sha256_of(part)
        part.unlink(missing_ok=True)
        raise ChecksumMismatch(
            f"{artifact.coordinate}: what arrived has SHA-256 {got[:16]}…, pinned is "
            f"{artifact.sha256[:16]}…; it was thrown away",
            hint="If you use a mirror, it serves a changed file. Otherwise try again.",
        )


_SOURCE_HINT = (
    "Check the network, or set LAB_MAVEN_MIRROR (a repository's URL) or LAB_MAVEN_LOCAL "
    "(a local repository's folder)."
)


def _reason(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 200 else text[:200] + "…"


def _require_space(cache: JarCache, missing: tuple[Artifact, ...]) -> None:
    needed = sum(artifact.size for artifact in missing)
    free = shutil.disk_usage(cache.root).free
    if free < needed * 1.1:
        raise EnvironmentProblem(
            f"{cache.root}: {needed / 1e6:.0f} MB are to be downloaded and {free / 1e6:.0f} MB "
            "are free",
            hint="Free some space, or set LAB_CACHE_DIR to a folder on a larger disk.",
        )
