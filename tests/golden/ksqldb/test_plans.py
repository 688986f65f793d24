"""Statement → plan, as golden files: a change of plans shows as a difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.ksqldb.names import QueryId
from lab.ksqldb.plan import codec, explain
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import SqlType

from .conftest import CASES, check_golden, plan_case


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_plan_is_as_recorded(case: Path, parser: Parser) -> None:
    command = plan_case(case, parser)
    assert command.query is not None
    text = explain.execution_plan(QueryId("Q"), command.query.step)
    data = json.dumps(codec.encode(command), indent=1)
    check_golden(case.with_suffix(".plan.json"), data + "\n")
    check_golden(case.with_suffix(".plan.txt"), text)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
def test_plan_survives_json(case: Path, parser: Parser) -> None:
    def parse_type(text: str) -> SqlType:
        node = parser.parse_expression(f"CAST(NULL AS {text})")
        assert isinstance(node, ast.Cast)
        return node.type

    command = plan_case(case, parser)
    assert codec.decode(json.loads(json.dumps(codec.encode(command))), parse_type) == command


def test_plan_of_another_version_is_refused(parser: Parser) -> None:
    data = codec.encode(plan_case(CASES[0], parser)) | {"version": 99}
    with pytest.raises(codec.UnreadablePlan, match="99"):
        codec.decode(data, lambda _: None)  # type: ignore[arg-type,return-value] # never called
