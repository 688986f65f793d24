"""Sequence pictures: from the steps of a history to the page."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lab.evidence import report
from lab.evidence.folders import RunFolder
from lab.evidence.history import read_history
from lab.evidence.pictures import Arrow, Picture
from lab.evidence.recorder import Evidence
from lab.evidence.sequence_svg import draw, told, wrapped
from lab.evidence.sequences import choice, picture, whole
from lab.evidence.verdicts import judge

SVG = "{http://www.w3.org/2000/svg}"
LONG_NAME = "_confluent-ksql-default_query_CTAS_BY_REGION_7-Aggregate-GroupBy-repartition"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "2026-01-01T000000.000Z-embedded")
    run.history("Q13").parent.mkdir(parents=True)
    return run


@pytest.fixture
def evidence(run: RunFolder) -> Evidence:
    return Evidence("Q13", run.history("Q13"), test="experiments/test_x.py::test_it")


def drawn(evidence: Evidence) -> Picture:
    (entry,) = (e for e in evidence.history if e.kind == "sequence")
    found = picture(entry.answer, evidence.history)
    assert found is not None
    return found


def test_a_picture_shows_the_chosen_steps_in_the_order_of_time(evidence: Evidence) -> None:
    late = evidence.record("ksqldb", "write", LONG_NAME, answer={"partition": 2, "offset": 0})
    first = evidence.record(
        "producer", "produce", "orders", answer={"at_ns": late.seq - 25_000_000}
    )
    evidence.record("somebody", "looks away", "elsewhere")
    failed = evidence.record("user", "SELECT <x> & y", "ksqldb", outcome="fail", answer="no")
    evidence.sequence(
        "One way",
        [late, first, failed],
        "read down",
        names={LONG_NAME: "repartition topic"},
        lanes=["producer", "nobody", "orders"],
    )
    found = drawn(evidence)
    assert found.lanes == ("producer", "orders", "ksqldb", "repartition topic", "user")
    assert [(a.source, a.target, a.text) for a in found.arrows] == [
        ("producer", "orders", "produce"),
        ("ksqldb", "repartition topic", "write"),
        ("user", "ksqldb", "SELECT <x> & y"),
    ]
    assert [a.after_ms for a in found.arrows][:2] == [0, 25]
    assert found.arrows[2].outcome == "fail"


def test_what_is_told_of_a_record_is_where_it_stands(evidence: Evidence) -> None:
    answer = {
        "partition": 1,
        "offset": 4,
        "timestamp_ms": 5,
        "key": b"a",
        "value": None,
        "at_ns": 1,
    }
    step = evidence.record("p", "x", "t", answer=answer)
    raw = evidence.record("p", "x", "t", answer={"partition": 0, "offset": 0, "value": b"\x00\xff"})
    other = evidence.record("p", "asks t-long-name", "", answer={"status": 200})
    evidence.sequence("it", [step, raw, other], "", names={"t-long-name": "T"})
    details = [arrow.detail for arrow in drawn(evidence).arrows]
    assert details == [
        "partition 1, offset 4: a = null",
        "partition 0, offset 0: 0x00ff",
        "status: 200",
    ]
    last = drawn(evidence).arrows[-1]
    assert (last.source, last.target, last.text) == ("p", "p", "asks t-long-name")


def test_a_picture_of_nothing_is_a_mistake(evidence: Evidence) -> None:
    evidence.observe("it", 1, expected=1)
    with pytest.raises(ValueError, match="no step"):
        evidence.sequence("it", evidence.history, "")


@pytest.mark.parametrize(
    "data",
    [None, {}, [], {"title": "t"}, {"title": "t", "events": [1]}, {"title": 1, "events": []}],
)
def test_what_is_no_choice_is_left_out(evidence: Evidence, data: object) -> None:
    evidence.record("a", "b", "c")
    assert picture(data, evidence.history) is None


def test_the_picture_stands_in_verdict_and_page(run: RunFolder, evidence: Evidence) -> None:
    evidence.begin(module="experiments/test_x.py", title="It is so.", proof={})
    evidence.record("<producer>", "produce", "orders", answer={"partition": 0, "offset": 3})
    evidence.sequence("One <way>", evidence.history, "How to read & follow it")
    evidence.observe("it", 1, expected=1)
    evidence.control("not it", 2, expected=2)
    evidence.end()
    page = report.rebuild(run.path).read_text()
    assert page.count("<svg") == 1
    assert "&lt;producer&gt;" in page
    assert "<producer>" not in page
    assert "How to read &amp; follow it" in page
    assert "a picture of 1 steps, shown above" in page
    verdict = json.loads(run.verdict("Q13").read_text())
    assert verdict["verdict"] == "held"
    assert verdict["pictures"][0]["arrows"][0]["detail"] == "partition 0, offset 3"
    (entry,) = (e for e in read_history(run.history("Q13")) if e.kind == "sequence")
    assert picture(entry.answer, evidence.history) == drawn(evidence)


ARROWS = (
    Arrow(0, "producer", "orders", "produce", "partition 0, offset 3: o1 = {}"),
    Arrow(12.34, "ksqldb", "ksqldb", "thinks", "a while " * 20),
    Arrow(12_345, "ksqldb", "orders", "back & <forth>", "", "fail"),
    Arrow(12_346, "producer", "ksqldb", "asks " * 30, "nothing", "unknown"),
)
PICTURE = Picture("One way", ("producer", "orders", "ksqldb"), ARROWS)


def test_the_drawing_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(draw(PICTURE, "p-1"))
    title, desc = root[0], root[1]
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert title.text == "One way"
    assert desc.text == told(PICTURE)
    assert "2. At 12 ms, ksqldb: thinks" in told(PICTURE)
    assert "3. At 12.3 s, ksqldb to orders: back & <forth> [fail]" in told(PICTURE)
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert {"producer", "orders", "ksqldb", "0 ms", "12.3 s"} <= set(texts)
    assert "id=" not in draw(PICTURE, "p-2").replace('id="p-2-', "")


def test_nothing_is_drawn_outside_of_the_picture() -> None:
    many = tuple(f"{LONG_NAME}-{n}" for n in range(9))
    wide = Picture("t", many, tuple(Arrow(n, many[n], many[n - 1], "x " * 99) for n in range(9)))
    for shown in (PICTURE, wide, replace(PICTURE, lanes=("producer",), arrows=ARROWS[:0])):
        root = ET.fromstring(draw(shown, "p"))
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for node in root.iter(f"{SVG}text"):
            x, y = float(node.attrib["x"]), float(node.attrib["y"])
            length = (5.7 if node.attrib["class"] == "got" else 6.4) * len(node.text or "")
            anchored = "middle" in node.attrib.get("text-anchor", "") or "when" in str(node.attrib)
            assert 0 <= x <= width
            assert anchored or x + length <= width + 8
            assert 0 < y <= height


def test_texts_do_not_overlap() -> None:
    rows: dict[float, list[str]] = {}
    for node in ET.fromstring(draw(PICTURE, "p")).iter(f"{SVG}text"):
        if node.attrib["class"] != "when" and node.attrib["class"] != "lane":
            rows.setdefault(float(node.attrib["y"]), []).append(node.text or "")
    heights = sorted(rows)
    assert all(len(texts) == 1 for texts in rows.values())
    assert all(b - a >= 12 for a, b in pairwise(heights))


def test_arrows_point_to_their_targets() -> None:
    root = ET.fromstring(draw(replace(PICTURE, arrows=(ARROWS[0], ARROWS[2])), "p"))
    lines = [
        n.attrib["d"] for n in root.iter(f"{SVG}path") if n.attrib.get("stroke-width") == "1.4"
    ]
    centres = [float(n.attrib["x1"]) for n in root.iter(f"{SVG}line")]
    ends = [(float(d[1:].split()[0]), float(d.split("H")[1])) for d in lines]
    assert ends == [(centres[0], centres[1]), (centres[2], centres[1])]


def test_colours_are_the_pages_own() -> None:
    assert "#" not in draw(PICTURE, "p")
    assert "var(--refuted)" in draw(PICTURE, "p")
    assert 'stroke-dasharray="5 3"' in draw(PICTURE, "p")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ("",)),
        ("one two three", ("one two", "three")),
        ("abcdefghij", ("abcdefgh", "ij")),
        ("ab-cdefghij", ("ab-cdefg", "hij")),
        ("abcdef-ghij", ("abcdef-", "ghij")),
        ("漢字漢字漢字", ("漢字漢字", "漢字")),
    ],
)
def test_wrapping(text: str, lines: tuple[str, ...]) -> None:
    assert wrapped(text, 8, 1) == lines


def test_a_choice_names_steps_only(evidence: Evidence) -> None:
    step = evidence.record("a", "b", "c")
    evidence.observe("it", 1, expected=1)
    chosen = choice("t", evidence.history, "", {}, ())
    assert chosen["events"] == [step.seq]


def test_a_short_history_is_a_picture_of_its_own(evidence: Evidence) -> None:
    for n in range(5):
        evidence.record("producer", "produce", "orders", answer={"partition": 0, "offset": n})
    evidence.observe("it", 1, expected=1)
    evidence.record("ksqldb", "write", "sink")
    evidence.record("producer", "produce", "orders", outcome="fail")
    found = whole(evidence.history)
    assert found is not None
    assert found.lanes == ("producer", "orders", "ksqldb", "sink")
    assert [(a.text, a.outcome) for a in found.arrows] == [
        ("produce (5 times)", "ok"),
        ("write", "ok"),
        ("produce", "fail"),
    ]
    assert judge(evidence.history).pictures == (found,)
    evidence.sequence("chosen", evidence.history, "")
    (chosen,) = judge(evidence.history).pictures
    assert chosen.title == "chosen"


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [("a", "b")] * 20,
        [("a", "b"), ("b", "a"), ("a", "b"), ("b", "a")],
        [(f"a{n % 2}", f"b{n % 3}") for n in range(17)],
        [(f"a{n}", f"b{n}") for n in range(5)],
    ],
)
def test_too_little_or_too_much_is_none(evidence: Evidence, steps: list[tuple[str, str]]) -> None:
    for actor, target in steps:
        evidence.record(actor, "does something", target)
    assert whole(evidence.history) is None


def test_names_within_names_are_left_alone(evidence: Evidence) -> None:
    step = evidence.record("a", "b", "c", answer={"logger": "CTAS_OUT_7.Group", "of": "OUT"})
    evidence.sequence("it", [step], "", names={"OUT": "sink topic"})
    assert drawn(evidence).arrows[0].detail == "logger: CTAS_OUT_7.Group, of: sink topic"
