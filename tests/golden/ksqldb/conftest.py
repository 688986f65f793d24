"""Cases of the golden tests: statements planned on an empty catalog without a broker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.ksqldb.analysis.inference import Registration
from lab.ksqldb.analysis.topics import SandboxTopics, Topic
from lab.ksqldb.catalog import Catalog, Column, Format
from lab.ksqldb.config import DEFAULTS
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import ColumnName
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.runtime.planned import Distributed, apply
from lab.ksqldb.runtime.planning import Planning
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import INTEGER

CASES = sorted((Path(__file__).parent / "cases").glob("*.sql"))


class NoTopics:
    """A broker without topics."""

    def find(self, name: str) -> Topic | None:
        del name
        return None


class Registry:
    """A schema registry that takes every schema and has one of a value."""

    def columns(
        self, format_: Format, topic: str, *, bare: bool, schema_id: int | None
    ) -> tuple[Column, ...] | None:
        del topic, bare, schema_id
        return None if format_.is_key else (Column(ColumnName("A"), INTEGER),)

    def check(self, registration: Registration) -> None:
        del registration


def plan_case(case: Path, parser: Parser) -> Command:
    """The command of a case's last statement, after those before it."""
    catalog = Catalog()
    topics = SandboxTopics(NoTopics())
    planning = Planning(catalog, topics, builtin(), dict(DEFAULTS), Registry())
    command: Command | None = None
    for piece in parser.split(case.read_text(encoding="utf-8")):
        parsed = parser.prepare(piece, catalog.types(), {})
        planned = planning.plan(parsed.statement, 1)
        assert isinstance(planned, Distributed)
        if planned.new_topic is not None:
            topics.make(planned.new_topic)
        apply(planned.command, catalog)
        command = planned.command
    assert command is not None
    return command


def check_golden(path: Path, actual: str) -> None:
    """Compare with a golden file; ``UPDATE_GOLDEN=1`` writes it."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(actual, encoding="utf-8")
    assert path.exists(), f"{path.name} is missing: run with UPDATE_GOLDEN=1 and look at it"
    assert actual == path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Parser:
    """The parser."""
    return Parser(tmp_path_factory.getbasetemp().parent / "ksqldb-grammar")
