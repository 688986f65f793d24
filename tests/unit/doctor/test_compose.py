"""Images and labs of containers, judged."""

from __future__ import annotations

from lab.compose.plan import Image
from lab.doctor.compose import judge_compose_lab, judge_image, judge_plugins
from lab.doctor.docker import Answer
from lab.embedded.connect_plugins import pinned
from lab.embedded.jars import load_lock
from lab.embedded.state import LabState

KSQLDB = Image("a/ksqldb:1", ("ksqldb",))


def test_images() -> None:
    absent = Answer(None, "No such image")
    assert judge_image(KSQLDB, Answer("123 amd64"), None).status == "ok"
    assert "will be pulled" in judge_image(KSQLDB, absent, Answer("{}")).seen
    nowhere = judge_image(KSQLDB, absent, Answer(None, "no such host"))
    assert nowhere.status == "warn"
    assert "no such host" in nowhere.seen
    assert "embedded" in (nowhere.remedy or "")


def test_labs() -> None:
    up, down = LabState.new("one").with_(phase="ready"), LabState.new("one")
    both = {"broker-1": "running", "ksqldb": "paused"}
    assert judge_compose_lab(up, both).status == "ok"
    half = judge_compose_lab(up, {**both, "ksqldb": "down"})
    assert (half.status, half.seen) == ("warn", "running without ksqldb")
    assert "--name one" in (half.remedy or "")
    assert judge_compose_lab(up, dict.fromkeys(both, "down")).status == "warn"
    assert judge_compose_lab(down, dict.fromkeys(both, "down")).status == "ok"
    assert "left running" in judge_compose_lab(down, both).seen


def test_plug_ins_that_are_not_there_are_named_with_their_size() -> None:
    wanted = pinned(load_lock())
    assert judge_plugins(wanted, [True] * len(wanted)).seen == f"{len(wanted)} in the cache"
    seen = judge_plugins(wanted, [False] * len(wanted)).seen
    assert f"{len(wanted)} of {len(wanted)} not fetched yet" in seen
    assert "lab fetch --connect-plugins" in seen
