"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lab.config import Settings
from lab.targets import OWN
from lab.targets.own import OwnLab, own_lab

F = TypeVar("F", bound=Callable[..., Any])


def name_option(command: F) -> F:
    """``--name``: which lab."""
    return click.option(
        "--name",
        default="default",
        show_default=True,
        envvar="LAB_NAME",
        help="Which lab; several can run side by side.",
    )(command)


def json_option(command: F) -> F:
    """``--json``: for machines."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")(
        command
    )


def target_option(command: F) -> F:
    """``--target``: of which kind the lab is."""
    return click.option(
        "--target",
        type=click.Choice(OWN),
        envvar="LAB_TARGET",
        help="embedded (native processes) or compose (containers).  [default: whichever runs]",
    )(command)


def find_lab(name: str, target: str | None) -> OwnLab:
    """The lab of this name under the user's settings. Raises UsageError."""
    return own_lab(Settings.from_env(), name, target)
