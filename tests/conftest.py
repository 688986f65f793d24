"""What tests of several folders share: jars, a scratch broker, servers on it."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.ksqldb_server import Server

    from lab.embedded.outfit import Outfit

# What a fixture needs is loaded when it is used: unit tests need none of it.
# ruff: noqa: PLC0415


def pytest_configure() -> None:
    """Let programs under test see Ctrl-C even if the tests run in a shell's background.

    A shell has its background programs ignore SIGINT, and programs hand that on to their children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def outfit() -> Outfit:
    """Java and the pinned jars; downloaded if they are missing."""
    from lab.config import Settings
    from lab.embedded.fetching import outfitter

    return outfitter(Settings.from_env(), quiet=True)()


@pytest.fixture(scope="session")
def bootstrap(outfit: Outfit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that only this test process uses."""
    from support.scratch_broker import scratch_broker

    with scratch_broker(outfit, tmp_path_factory.mktemp("broker") / "node") as address:
        yield address


@pytest.fixture(scope="session")
def registry_url(outfit: Outfit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a schema registry that only this test process uses.

    Tests that ask for it belong to the group ``schema-registry``, so that one process starts one.
    """
    from support.scratch_registry import scratch_registry

    with scratch_registry(outfit, tmp_path_factory.mktemp("registry") / "node") as url:
        yield url


@pytest.fixture(scope="session")
def classpath(outfit: Outfit) -> str:
    """The jars of the ksqlDB-compatible server."""
    return outfit.class_path("ksqldb")


@pytest.fixture(scope="session")
def build_dir(outfit: Outfit) -> Path:
    """Where the server's Java part is compiled, once for all."""
    outfit.build_dir.mkdir(parents=True, exist_ok=True)
    return outfit.build_dir


@pytest.fixture(scope="session")
def jvm(outfit: Outfit, build_dir: Path) -> None:
    """The JVM of this process, with the server's Java part; there can be only one."""
    from lab.ksqldb.jvm import boot, javac

    jars = [Path(jar) for jar in outfit.class_path("ksqldb").split(":")]
    runtime = javac.runtime_jar(build_dir, jars, outfit.java.home)
    boot.start(outfit.java.home, [runtime, *jars], ["-Xmx128m"])


@pytest.fixture
def make_server(
    tmp_path: Path, bootstrap: str, classpath: str, build_dir: Path
) -> Iterator[Callable[..., Server]]:
    """Makes servers that are ended with the test, with properties NAME=VALUE.

    ``through`` is where they find the broker, if not at its own address.
    """
    from support.ksqldb_server import Server

    made: list[Server] = []

    def make(*properties: str, service_id: str | None = None, through: str | None = None) -> Server:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        made.append(
            Server(
                folder,
                through or bootstrap,
                classpath,
                build_dir,
                *properties,
                service_id=service_id,
            )
        )
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A server that is ready."""
    made = make_server()
    made.start()
    return made


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for sources and topics."""
    return f"T{uuid.uuid4().hex[:8].upper()}"
