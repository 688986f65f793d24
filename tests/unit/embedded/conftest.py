"""Fixtures for the embedded target's unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.http_repository import Repository, serving

from lab.embedded.jars import JarCache


@pytest.fixture
def repository() -> Iterator[Repository]:
    with serving(Repository()) as served:
        yield served


@pytest.fixture
def cache(tmp_path: Path) -> JarCache:
    return JarCache(tmp_path / "cache")
