"""``lab doctor``: what this machine has and lacks for the lab, with the remedy for each lack.

Checks are data: a name, a status, what was seen, what to do. They change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.config import Settings
from lab.doctor.compose import check_compose_labs, check_connect_plugins, check_images
from lab.doctor.docker import check_docker
from lab.doctor.labs import check_labs
from lab.doctor.machine import (
    check_cache_folder,
    check_clock,
    check_java,
    check_memory,
    check_open_files,
    check_python,
    check_state_folder,
    check_virtual_environment,
)
from lab.doctor.model import CheckResult
from lab.doctor.network import check_downloads, check_ports
from lab.doctor.rendering import exit_code, render_json, render_table

__all__ = ["CHECKS", "CheckResult", "exit_code", "render_json", "render_table", "run_checks"]

Check = Callable[[Settings], CheckResult | list[CheckResult]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("Python", check_python),
    ("virtual environment", check_virtual_environment),
    ("Java", check_java),
    ("memory", check_memory),
    ("state folder", check_state_folder),
    ("cache folder", check_cache_folder),
    ("open files", check_open_files),
    ("clock", check_clock),
    ("ports", check_ports),
    ("downloads", check_downloads),
    ("labs", check_labs),
    ("Docker", check_docker),
    ("images", check_images),
    ("Connect's plug-ins", check_connect_plugins),
    ("labs of containers", check_compose_labs),
)
"""Every check with its name, in the order in which results are shown."""


def run_checks(
    settings: Settings, checks: Sequence[tuple[str, Check]] = CHECKS
) -> list[CheckResult]:
    """Run the checks side by side; their results in the checks' order.

    Never raises for what it finds: a check that breaks is a result itself.
    """
    with ThreadPoolExecutor(max_workers=len(checks) or 1) as pool:
        pending = [pool.submit(_run, name, check, settings) for name, check in checks]
        return [result for future in pending for result in future.result()]


def _run(name: str, check: Check, settings: Settings) -> list[CheckResult]:
    try:
        found = check(settings)
    except Exception as error:  # the next check must still be heard
        return [
            CheckResult(
                name, "warn", f"could not be checked: {type(error).__name__}: {error}",
                "Please report this; the other checks are not touched by it.",
            )
        ]  # fmt: skip
    return found if isinstance(found, list) else [found]
