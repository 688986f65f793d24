"""Recorded answers of ksqlDB in human words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lab.shell.drawing import type_name
from lab.shell.entities import render, warnings_of

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text("utf-8"))["answers"]


def shown(kind: str, data: Any, width: int = 120) -> str:
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(render(kind, data))
    return captured.get()


def recorded(statement: str) -> str:
    (entity,) = RECORDED[f"/ksql {statement}"]["body"]
    return shown(entity["@type"], entity)


@pytest.mark.parametrize(
    "statement",
    [key.removeprefix("/ksql ") for key, answer in RECORDED.items()
     if key.startswith("/ksql ") and answer["status"] == 200 and answer["body"]],
)  # fmt: skip
def test_every_recorded_answer_has_a_form_of_its_own(statement: str) -> None:
    text = recorded(statement)
    assert text.strip()
    assert not text.startswith("{")


def test_streams() -> None:
    assert recorded("SHOW STREAMS;").splitlines() == [
        "Name                │ Topic                       │ Key format │ Value format │ Windowed",
        "────────────────────┼─────────────────────────────┼────────────┼──────────────┼─────────",
        "KSQL_PROCESSING_LOG │ default_ksql_processing_log │ KAFKA      │ JSON         │ no",
    ]


def test_none_of_something_is_said_in_words() -> None:
    assert recorded("SHOW TABLES;") == "no tables\n"
    assert recorded("SHOW QUERIES;") == "no queries\n"


def test_description_of_a_source() -> None:
    lines = recorded("DESCRIBE C1_EAST;").splitlines()
    assert lines[0] == "Stream C1_EAST"
    assert "ID      │ STRING │ key" in lines
    assert "written by    CSAS_C1_EAST_11" in lines
    assert "                C1.ID ID," in lines


def test_long_facts_are_wrapped_and_never_cut() -> None:
    (entity,) = RECORDED["/ksql DESCRIBE C1_EAST;"]["body"]
    lines = shown(entity["@type"], entity, width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "RETENTION_MS=604800000" in " ".join(lines)


def test_extended_description_shows_offsets_and_lag() -> None:
    text = recorded("DESCRIBE C1_EAST EXTENDED;")
    assert "Consumer group _confluent-ksql-default_query_CSAS_C1_EAST_11" in text
    assert "c1    │         1 │     0 │    2 │         2 │    0" in text


def test_query_with_plan_and_topology() -> None:
    text = recorded("EXPLAIN CSAS_C1_EAST_11;")
    assert "> [ FILTER ]" in text
    assert "Sub-topology: 0" in text


def test_command_says_what_happened() -> None:
    assert "Stream created" in recorded(next(s for s in statements() if "STREAM D1" in s))


def statements() -> list[str]:
    return [key.removeprefix("/ksql ") for key in RECORDED if key.startswith("/ksql ")]


def test_failed_command_names_its_status() -> None:
    status = {"status": "ERROR", "message": "no room", "queryId": None}
    assert shown("currentStatus", {"commandStatus": status}) == "no room (ERROR)\n"


def test_query_id_is_added_where_the_message_lacks_it() -> None:
    status = {"status": "SUCCESS", "message": "Stream created", "queryId": "CSAS_X_1"}
    assert shown("currentStatus", {"commandStatus": status}) == "Stream created (query CSAS_X_1)\n"


def test_unknown_answer_is_indented_json() -> None:
    assert shown("novelty", {"a": ["[bold]é"]}) == '{\n  "a": [\n    "[bold]é"\n  ]\n}\n'


def test_known_answer_that_is_built_otherwise_is_indented_json() -> None:
    assert shown("streams", {"streams": [{"name": "X"}]}).startswith("{\n")


def test_values_are_text_and_never_markup() -> None:
    topics = [{"name": "[red]x[/red]\x1b", "replicaInfo": [1]}]
    text = shown("kafka_topics", {"@type": "kafka_topics", "topics": topics})
    assert "[red]x[/red]\\x1b" in text


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"type": "STRING", "fields": None, "memberSchema": None}, "STRING"),
        ({"type": "ARRAY", "memberSchema": {"type": "BIGINT"}}, "ARRAY<BIGINT>"),
        ({"type": "MAP", "memberSchema": {"type": "DOUBLE"}}, "MAP<STRING, DOUBLE>"),
        ({"type": "DECIMAL", "parameters": {"precision": 10, "scale": 2}}, "DECIMAL(10, 2)"),
        ({"type": "DECIMAL"}, "DECIMAL"),
        (
            {"type": "STRUCT", "fields": [{"name": "A", "schema": {"type": "INTEGER"}}]},
            "STRUCT<A INTEGER>",
        ),
    ],
)
def test_types_as_sql_writes_them(schema: dict[str, Any], name: str) -> None:
    assert type_name(schema) == name


def test_warnings() -> None:
    assert warnings_of({"warnings": [{"message": "old"}, "plain"]}) == ["old", "plain"]
    assert warnings_of({}) == []
