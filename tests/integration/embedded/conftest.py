"""A user of the ``lab`` command, with a state folder that nobody else has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab_command import LabCommand, lab_user


@pytest.fixture
def user(tmp_path: Path) -> Iterator[LabCommand]:
    with lab_user(tmp_path / "state") as someone:
        yield someone
