"""The command line: help that teaches, errors that say what to do, meaningful exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.cli import COMMANDS, cli, show_error
from lab.errors import ComponentFailed, LabError


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    told = CliRunner().invoke(cli, [command, "--help"])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("Usage:")
    assert len(told.output.splitlines()) > 5


def test_help_lists_every_command_with_a_first_walk_and_the_exit_codes() -> None:
    told = CliRunner().invoke(cli, ["--help"]).output
    for command in COMMANDS:
        assert f"\n  {command} " in told
    assert "A first walk" in told
    assert "Exit codes" in told


def test_a_wrong_command_gets_the_nearest_right_one() -> None:
    told = CliRunner().invoke(cli, ["stauts"])
    assert told.exit_code == 2
    assert "Did you mean 'lab status'?" in told.output


def test_an_embedded_lab_has_no_connect_that_could_use_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    told = CliRunner().invoke(cli, ["up", "--target", "embedded", "--no-connect-plugins"])
    assert told.exit_code != 0
    assert "--target compose" in f"{told.output}{getattr(told.exception, 'hint', '')}"
    assert list(tmp_path.iterdir()) == []


def test_an_error_shows_what_is_wrong_the_log_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_error(
        ComponentFailed(
            "ksqldb", "ksqldb ended", log=Path("/logs/ksqldb.log"), log_tail=("first", "last"),
            hint="look",
        ),
        color=False,
    )  # fmt: skip
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "error: ksqldb ended",
        "  the last lines of /logs/ksqldb.log:",
        "  | first",
        "  | last",
        "try: look",
    ]


def test_every_error_of_the_lab_has_an_exit_code_that_is_not_success() -> None:
    def below(kind: type[LabError]) -> list[type[LabError]]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    assert {kind.exit_code for kind in below(LabError)} == {1, 2, 3}


def test_the_command_is_a_click_command() -> None:
    assert isinstance(cli, click.Group)


def test_the_command_starts_without_loading_what_it_does_not_need() -> None:
    code = (
        "import sys, lab.cli\n"
        "heavy = {'confluent_kafka', 'requests', 'rich', 'httpx2', 'jinja2', 'lark', 'jpype'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
