"""Plan → Kafka Streams topology, as golden files. Needs the server's jars, no broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.ksqldb.functions.library import builtin
from lab.ksqldb.jvm.topology import TopologyBuilder
from lab.ksqldb.sql.parser import Parser

from .conftest import CASES, check_golden, plan_case


@pytest.mark.usefixtures("jvm")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_topology_is_as_recorded(case: Path, parser: Parser) -> None:
    command = plan_case(case, parser)
    assert command.query is not None
    builder = TopologyBuilder(command.query, builtin(), parser.parse_expression, None)
    check_golden(case.with_suffix(".topology.txt"), builder.build().description)
