"""Tables of evidence: from an experiment to the history, the verdict and the page."""

import json
from pathlib import Path

import pytest

from lab.evidence import report
from lab.evidence.folders import RunFolder
from lab.evidence.recorder import Evidence
from lab.evidence.tables import Cell, from_data, table


def test_a_table_stands_in_verdict_and_page(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "2026-01-01T000000.000Z-embedded")
    run.history("S03").parent.mkdir(parents=True)
    evidence = Evidence("S03", run.history("S03"), test="experiments/test_x.py::test_it")
    evidence.observe("it", 1, expected=1)
    evidence.control("not it", 2, expected=2)
    rows: list[list[Cell | str]] = [
        ["<rename>", Cell("409", "no", "Confluent's registry let it in")]
    ]
    evidence.table("Levels", ["change", "FULL"], rows, "How to read & mark it")
    evidence.end()

    page = report.rebuild(run.path).read_text()

    assert "&lt;rename&gt;" in page
    assert '<td class="no">409<small>Confluent&#39;s registry let it in</small></td>' in page
    assert "How to read &amp; mark it" in page
    verdict = json.loads(run.verdict("S03").read_text())
    assert verdict["verdict"] == "held"
    assert verdict["tables"][0]["rows"][0][1]["note"] == "Confluent's registry let it in"
    assert from_data(verdict["tables"][0]) == table(
        "Levels", ["change", "FULL"], rows, "How to read & mark it"
    )


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        table("Levels", ["change", "FULL"], [["rename"]])


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"title": "t", "columns": ["a"], "rows": [["text"]]},
        {"title": "t", "columns": ["a"], "rows": [[]]},
        {"title": "t", "columns": 1, "rows": []},
    ],
)
def test_what_is_no_table_is_left_out(data: object) -> None:
    assert from_data(data) is None


def test_an_unknown_tone_is_plain() -> None:
    found = from_data({"title": "t", "columns": ["a"], "rows": [[{"text": "x", "tone": "evil"}]]})
    assert found is not None
    assert found.rows[0][0] == Cell("x")
