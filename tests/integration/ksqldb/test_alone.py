"""`lab ksqldb`: the server by itself, against a broker that somebody else runs."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx2
import pytest
from support.ksqldb_server import READY_SECONDS, until
from support.lab_command import LabCommand
from support.ports import next_port


@pytest.fixture
def user(tmp_path: Path) -> LabCommand:
    return LabCommand(tmp_path / "state")


def test_it_serves_sql_and_ends_with_sigint(
    user: LabCommand, bootstrap: str, name: str, tmp_path: Path
) -> None:
    port = next_port()
    config = tmp_path / "server.properties"
    config.write_text("# how soon tables tell\nksql.streams.commit.interval.ms = 321\n")
    command = user.start(
        *("ksqldb", "--bootstrap", bootstrap, "--listen", f"127.0.0.1:{port}"),
        *("--service-id", f"alone_{name}_", "--config", str(config)),
    )
    try:
        url = f"http://127.0.0.1:{port}"

        def healthy() -> bool:
            assert command.poll() is None, command.communicate()[1]
            try:
                return bool(httpx2.get(f"{url}/healthcheck").json()["isHealthy"])
            except (httpx2.HTTPError, ValueError):
                return False

        until(healthy, f"the health of {url}", READY_SECONDS)
        answer = httpx2.post(f"{url}/ksql", json={"ksql": "SHOW PROPERTIES;"}, timeout=20).json()
        shown = {p["name"]: p["value"] for p in answer[0]["properties"]}
        assert shown["ksql.streams.commit.interval.ms"] == "321"
        info = httpx2.get(f"{url}/info").json()["KsqlServerInfo"]
        assert info["ksqlServiceId"] == f"alone_{name}_"
        state = user.state_root / "ksqldb" / f"alone_{name}_"
        assert shown["ksql.streams.state.dir"] == str(state)
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=20)
        assert command.returncode == 0, errors
    finally:
        command.kill()
        command.communicate()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--bootstrap"),
        (("--bootstrap", "b:1", "--listen", "8088"), "'8088' is not HOST:PORT"),
        (("--bootstrap", "b:1", "--property", "oops"), "'oops' is not NAME=VALUE"),
        (("--bootstrap", "b:1", "--service-id", "a b"), "letters, digits"),
        (("--bootstrap", "b:1", "--heap", "much"), "'much' is no size"),
        (("--bootstrap", "b:1", "--config", "/nowhere"), "does not exist"),
    ],
)
def test_wrong_usage_is_named(user: LabCommand, arguments: tuple[str, ...], said: str) -> None:
    assert said in user.run("ksqldb", *arguments, expect=2).stderr
