"""Connect's plug-ins: unpacked whole, safely, once; or not there at all."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.http_repository import Repository

from lab.config import Settings
from lab.embedded import connect_plugins, fetching
from lab.embedded.connect_plugins import (
    MARKER,
    damaged,
    discard,
    folder_of,
    is_unpacked,
    pinned,
    plugins_folder,
    provide,
)
from lab.embedded.download import fetch
from lab.embedded.jars import Artifact, JarCache, load_lock
from lab.errors import ChecksumMismatch, DownloadFailed

Add = Callable[[tarfile.TarFile], None]


def a_file(name: str, content: bytes = b"content", mode: int = 0o600) -> Add:
    def add(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), mode
        tar.addfile(member, io.BytesIO(content))

    return add


def a_link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> Add:
    def add(tar: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, to
        tar.addfile(member)

    return add


SOUND = (
    a_file("thing/thing.jar", b"x" * 5000),
    a_file("thing/lib/other.jar"),
    a_file("thing/NOTE"),
)


def packed(*parts: Add) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for add in parts:
            add(tar)
    return buffer.getvalue()


def offered(repository: Repository, content: bytes, name: str = "thing") -> Artifact:
    archive = Artifact(
        f"org.example:{name}:tar.gz:plugin:1.0.Final",
        f"org/example/{name}/1.0.Final/{name}-1.0.Final-plugin.tar.gz",
        hashlib.sha256(content).hexdigest(),
        len(content),
    )
    repository.files[f"/{archive.path}"] = content
    return archive


@pytest.fixture
def get(repository: Repository, tmp_path: Path) -> Callable[..., tuple[Artifact, ...]]:
    def download(cache: JarCache, artifacts: tuple[Artifact, ...]) -> None:
        fetch(cache, artifacts, repository=lambda: repository.url)

    return lambda *archives: provide(tmp_path, archives, download)


Get = Callable[..., tuple[Artifact, ...]]


def files_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_pinned_plugins_are_debeziums_source_and_sink() -> None:
    folders = [folder_of(Path("/c"), archive) for archive in pinned(load_lock())]
    version = load_lock().versions["Debezium"]
    assert folders == [
        Path(f"/c/connect-plugins/debezium-connector-postgres-{version}"),
        Path(f"/c/connect-plugins/debezium-connector-jdbc-{version}"),
    ]


def test_a_plugin_is_unpacked_once_and_its_archive_removed(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archive = offered(repository, packed(*SOUND))
    assert get(archive) == (archive,)
    folder = tmp_path / "connect-plugins" / "thing-1.0.Final"
    assert files_below(folder) == {"thing.jar", "lib/other.jar", "NOTE", MARKER}
    assert list(plugins_folder(tmp_path).iterdir()) == [folder]
    assert not JarCache(tmp_path).path(archive).exists()
    assert not (tmp_path / "connect-plugins.unpacking").exists()

    repository.status = 500  # as good as no network
    assert get(archive) == ()
    assert len(repository.requests) == 1


def test_it_comes_from_the_users_mirror_with_progress(
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive = offered(repository, packed(*SOUND))
    monkeypatch.setattr(connect_plugins, "pinned", lambda _lock: (archive,))
    settings = Settings(tmp_path / "labs", tmp_path / "cache", maven_mirror=repository.url)
    assert fetching.plugins_provider(settings)() == (archive,)
    assert "downloading 1 files" in capsys.readouterr().err
    assert is_unpacked(tmp_path / "cache", archive)
    assert fetching.plugins_provider(settings)() == ()
    assert not capsys.readouterr().err


def test_another_user_can_read_it_whatever_the_umask(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        get(offered(repository, packed(*SOUND)))
    finally:
        os.umask(before)
    top = plugins_folder(tmp_path)
    for path in (top, *top.rglob("*")):
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.mark.parametrize(
    "bad",
    [
        a_file("../evil.jar"),
        a_file("thing/../../../evil.jar"),
        a_file("/evil.jar"),
        a_link("thing/evil.jar", "/etc/passwd"),
        a_link("thing/evil.jar", "../../evil"),
        a_link("thing/evil.jar", "thing/thing.jar", tarfile.LNKTYPE),
        a_link("thing/pipe", "", tarfile.FIFOTYPE),
        a_link("thing/device", "", tarfile.CHRTYPE),
    ],
)
def test_an_archive_that_reaches_out_is_refused_whole(
    repository: Repository, get: Get, tmp_path: Path, bad: Add
) -> None:
    archive = offered(repository, packed(*SOUND, bad))
    with pytest.raises(DownloadFailed, match="cannot be unpacked safely"):
        get(archive)
    assert list(plugins_folder(tmp_path).iterdir()) == []
    assert not list(tmp_path.parent.rglob("evil*"))
    assert not Path("/evil.jar").exists()
    assert not is_unpacked(tmp_path, archive)


def test_what_is_no_archive_or_a_half_one_is_refused(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    whole = packed(*SOUND)
    for n, content in enumerate((b"no archive", whole[: len(whole) // 2], whole[:20])):
        with pytest.raises(DownloadFailed, match="cannot be unpacked safely"):
            get(offered(repository, content, f"thing{n}"))
    assert list(plugins_folder(tmp_path).iterdir()) == []


def test_an_archive_without_a_jar_is_no_plugin(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    with pytest.raises(DownloadFailed, match="no plug-in"):
        get(offered(repository, packed(a_file("thing/README"))))
    assert list(plugins_folder(tmp_path).iterdir()) == []


def test_a_wrong_checksum_is_refused_before_anything_is_unpacked(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archive = offered(repository, packed(*SOUND))
    changed = packed(*SOUND[:-1], a_file("thing/NOTE", b"Content"))
    repository.files[f"/{archive.path}"] = changed[: archive.size].ljust(archive.size, b"\0")
    with pytest.raises(ChecksumMismatch):
        get(archive)
    assert list(plugins_folder(tmp_path).iterdir()) == []


def test_a_cut_off_download_goes_on_and_is_then_unpacked(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archive = offered(repository, packed(a_file("thing/thing.jar", os.urandom(900_000))))
    repository.cut_after = 300_000
    with pytest.raises(DownloadFailed, match="cut off"):
        get(archive)
    repository.cut_after = None
    get(archive)
    assert is_unpacked(tmp_path, archive)
    assert str(repository.requests[-1][1]).startswith("bytes=")


class Interrupted(BaseException):
    """As Ctrl-C."""


def test_an_interrupted_unpacking_leaves_nothing_to_be_seen(
    repository: Repository, get: Get, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = offered(repository, packed(*SOUND))

    def interrupted(folder: Path, _archive: Artifact) -> None:
        assert (folder / "thing.jar").exists()
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(connect_plugins, "_seal", interrupted)
        with pytest.raises(Interrupted):
            get(archive)
    assert list(plugins_folder(tmp_path).iterdir()) == []
    assert get(archive) == (archive,)
    assert len(repository.requests) == 1  # the verified archive had stayed


def test_what_a_killed_unpacking_left_is_thrown_away(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archive = offered(repository, packed(*SOUND))
    left = tmp_path / "connect-plugins.unpacking" / "tmp1" / "thing"
    left.mkdir(parents=True)
    (left / "half.jar").write_bytes(b"ha")
    half = folder_of(tmp_path, archive)
    half.mkdir(parents=True)
    (half / "thing.jar").write_bytes(b"x" * 5000)
    assert not is_unpacked(tmp_path, archive)  # no marker
    get(archive)
    assert files_below(half) == {"thing.jar", "lib/other.jar", "NOTE", MARKER}
    assert not left.exists()


def _cut(folder: Path) -> None:
    os.truncate(folder / "thing.jar", 10)


def _remove(folder: Path) -> None:
    (folder / "NOTE").unlink()


def _add(folder: Path) -> None:
    (folder / "lib" / "extra.jar").write_bytes(b"extra")


def _spoil_marker(folder: Path) -> None:
    (folder / MARKER).write_text("{")


def _of_another_archive(folder: Path) -> None:
    text = (folder / MARKER).read_text()
    (folder / MARKER).write_text(text.replace('"archive": "', '"archive": "0'))


@pytest.mark.parametrize("harm", [_cut, _remove, _add, _spoil_marker, _of_another_archive])
def test_a_plugin_that_changed_is_noticed_and_replaced(
    repository: Repository, get: Get, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    archive = offered(repository, packed(*SOUND))
    get(archive)
    harm(folder_of(tmp_path, archive))
    assert get(archive) == (archive,)
    found = files_below(folder_of(tmp_path, archive))
    assert found == {"thing.jar", "lib/other.jar", "NOTE", MARKER}
    assert damaged(tmp_path, [archive]) == ()


def test_a_change_that_keeps_the_size_is_found_by_reading(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archive = offered(repository, packed(*SOUND))
    assert damaged(tmp_path, [archive]) == ()  # not there is not damaged
    get(archive)
    (folder_of(tmp_path, archive) / "thing.jar").write_bytes(b"y" * 5000)
    assert damaged(tmp_path, [archive]) == (archive,)
    discard(tmp_path, archive)
    assert not folder_of(tmp_path, archive).exists()
    assert get(archive) == (archive,)


def test_the_users_own_plugins_beside_it_stay(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    own = plugins_folder(tmp_path) / "own"
    own.mkdir(parents=True)
    (own / "own.jar").write_bytes(b"own")
    get(offered(repository, packed(*SOUND)))
    assert files_below(own) == {"own.jar"}


def test_two_labs_at_once_download_and_unpack_once(
    repository: Repository, get: Get, tmp_path: Path
) -> None:
    archives = [offered(repository, packed(*SOUND), f"thing{n}") for n in range(2)]
    results: list[tuple[Artifact, ...]] = []
    threads = [threading.Thread(target=lambda: results.append(get(*archives))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, results)) == [0, 0, 2]
    assert len(repository.requests) == 2
    assert all(is_unpacked(tmp_path, archive) for archive in archives)
