"""What may go wrong: interruptions, kills, taken ports, damaged files, full disks."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.lab_command import LabCommand, lab_user

from lab.config import Settings
from lab.embedded.jars import JarCache, load_lock
from lab.embedded.ports import OFFSETS_FROM_BASE, choose
from lab.wait import wait_until


def test_ctrl_c_while_starting_stops_everything(user: LabCommand) -> None:
    command = user.start("up")
    user.wait_for_process("ksqldb")
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 130
    assert "interrupted" in errors
    assert user.processes() == {}
    user.run("up")


def test_a_polite_end_while_starting_stops_everything(user: LabCommand) -> None:
    command = user.start("up")
    user.wait_for_process("broker-1")
    command.terminate()
    command.communicate(timeout=60)
    assert command.returncode == 128 + signal.SIGTERM
    assert user.processes() == {}


@pytest.mark.parametrize("moment", ["broker-1", "registry-proxy", "ksqldb"])
def test_after_a_kill_of_up_the_next_up_cleans_and_starts(user: LabCommand, moment: str) -> None:
    command = user.start("up")
    user.wait_for_process(moment)
    command.kill()
    command.communicate()
    left = set(user.processes())
    assert left
    told = user.run("up")
    assert "interrupted command had left" in told.stderr
    assert not left & set(user.processes())


def test_after_a_kill_of_up_down_cleans(user: LabCommand) -> None:
    command = user.start("up")
    user.wait_for_process("schema-registry")
    command.kill()
    command.communicate()
    assert user.processes()
    user.run("down")
    assert user.processes() == {}


def test_what_was_started_but_not_yet_recorded_is_found_by_its_mark(user: LabCommand) -> None:
    command = user.start("up")
    user.wait_for_process("ksqldb")
    command.kill()
    command.communicate()
    for record in (user.state_root / "default" / "run").glob("*.pid.json"):
        record.unlink()
    assert user.processes()
    assert "a stray" in user.run("down").stdout
    assert user.processes() == {}


def test_a_component_killed_while_starting_is_named_and_all_are_stopped(user: LabCommand) -> None:
    command = user.start("up")
    os.kill(user.wait_for_process("schema-registry"), signal.SIGKILL)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "schema-registry was ended by signal 9 while starting" in errors
    assert "try:" in errors
    assert user.processes() == {}


def test_a_component_that_dies_while_starting_shows_its_exit_code_and_log(
    user: LabCommand,
) -> None:
    user.run("up")
    user.run("down")
    meta = user.state_root / "default" / "data" / "broker-1" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=9"))
    failed = user.run("up", expect=1)
    assert "broker-1 ended with exit code 1 while starting" in failed.stderr
    assert "node id" in failed.stderr
    assert user.processes() == {}


def test_a_component_that_hangs_is_named_when_its_time_is_over(tmp_path: Path) -> None:
    with lab_user(tmp_path / "state", LAB_START_TIMEOUT="3") as user:
        command = user.start("up")
        os.kill(user.wait_for_process("broker-1"), signal.SIGSTOP)
        _, errors = command.communicate(timeout=60)
        assert command.returncode == 1
        # On a slow machine the registry's time is over first: then the broker is named beside it.
        assert re.search(r"broker-1 did not get ready|not ready either: broker-1", errors), errors
        assert user.processes() == {}


def test_a_taken_port_is_reported_with_its_holder(user: LabCommand) -> None:
    base = choose(1, well_known=False, remembered={}, taken={}).ports["broker-1"] + 3000
    taken = base + OFFSETS_FROM_BASE["ksqldb"]
    with closing(socket.create_server(("127.0.0.1", taken))):
        failed = user.run("up", "--port-base", str(base), expect=1)
    assert f"port {taken}" in failed.stderr
    assert f"pid {os.getpid()}" in failed.stderr
    assert user.processes() == {}


def test_two_labs_started_at_once_run_side_by_side(user: LabCommand) -> None:
    commands = [user.start("up", "--name", name) for name in ("left", "right")]
    for command in commands:
        _, errors = command.communicate(timeout=120)
        assert command.returncode == 0, errors
    left, right = (user.json("env", "--name", name) for name in ("left", "right"))
    assert not set(left.values()) & set(right.values()) - {""}
    user.run("down", "--name", "left")
    assert user.json("status", "--name", "right")["endpoints"] == right


def test_a_second_command_on_the_same_lab_is_told_to_wait(user: LabCommand) -> None:
    first = user.start("up")
    user.wait_for_process("broker-1")
    assert f"pid {first.pid}" in user.run("up", expect=1).stderr
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_stale_pid_of_another_process_is_left_alone(user: LabCommand) -> None:
    user.run("up")
    user.run("kill", "ksqldb")
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        record = user.state_root / "default" / "run" / "ksqldb.pid.json"
        stale = json.loads(record.read_text())
        record.write_text(json.dumps({**stale, "pid": stranger.pid}))
        user.run("up")
        user.run("down")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_restart_of_the_machine_is_survived(user: LabCommand) -> None:
    """All processes gone at once, the state file still saying that the lab is up."""
    user.run("up")
    for pid in user.processes():
        os.kill(pid, signal.SIGKILL)
    wait_until("all are gone", lambda: not user.processes())
    assert "lab up" in user.run("status", expect=3).stderr
    user.run("up")


def test_a_cluster_id_that_begins_with_a_dash_is_no_option(user: LabCommand) -> None:
    user.run("up")
    user.run("reset", "--yes")
    folder = user.state_root / "default"
    user.run("up")
    user.run("down")
    state = json.loads((folder / "lab.json").read_text())
    shutil.rmtree(folder / "data")
    (folder / "lab.json").write_text(json.dumps({**state, "cluster_id": "-dashed-cluster-id-22c"}))
    user.run("up")
    meta = (folder / "data" / "broker-1" / "meta.properties").read_text()
    assert "cluster.id=-dashed-cluster-id-22c" in meta


def test_a_state_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    failed = LabCommand(tmp_path / "file" / "state").run("up", expect=1)
    assert "cannot be written" in failed.stderr
    assert "LAB_STATE_DIR" in failed.stderr


def test_a_damaged_state_file_is_explained_and_kept(user: LabCommand) -> None:
    folder = user.state_root / "default"
    folder.mkdir(parents=True)
    (folder / "lab.json").write_text("{half")
    assert "lab.json cannot be read" in user.run("up", expect=1).stderr
    assert (folder / "lab.json").read_text() == "{half"
    (folder / "lab.json").unlink()


def test_a_damaged_jar_is_replaced_before_it_is_used(user: LabCommand, tmp_path: Path) -> None:
    """The cache is copied by hard links; one jar of the copy is truncated."""
    good = JarCache(Settings.from_env().cache_dir)
    copy = tmp_path / "cache"
    shutil.copytree(Settings.from_env().cache_dir, copy, copy_function=os.link)
    victim = load_lock().sets["kafka"][0]
    jar = JarCache(copy).path(victim)
    content = jar.read_bytes()
    jar.unlink()
    jar.write_bytes(content[: len(content) // 2])

    offline = {"LAB_CACHE_DIR": str(copy), "LAB_MAVEN_MIRROR": "http://127.0.0.1:1"}
    user.env.update(offline)
    assert victim.coordinate in user.run("up", expect=1).stderr
    assert user.processes() == {}

    user.env["LAB_MAVEN_LOCAL"] = str(good.root)
    user.run("up")
    assert JarCache(copy).verify(victim)
    user.run("down")


def test_with_everything_fetched_no_network_is_needed(user: LabCommand) -> None:
    user.env["LAB_MAVEN_MIRROR"] = "http://127.0.0.1:1"
    user.run("up")


def test_nothing_listens_beyond_loopback(user: LabCommand) -> None:
    user.run("up")
    for pid in user.processes():
        for connection in psutil.Process(pid).net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in {"127.0.0.1", "::ffff:127.0.0.1"}, connection
