"""The conformance comparer catches what it must, and only that."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

_PATH = Path(__file__).parents[2] / "conformance" / "ksqldb" / "comparer.py"


@pytest.fixture(scope="module")
def comparer() -> Any:
    spec = importlib.util.spec_from_file_location("ksqldb_comparer_under_test", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_run_dependent_parts_do_not_count(comparer: Any) -> None:
    one = {"queryId": "CSAS_A_11", "commandSequenceNumber": 12, "x": "query_1795394738182"}
    two = {"queryId": "CSAS_A_3", "commandSequenceNumber": 4, "x": "query_1800000000000"}
    assert comparer.compare_bodies(one, two) == []


def test_topic_names_of_other_queries_do_count(comparer: Any) -> None:
    one = {"topic": "_confluent-ksql-default_query_CTAS_A_1-Aggregate-GroupBy-repartition"}
    two = {"topic": "_confluent-ksql-default_query_CTAS_B_1-Aggregate-GroupBy-repartition"}
    assert comparer.compare_bodies(one, two)


@pytest.mark.parametrize(
    ("recorded", "actual"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"error_code": 40001, "@type": "statement_error"}, {"error_code": 40000}),
        ({"error_code": 40001, "message": "x"}, [{"@type": "currentStatus"}]),
    ],
)
def test_real_differences_are_found(comparer: Any, recorded: Any, actual: Any) -> None:
    assert comparer.compare_bodies(recorded, actual)


def test_words_of_errors_do_not_count(comparer: Any) -> None:
    one = {"error_code": 40001, "@type": "statement_error", "message": "theirs"}
    assert comparer.compare_bodies(one, one | {"message": "ours"}) == []


def test_rows_may_come_in_another_order_but_must_be_the_same(comparer: Any) -> None:
    header = '{"queryId":"q","columnNames":["A"]}'
    assert (
        comparer.compare_lines([header, "[1]", "[2]"], [header, "[2]", "[1]"], any_rows=False) == []
    )
    assert comparer.compare_lines([header, "[1]", "[2]"], [header, "[1]"], any_rows=False)
    assert comparer.compare_lines([header, "[1]"], [header, "[3]"], any_rows=False)
    assert comparer.compare_lines([header, "[1]"], [header, "[3]"], any_rows=True) == []
