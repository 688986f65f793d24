"""Folders of runs, and the views that can be rebuilt from them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lab.evidence import report
from lab.evidence.errors import NoSuchRun
from lab.evidence.folders import (
    RunFolder,
    all_runs,
    latest,
    link_latest,
    new_run_name,
    runs_dir,
    write_json,
)
from lab.evidence.junit import TestCase, write_junit
from lab.evidence.model import Verdict
from lab.evidence.recorder import Evidence

PARTS = {
    "Set-up": "a <b>topic</b>",
    "Action": "x",
    "Observed": "y",
    "Control": "z",
    "Limits": "only here",
}


def make_run(runs: Path, name: str, claim: str = "K08", *, holds: bool = True) -> Path:
    run = RunFolder(runs / name)
    history = run.history(claim)
    history.parent.mkdir(parents=True)
    evidence = Evidence(claim, history, test="experiments/test_x.py::test_it")
    evidence.begin(module="experiments/test_x.py", title="It is so.", proof=PARTS)
    evidence.record("<script>alert(1)</script>", "produce", "orders", answer=b"<i>")
    evidence.observe("the value", 1, expected=1 if holds else 2, says="one & only")
    evidence.control("the other", None, expected=None, says="nothing there")
    evidence.limit("no restart was asked for")
    evidence.end()
    write_json(
        run.environment,
        {
            "target": "embedded",
            "components": [
                {
                    "name": "ksqldb",
                    "role": "ksqldb",
                    "product": "ksqlDB-compatible server on Kafka Streams 4.3.1",
                    "version": "4.3.1",
                    "url": "http://127.0.0.1:1",
                },
                {
                    "name": "broker-1",
                    "role": "broker",
                    "product": "Apache Kafka",
                    "version": "4.3.1",
                    "url": "127.0.0.1:2",
                },
            ],
        },
    )
    return run.path


def test_rebuild_from_the_folder_alone(tmp_path: Path) -> None:
    run = make_run(tmp_path, "2026-01-01T000000.000Z-embedded")
    page = report.rebuild(run)
    text = page.read_text()
    assert page == run / "report.html"
    verdict = json.loads((run / "claims/K08/verdict.json").read_text())
    assert (verdict["verdict"], verdict["seen"]) == ("held", "one & only")
    assert verdict["limits"] == ["only here", "no restart was asked for"]
    assert json.loads((run / "summary.json").read_text())["counts"]["held"] == 1
    assert "The broker accepts bytes" in text
    assert "ブローカー" in text
    assert "one &amp; only" in text
    assert "no restart was asked for" in text
    assert "<script" not in text
    assert "<b>topic" not in text
    assert "http-equiv" not in text
    assert 'src="' not in text
    assert "url(" not in text
    before = verdict
    report.rebuild(run)
    assert json.loads((run / "claims/K08/verdict.json").read_text()) == before


def test_components_are_named_as_they_name_themselves(tmp_path: Path) -> None:
    run = make_run(tmp_path, "r")
    environment = json.loads((run / "environment.json").read_text())
    assert report.labels(environment) == [
        "ksqlDB-compatible server on Kafka Streams 4.3.1 (ksqldb)",
        "Apache Kafka 4.3.1 (broker-1)",
    ]
    assert report.labels({}) == []


def test_a_run_without_an_environment_still_has_a_page(tmp_path: Path) -> None:
    run = make_run(tmp_path, "r", "K99")
    (run / "environment.json").unlink()
    text = report.rebuild(run).read_text()
    assert "K99" in text
    assert "unknown" in text


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun):
        report.rebuild(tmp_path)


def test_a_damaged_history_costs_its_claim_only(tmp_path: Path) -> None:
    run = make_run(tmp_path, "r")
    make_run(tmp_path / "other", "r", "K07")
    (tmp_path / "other/r/claims/K07").rename(run / "claims/K07")
    (run / "claims/K08/history.jsonl").write_text("nonsense\n\n")
    report.rebuild(run)
    damaged = json.loads((run / "claims/K08/verdict.json").read_text())
    assert damaged["verdict"] == "inconclusive"
    assert "history.jsonl, line 1" in damaged["reasons"][0]
    assert json.loads((run / "claims/K07/verdict.json").read_text())["verdict"] == "held"


def test_last_verdicts_take_the_newest_of_each_claim(tmp_path: Path) -> None:
    report.rebuild(make_run(tmp_path, "2026-01-01T000000.000Z-embedded"))
    report.rebuild(make_run(tmp_path, "2026-01-02T000000.000Z-embedded", "K07"))
    newest = make_run(tmp_path, "2026-01-03T000000.000Z-embedded", holds=False)
    report.rebuild(newest)
    make_run(tmp_path, "2026-01-04T000000.000Z-embedded")  # died before it was judged
    found = report.last_verdicts(tmp_path)
    assert {claim: last.verdict for claim, last in found.items()} == {
        "K08": Verdict.REFUTED,
        "K07": Verdict.HELD,
    }
    assert found["K08"].run == newest
    assert found["K08"].target == "embedded"
    assert str(found["K08"]) == str(found["K08"].verdict) == "refuted"
    (newest / "claims/K08/verdict.json").write_text('{"verdict": "odd"}')
    assert report.last_verdicts(tmp_path)["K08"].verdict is Verdict.HELD
    assert report.last_verdicts(tmp_path / "none") == {}


def test_the_latest_run_and_its_link(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    old = make_run(tmp_path, "2026-01-01T000000.000Z-embedded")
    new = make_run(tmp_path, "2026-01-02T000000.000Z-embedded")
    (tmp_path / "something-else").mkdir()
    link_latest(old)
    link_latest(new)
    assert (tmp_path / "latest").resolve() == new.resolve()
    assert all_runs(tmp_path) == [old, new]
    assert latest(tmp_path) == new
    assert (tmp_path / "something-else").is_dir()


def test_a_folder_named_latest_is_left_alone(tmp_path: Path) -> None:
    run = make_run(tmp_path, "r")
    (tmp_path / "latest").mkdir()
    link_latest(run)
    assert not (tmp_path / "latest").is_symlink()


def test_names_of_runs() -> None:
    moment = datetime(2026, 1, 31, 12, 0, 0, 7_000, tzinfo=UTC)
    assert new_run_name("embedded", moment) == "2026-01-31T120000.007Z-embedded"


def test_where_runs_are_kept(tmp_path: Path) -> None:
    assert runs_dir({}, cwd=tmp_path) == tmp_path / "runs"
    assert runs_dir({"LAB_RUNS_DIR": "x"}, cwd=tmp_path) == tmp_path / "x"
    assert runs_dir({"LAB_RUNS_DIR": "/abs"}, cwd=tmp_path) == Path("/abs")


def test_claims_are_listed_in_the_catalogues_order(tmp_path: Path) -> None:
    for claim in ("U01", "Q03", "K10", "S03", "K02", "C01"):
        make_run(tmp_path / claim, "r", claim)
        (tmp_path / "r/claims" / claim).mkdir(parents=True)
        (tmp_path / "r/claims" / claim / "history.jsonl").touch()
    seen = RunFolder(tmp_path / "r").claims_seen()
    assert seen == ("K02", "K10", "S03", "Q03", "C01", "U01")


def test_junit(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    cases = [
        TestCase("test_a", "m", "passed", 0.5, properties={"claim": "K08", "verdict": "held"}),
        TestCase("test_b", "m", "failed", 1.0, "K07 refuted\n  - \x1b[31mred <&>"),
        TestCase("test_c", "m", "skipped", 0.0, "not applicable"),
        TestCase("test_d", "m", "error", 0.0, ""),
    ]
    write_junit(path, cases, started="2026-01-01T00:00:00Z")
    suite = ET.parse(path).getroot()[0]
    assert suite.attrib["tests"] == "4"
    assert [suite.attrib[k] for k in ("failures", "errors", "skipped")] == ["1", "1", "1"]
    assert suite.attrib["time"] == "1.500"
    assert [child.tag for child in suite[1]] == ["failure"]
    assert suite[1][0].attrib["message"] == "K07 refuted"
    assert "red <&>" in (suite[1][0].text or "")
    assert suite[0][0][1].attrib == {"name": "verdict", "value": "held"}
