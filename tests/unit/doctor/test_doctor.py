"""Running the checks and showing what they said."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from rich.console import Console

from lab import doctor
from lab.config import Settings
from lab.doctor import CheckResult, exit_code, render_json, render_table, run_checks

OK = CheckResult("Python", "ok", "3.11.7")
WARN = CheckResult("memory", "warn", "[b]1 GiB[/b]", "Close other programs.")
FAIL = CheckResult("Java", "fail", "does not run", "Install another.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "state", tmp_path / "cache")


def test_results_come_in_the_order_of_the_checks(settings: Settings) -> None:
    second_ran = threading.Event()

    def first(_: Settings) -> CheckResult:
        assert second_ran.wait(10)  # they run side by side
        return OK

    def second(_: Settings) -> list[CheckResult]:
        second_ran.set()
        return [WARN, FAIL]

    assert run_checks(settings, [("first", first), ("second", second)]) == [OK, WARN, FAIL]


def test_check_that_breaks_is_a_result(settings: Settings) -> None:
    def broken(_: Settings) -> CheckResult:
        raise RuntimeError("what?")

    (result,) = run_checks(settings, [("clock", broken)])
    assert (result.name, result.status) == ("clock", "warn")
    assert "RuntimeError: what?" in result.seen


def test_no_checks_no_results(settings: Settings) -> None:
    assert run_checks(settings, []) == []


def test_checks_of_this_machine(settings: Settings, tmp_path: Path) -> None:
    offline = Settings(settings.state_root, settings.cache_dir, maven_mirror="http://127.0.0.1:1")
    results = run_checks(offline)
    assert not [result for result in results if "could not be checked" in result.seen]
    assert {"Python", "Java", "memory", "port 9092", "downloads", "Docker engine"} <= {
        result.name for result in results
    }
    assert all(result.remedy for result in results if result.status != "ok")
    assert list(tmp_path.iterdir()) == []  # nothing was made


@pytest.mark.parametrize(
    ("results", "code"), [([], 0), ([OK], 0), ([OK, WARN], 0), ([WARN, FAIL, OK], 1)]
)
def test_exit_code(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code


def test_json() -> None:
    data = json.loads(render_json([OK, WARN]))
    assert data["ok"] is True
    assert data["checks"][1] == {
        "name": "memory",
        "status": "warn",
        "seen": "[b]1 GiB[/b]",
        "remedy": "Close other programs.",
    }


def test_table_shows_remedies_and_a_summary() -> None:
    assert render_table([OK, WARN, FAIL], console=Console(width=80)).splitlines() == [
        "✓ Python 3.11.7",
        "! memory [b]1 GiB[/b]",
        "         Close other programs.",
        "✗ Java   does not run",
        "         Install another.",
        "",
        "1 of 3 checks failed, 1 warning: the embedded target will not run before that is",
        "mended.",
    ]


@pytest.mark.parametrize(
    ("results", "last"),
    [
        ([OK], "All is well: the embedded target runs."),
        ([OK, WARN], "Nothing failed, 1 warning: the embedded target runs."),
        ([WARN, WARN], "Nothing failed, 2 warnings: the embedded target runs."),
    ],
)
def test_summary(results: list[CheckResult], last: str) -> None:
    assert render_table(results, console=Console(width=80)).splitlines()[-1] == last


def test_colours_on_a_terminal_and_none_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = render_table([OK], console=Console(force_terminal=True, color_system="standard"))
    assert "\x1b[32m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    plain = render_table([OK], console=Console(force_terminal=True, color_system="standard"))
    assert "\x1b[32m" not in plain


def test_every_check_has_a_name_of_its_own() -> None:
    names = [name for name, _ in doctor.CHECKS]
    assert len(set(names)) == len(names)
