"""Pytest fixtures for other projects: ``pytest_plugins = ["lab.testcontainers.fixtures"]``.

| fixture          | what it is                                                              |
|------------------|-------------------------------------------------------------------------|
| kafka_stack      | a throw-away broker, Schema Registry and ksqlDB for the whole session   |
| kafka_endpoints  | where they answer                                                       |
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.endpoints import Endpoints
from lab.testcontainers.stack import LabStack


@pytest.fixture(scope="session")
def kafka_stack() -> Iterator[LabStack]:
    """Started when it is first asked for, gone with its data at the end of the session."""
    with LabStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def kafka_endpoints(kafka_stack: LabStack) -> Endpoints:
    """Where the stack answers."""
    return kafka_stack.endpoints
