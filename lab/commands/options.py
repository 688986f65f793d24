"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from lab.config import Settings
from lab.embedded.lifecycle import EmbeddedLab

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


def embedded_lab(name: str) -> EmbeddedLab:
    """The lab of this name under the user's settings."""
    return EmbeddedLab(Settings.from_env(), name)
