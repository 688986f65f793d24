"""The ledger survives its writers, and says which names are ours."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lab.embedded.process import start_identity
from lab.errors import LabError
from lab.evidence.names import UniqueNames
from lab.external.cleaning import Names
from lab.external.ledger import Entry, Ledger, in_use
from lab.wait import wait_until


def entry(kind: str, name: str, pid: int = 0) -> Entry:
    return Entry(kind, name, "run", pid, 0.0, "now")


def test_entries_are_kept_until_they_are_struck(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "targets" / "t.ledger")
    ledger.note("stem", "lab-k08-0a", "one")
    ledger.note("topic", "lab-k08-0a-orders", "one")
    ledger.note("topic", "lab-k08-0a-orders", "one")
    Ledger(ledger.path).note("stem", "lab-k09-0b", "two")
    assert [(e.kind, e.run) for e in ledger.entries()] == [
        ("stem", "one"),
        ("topic", "one"),
        ("stem", "two"),
    ]
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    ledger.strike([e for e in ledger.entries() if e.run == "one"])
    assert [e.name for e in ledger.entries()] == ["lab-k09-0b"]
    ledger.strike(ledger.entries())
    assert not ledger.path.exists()
    assert ledger.entries() == ()


def test_a_line_that_its_writer_did_not_finish_does_not_hide_the_others(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.ledger")
    ledger.note("stem", "lab-a", "one")
    with ledger.path.open("a") as file:
        file.write('{"kind": "top')
    assert [e.name for e in ledger.entries()] == ["lab-a"]


def test_a_file_that_is_no_ledger_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.ledger")
    ledger.path.write_text('rubbish\n{"kind": "x"}\n')
    with pytest.raises(LabError, match="line 1"):
        ledger.entries()


def test_an_entry_of_a_process_that_is_gone_is_not_in_use(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.ledger")
    ledger.note("stem", "lab-a", "one")
    assert not in_use(ledger.entries()[0])  # this very process may clean up after itself
    assert not in_use(entry("stem", "lab-a", pid=2**22 + 1))


def test_an_entry_of_a_process_that_ended_unasked_about_is_not_in_use() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    identity = start_identity(child.pid)
    assert identity is not None
    # A number is what earlier versions of the lab wrote.
    started = (identity, round(process.create_time(), 1))
    written = [Entry("stem", "lab-a", "run", child.pid, each, "now") for each in started]
    assert [in_use(each) for each in written] == [True, True]
    others = [Entry("stem", "lab-a", "run", child.pid, each, "now") for each in ("other", 1.0)]
    assert [in_use(each) for each in others] == [False, False]
    child.kill()
    wait_until("it has ended", lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert [in_use(each) for each in written] == [False, False]
    child.communicate()


def test_a_ledger_that_cannot_be_written_says_so_and_loses_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "t.ledger")
    ledger.note("stem", "lab-a", "one")
    kept = ledger.path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    # A file may not grow any more: that is what a full disk does, too.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 10, limits[1]))
    try:
        with pytest.raises(LabError):
            ledger.note("stem", "lab-b", "two")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert ledger.path.read_bytes() == kept
    ledger.note("stem", "lab-b", "two")
    assert [each.name for each in ledger.entries()] == ["lab-a", "lab-b"]
    nowhere = Ledger(tmp_path / "t.ledger" / "u.ledger")
    with pytest.raises(LabError):
        nowhere.note("stem", "lab-a", "one")


def test_what_components_derive_from_our_names_is_ours_and_nothing_else() -> None:
    names = Names([entry("stem", "lab-q02-1f2e3d4c"), entry("subject", "test.Order")])
    for kind, name in (
        ("topic", "lab-q02-1f2e3d4c-orders"),
        ("topic", "LAB_Q02_1F2E3D4C_SINK"),
        ("topic", "_confluent-ksql-default_query_CTAS_LAB_Q02_1F2E3D4C_SINK_7-Aggregate-changelog"),
        ("source", "LAB_Q02_1F2E3D4C_ORDERS"),
        ("subject", "test.Order"),
    ):
        assert names.ours(kind, name), name
    for kind, name in (
        ("topic", "orders"),
        ("topic", "lab-q02-99999999-orders"),
        ("topic", "q02-1f2e3d4c-orders"),
        ("topic", "test.Order"),
        ("subject", "test.Order2"),
    ):
        assert not names.ours(kind, name), name
    assert not Names([]).ours("topic", "anything")


def test_names_are_noted_before_they_can_be_used() -> None:
    noted: list[tuple[str, str]] = []
    names = UniqueNames("K08", prefix="lab-", note=lambda kind, name: noted.append((kind, name)))
    assert noted == [("stem", f"lab-k08-{names.token}")]
    assert names.of("orders").startswith(noted[0][1])
    assert names.of_source("orders") == f"LAB_K08_{names.token.upper()}_ORDERS"
