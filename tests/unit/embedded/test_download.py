"""Downloads: verified, resumed, or thrown away; never used half."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from support.http_repository import Repository

from lab.embedded.download import fetch
from lab.embedded.jars import Artifact, JarCache
from lab.errors import ChecksumMismatch, DownloadFailed, EnvironmentProblem

CONTENT = bytes(range(256)) * 4096  # 1 MiB


def offered(repository: Repository, name: str = "thing", content: bytes = CONTENT) -> Artifact:
    artifact = Artifact(
        f"org.example:{name}:jar:1",
        f"org/example/{name}/1/{name}-1.jar",
        hashlib.sha256(content).hexdigest(),
        len(content),
    )
    repository.files[f"/{artifact.path}"] = content
    return artifact


def test_a_missing_artifact_is_downloaded_verified_and_not_asked_for_again(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    assert fetch(cache, [artifact], repository=lambda: repository.url) == (artifact,)
    assert cache.path(artifact).read_bytes() == CONTENT
    assert fetch(cache, [artifact], repository=lambda: repository.url) == ()
    assert len(repository.requests) == 1


def test_many_artifacts_come_side_by_side_and_progress_adds_up(
    repository: Repository, cache: JarCache
) -> None:
    artifacts = [offered(repository, f"thing{n}", CONTENT + bytes([n])) for n in range(20)]
    arrived = 0
    lock = threading.Lock()

    def progress(_artifact: Artifact, size: int) -> None:
        nonlocal arrived
        with lock:
            arrived += size

    fetch(cache, artifacts, repository=lambda: repository.url, progress=progress)
    assert arrived == sum(artifact.size for artifact in artifacts)
    assert not cache.missing(artifacts)


def test_a_cut_off_download_says_so_and_the_next_one_goes_on_from_there(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    repository.cut_after = 300_000
    with pytest.raises(DownloadFailed, match="cut off"):
        fetch(cache, [artifact], repository=lambda: repository.url)
    assert not cache.holds(artifact)
    assert not cache.path(artifact).exists()
    begun = cache.partial(artifact).stat().st_size
    assert 0 < begun <= 300_000

    repository.cut_after = None
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert cache.path(artifact).read_bytes() == CONTENT
    assert repository.requests[-1][1] == f"bytes={begun}-"
    assert not cache.partial(artifact).exists()


def test_a_server_without_ranges_sends_it_all_again(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    part = cache.partial(artifact)
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    repository.ignore_range = True
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert cache.path(artifact).read_bytes() == CONTENT


@pytest.mark.parametrize("garbage", [b"x" * 1000, b"x" * len(CONTENT), b"x" * 2 * len(CONTENT)])
def test_a_wrong_part_file_is_thrown_away_and_the_download_begins_anew(
    repository: Repository, cache: JarCache, garbage: bytes
) -> None:
    artifact = offered(repository)
    part = cache.partial(artifact)
    part.parent.mkdir(parents=True)
    part.write_bytes(garbage)
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert cache.path(artifact).read_bytes() == CONTENT
    assert repository.requests[-1][1] is None


def test_changed_content_is_refused_and_thrown_away(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    repository.files[f"/{artifact.path}"] = CONTENT[:-1] + b"!"
    with pytest.raises(ChecksumMismatch, match=artifact.sha256[:16]):
        fetch(cache, [artifact], repository=lambda: repository.url)
    assert not cache.path(artifact).exists()
    assert not cache.partial(artifact).exists()


def test_a_corrupted_copy_in_the_cache_is_noticed_and_replaced(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    fetch(cache, [artifact], repository=lambda: repository.url)
    cache.path(artifact).write_bytes(CONTENT[:-1] + b"!")
    assert cache.missing([artifact]) == (artifact,)
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert cache.path(artifact).read_bytes() == CONTENT


def test_a_truncated_copy_in_the_cache_is_noticed_and_replaced(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    fetch(cache, [artifact], repository=lambda: repository.url)
    with cache.path(artifact).open("r+b") as file:
        file.truncate(10)
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert cache.path(artifact).read_bytes() == CONTENT


def test_a_sound_copy_whose_time_changed_is_not_downloaded_again(
    repository: Repository, cache: JarCache
) -> None:
    artifact = offered(repository)
    fetch(cache, [artifact], repository=lambda: repository.url)
    cache.path(artifact).touch()
    assert cache.missing([artifact]) == (artifact,)
    fetch(cache, [artifact], repository=lambda: repository.url)
    assert not cache.missing([artifact])
    assert len(repository.requests) == 1


def test_a_local_repository_is_used_first_but_only_if_its_content_is_right(
    repository: Repository, cache: JarCache, tmp_path: Path
) -> None:
    good, bad = offered(repository, "good"), offered(repository, "bad", CONTENT[::-1])
    local = tmp_path / "m2"
    for artifact, content in ((good, CONTENT), (bad, b"?" * bad.size)):
        file = local / artifact.path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    fetch(cache, [good, bad], repository=lambda: repository.url, local_repository=local)
    assert [path for path, _ in repository.requests] == [f"/{bad.path}"]
    assert cache.verify(good)
    assert cache.verify(bad)


def test_one_failure_stops_the_others_and_what_was_verified_stays(
    repository: Repository, cache: JarCache
) -> None:
    present, absent = offered(repository, "present"), offered(repository, "absent")
    del repository.files[f"/{absent.path}"]
    fetch(cache, [present], repository=lambda: repository.url)
    with pytest.raises(DownloadFailed, match="404"):
        fetch(cache, [present, absent], repository=lambda: repository.url)
    assert cache.holds(present)


def test_nobody_listening_is_explained(cache: JarCache, repository: Repository) -> None:
    artifact = offered(repository)
    with pytest.raises(DownloadFailed, match="refused") as failure:
        fetch(cache, [artifact], repository=lambda: "http://127.0.0.1:1")
    assert "LAB_MAVEN_MIRROR" in str(failure.value.hint)


def test_a_disk_that_fills_up_is_explained(repository: Repository, cache: JarCache) -> None:
    artifact = offered(repository)
    part = cache.partial(artifact)
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")  # every write to it fails with ENOSPC
    with pytest.raises(EnvironmentProblem, match="no space left"):
        fetch(cache, [artifact], repository=lambda: repository.url)
    assert not cache.holds(artifact)


def test_too_little_space_is_noticed_before_anything_is_downloaded(
    repository: Repository, cache: JarCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = offered(repository)
    monkeypatch.setattr(
        "lab.embedded.download.shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1000})()
    )
    with pytest.raises(EnvironmentProblem, match="MB are to be downloaded"):
        fetch(cache, [artifact], repository=lambda: repository.url)
    assert repository.requests == []


def test_a_cache_that_cannot_be_written_is_explained(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = JarCache(tmp_path / "file" / "cache")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        fetch(cache, [offered(repository)], repository=lambda: repository.url)


def test_two_fetches_at_once_download_each_artifact_once(
    repository: Repository, cache: JarCache
) -> None:
    artifacts = [offered(repository, f"thing{n}", CONTENT + bytes([n])) for n in range(6)]
    failures: list[BaseException] = []

    def go() -> None:
        try:
            fetch(cache, artifacts, repository=lambda: repository.url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(path for path, _ in repository.requests) == sorted(
        f"/{artifact.path}" for artifact in artifacts
    )
