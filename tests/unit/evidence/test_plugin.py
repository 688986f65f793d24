"""The plugin, seen from outside: a project with experiments on a target that is a stub."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import json, os, pathlib
import lab.targets
from lab.endpoints import Capabilities, ComponentInfo, Endpoints
from lab.errors import ComponentFailed, UsageError

STATE = pathlib.Path(os.environ["STUB_STATE"])

def running(name):
    return STATE / (f"running {name}" if name.endswith("-3-brokers") else "running")

class Stub:
    name = "embedded"
    def __init__(self, lab_name="default"):
        self.lab_name = lab_name
        self.brokers = 3 if lab_name.endswith("-3-brokers") else 1
    def endpoints(self):
        return Endpoints("127.0.0.1:9")
    def capabilities(self):
        many = (STATE / "many").exists()
        return Capabilities(
            brokers=self.brokers, more_brokers=many, reasons={"kill": "a stub cannot die"}
        )
    def components(self):
        return (
            ComponentInfo("broker-1", "broker", "Stub of Kafka", "0.1", "127.0.0.1:9"),
            ComponentInfo("ksqldb", "ksqldb", "ksqlDB-compatible server on Kafka Streams 4.3.1",
                          "4.3.1", "http://127.0.0.1:9"),
        )
    def log_of(self, component):
        path = STATE / f"{component}.txt"
        path.write_text(f"log of {component}\\n")
        return path

def note(word):
    with open(STATE / "calls", "a") as calls:
        calls.write(word + "\\n")

def connect(target, name):
    if target != "embedded":
        raise UsageError(f"the target {target!r} is not available yet", hint="Use embedded.")
    return Stub(name) if running(name).exists() else None

def start(target, name, **options):
    note(f"start {name}")
    if (STATE / "cannot-start").exists():
        raise ComponentFailed("broker-1", "broker-1 died while starting", hint="Look at its log.")
    note(f"options {options}") if options else None
    running(name).touch()
    return Stub(name)

def stop(target):
    note("stop")
    running(target.lab_name).unlink()

lab.targets.connect, lab.targets.start, lab.targets.stop = connect, start, stop
"""

DOCSTRING = '''"""K08. The broker accepts anything.

Set-up    a stub
Action    something
          with more of it
Observed  what was asked for
Control   the opposite
Limits    a stub proves nothing
"""
'''

HEAD = DOCSTRING + "import pytest\nfrom lab.errors import CapabilityMissing\n"
HEAD += "from lab.evidence import claim\nfrom lab.evidence.model import Finding, Outcome\n"

HELD = (
    HEAD
    + """
@claim("K08")
def test_it(evidence):
    evidence.act("producer", "produce", "orders", lambda: b"\\x00value")
    evidence.observe("the answer", seen=1 + 1, expected=2, says="two was seen")
    evidence.control("the opposite", seen=[1, 2], expected=(1, 2), says="nothing happened")
"""
)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    state = pytester.path / "state"
    state.mkdir()
    monkeypatch.setenv("STUB_STATE", str(state))
    monkeypatch.setenv("LAB_RUNS_DIR", str(pytester.path / "evidence"))
    monkeypatch.setenv("LAB_STATE_DIR", str(pytester.path / "lab-state"))
    monkeypatch.delenv("LAB_TARGET", raising=False)
    monkeypatch.setenv("TMPDIR", str(pytester.path / "tmp"))
    (pytester.path / "tmp").mkdir()
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    return pytester


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return project.runpytest_subprocess(*args, timeout=60)


def run_dir(project: pytest.Pytester) -> Path:
    link = project.path / "evidence" / "latest"
    assert link.is_symlink()
    return link.resolve()


def verdict(project: pytest.Pytester, claim: str = "K08") -> dict[str, Any]:
    path = run_dir(project) / "claims" / claim / "verdict.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def calls(project: pytest.Pytester) -> list[str]:
    path = project.path / "state" / "calls"
    return path.read_text().split("\n")[:-1] if path.exists() else []


def test_a_claim_that_held(project: pytest.Pytester) -> None:
    project.makepyfile(test_k08=HELD)
    result = run(project)
    result.assert_outcomes(passed=1)
    found = verdict(project)
    assert found["verdict"] == "held"
    assert found["claim"] == "K08"
    assert found["target"] == "embedded"
    assert found["seen"] == "two was seen"
    assert found["control"] == "nothing happened"
    assert found["statement"]["ja"]
    assert found["limits"] == ["a stub proves nothing"]
    assert found["proofs"]["test_k08.py"]["Action"] == "something with more of it"
    assert [test["verdict"] for test in found["tests"]] == ["held"]
    assert found["components"][1]["product"].startswith("ksqlDB-compatible server")
    result.stdout.fnmatch_lines(
        [
            "*= claims =*",
            "K08  held * seen: two was seen",
            " * control: nothing happened",
            (
                "on: Stub of Kafka 0.1 (broker-1), "
                "ksqlDB-compatible server on Kafka Streams 4.3.1 (ksqldb)"
            ),
            "The lab was started for this run and stopped after it.",
            "report: *report.html",
        ]
    )


def test_the_run_folder_is_complete(project: pytest.Pytester) -> None:
    project.makepyfile(test_k08=HELD)
    run(project)
    folder = run_dir(project)
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == [
        "claims/K08/history.jsonl",
        "claims/K08/verdict.json",
        "environment.json",
        "junit.xml",
        "logs/broker-1.log",
        "logs/ksqldb.log",
        "report.html",
        "summary.json",
    ]
    assert folder.name.endswith("-embedded")
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["packages"]["pytest"]
    assert environment["components"][0]["version"] == "0.1"
    lines = (folder / "claims/K08/history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    assert [entry["kind"] for entry in history] == [
        "begin",
        "step",
        "observation",
        "control",
        "end",
    ]
    assert history[1]["answer"] == {"hex": "0076616c7565"}
    assert history[1]["time"].endswith("Z")
    assert len({entry["seq"] for entry in history}) == len(history)
    suite = ET.parse(folder / "junit.xml").getroot()[0]
    assert suite.attrib["tests"] == "1"
    assert suite.attrib["failures"] == "0"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["counts"] == {
        "refuted": 0,
        "inconclusive": 0,
        "held": 1,
        "not applicable": 0,
    }
    page = (folder / "report.html").read_text()
    assert "two was seen" in page
    assert "src=" not in page
    assert list((project.path / "tmp").glob("*/session-*")) == []


CASES = [
    (
        "evidence.observe('o', seen=1, expected=2)\n    evidence.control('c', 1, expected=1)",
        "failed",
        "refuted",
        "observed otherwise: o: 1, where 2 was expected",
    ),
    (
        "evidence.observe('o', seen=1, expected=2)\n    raise RuntimeError('then this')",
        "failed",
        "refuted",
        "the experiment failed: RuntimeError: then this",
    ),
    (
        "evidence.observe('o', seen=1, expected=1)",
        "failed",
        "inconclusive",
        "no control was seen",
    ),
    (
        "evidence.control('c', seen=1, expected=1)",
        "failed",
        "inconclusive",
        "nothing was observed",
    ),
    ("pass", "failed", "inconclusive", "nothing was observed"),
    (
        "evidence.observe('o', 1, expected=1)\n    evidence.control('c', 1, expected=2)",
        "failed",
        "inconclusive",
        "the control did not behave: c: 1, where 2 was expected",
    ),
    (
        (
            "evidence.observe('o', 1, expected=1)\n    evidence.control('c', 1, expected=1)\n"
            "    assert 1 == 2"
        ),
        "failed",
        "inconclusive",
        "the experiment failed: AssertionError: assert 1 == 2",
    ),
    (
        (
            "def crash(history): raise KeyError('x')\n"
            "    evidence.observe('o', finding=evidence.finding(crash))\n"
            "    evidence.control('c', 1, expected=1)"
        ),
        "failed",
        "inconclusive",
        "cannot be told: crash crashed: KeyError: 'x'",
    ),
    (
        "raise CapabilityMissing('kill: nobody can')",
        "skipped",
        "not applicable",
        "kill: nobody can",
    ),
    (
        "capabilities.require('kill')",
        "skipped",
        "not applicable",
        "kill: a stub cannot die",
    ),
    ("pytest.skip('no reason')", "skipped", "not applicable", "no reason"),
    (
        "registry.subjects()",
        "skipped",
        "not applicable",
        "this target has no schema registry",
    ),
    (
        "evidence.observe('o', 1, expected=2)\n    raise CapabilityMissing('too late')",
        "failed",
        "refuted",
        "observed otherwise: o: 1, where 2 was expected",
    ),
]


def test_verdicts(project: pytest.Pytester) -> None:
    """Every case is a claim of its own in one session."""
    for n, (body, _, _, _) in enumerate(CASES, start=1):
        arguments = "evidence, capabilities" + (", registry" if "registry" in body else "")
        text = f'{HEAD}\n@pytest.mark.claim("K08")\ndef test_it({arguments}):\n    {body}\n'
        name = f"test_k{n:02}.py"
        (project.path / name).write_text(text.replace("K08", f"K{n:02}"))
    result = run(project)
    assert result.ret == 1
    outcomes = result.parseoutcomes()
    for outcome in ("failed", "skipped"):
        assert outcomes[outcome] == sum(case[1] == outcome for case in CASES)
    for n, (body, _, expected, reason) in enumerate(CASES, start=1):
        found = verdict(project, f"K{n:02}")
        assert found["verdict"] == expected, body
        assert any(reason in text for text in found["reasons"]), (body, found["reasons"])
        result.stdout.fnmatch_lines([f"K{n:02}  {expected} *"])


def test_an_error_before_the_experiment_is_inconclusive(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HEAD
        + """
@pytest.fixture
def broken():
    raise OSError("no such thing")

@claim("K08")
def test_it(broken, evidence): ...
"""
    )
    result = run(project)
    result.assert_outcomes(errors=1)
    found = verdict(project)
    assert found["verdict"] == "inconclusive"
    assert found["reasons"] == ["the experiment failed: OSError: no such thing"]


def test_a_failing_clean_up_fails_the_run_and_keeps_the_verdict(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HELD.replace("def test_it(evidence)", "def test_it(sticky, evidence)")
        + """
@pytest.fixture
def sticky():
    yield
    raise OSError("cannot be removed")
"""
    )
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == 1
    assert verdict(project)["verdict"] == "held"


def test_a_worker_that_dies_leaves_an_inconclusive_claim(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HEAD
        + """
@claim("K08")
def test_it(evidence):
    evidence.observe("o", 1, expected=1)
    evidence.control("c", 1, expected=1)
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    result = run(project, "-n", "1")
    assert result.ret == 1
    found = verdict(project)
    assert found["verdict"] == "inconclusive"
    assert found["reasons"] == ["the experiment did not end"]


MALFORMED = [
    (('claim("K08")', 'claim("K99")'), "no claim 'K99' in the catalogue"),
    (('claim("K08")', "claim(8)"), "claim takes one id"),
    (('claim("K08")', 'claim("K07")'), "the docstring is about K08, the test about K07"),
    (("Control   the opposite\n", ""), "the docstring lacks Control"),
    (("K08. The broker", "The broker"), "begins with its claim"),
]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_malformed_experiment_is_a_collection_error(
    project: pytest.Pytester, workers: str
) -> None:
    for n, (change, _) in enumerate(MALFORMED):
        (project.path / f"test_bad{n}.py").write_text(HELD.replace(*change))
    result = run(project, "-n", workers)
    assert result.ret == (2 if workers == "0" else 1)
    result.assert_outcomes(errors=len(MALFORMED))
    for _, complaint in MALFORMED:
        assert complaint in result.stdout.str()
    assert calls(project) == []
    assert not (project.path / "evidence").exists()


def test_two_workers_share_one_lab_and_one_run(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HEAD
        + """
@claim("K08")
@pytest.mark.parametrize("n", range(6))
def test_it(evidence, n):
    evidence.observe("o", n, expected=n, says=f"saw {n}")
    evidence.control("c", 1, expected=1, says="as it must")
"""
    )
    result = run(project, "-n", "2")
    result.assert_outcomes(passed=6)
    assert calls(project) == ["start default", "stop"]
    found = verdict(project)
    assert found["verdict"] == "held"
    assert len(found["tests"]) == 6
    assert {test["worker"] for test in found["tests"]} == {"gw0", "gw1"}
    assert len(list((project.path / "evidence").iterdir())) == 2, "the run and the link"


def test_the_gravest_verdict_of_a_claims_tests_stands(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HEAD
        + """
@claim("K08")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_it(evidence, n):
    if n == 3:
        raise CapabilityMissing("not three")
    evidence.observe("o", n, expected=1)
    evidence.control("c", 1, expected=1)
"""
    )
    run(project).assert_outcomes(passed=1, failed=1, skipped=1)
    assert verdict(project)["verdict"] == "refuted"


def test_a_disruptive_experiment_is_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_k08=HEAD
        + """
import os, pathlib, time
LOG = pathlib.Path(os.environ["STUB_STATE"]) / "rooms"

def stay(word, seconds):
    with LOG.open("a") as log:
        log.write(f"{time.monotonic_ns()} + {word}\\n")
    time.sleep(seconds)
    with LOG.open("a") as log:
        log.write(f"{time.monotonic_ns()} - {word}\\n")

@claim("K08")
@pytest.mark.parametrize("n", range(8))
def test_quiet(evidence, n):
    stay("quiet", 0.15)
    evidence.observe("o", 1, expected=1)
    evidence.control("c", 1, expected=1)

@claim("K08")
@pytest.mark.disruptive
@pytest.mark.parametrize("n", range(2))
def test_loud(evidence, n):
    stay("loud", 0.15)
    evidence.observe("o", 1, expected=1)
    evidence.control("c", 1, expected=1)
"""
    )
    run(project, "-n", "4").assert_outcomes(passed=10)
    inside: list[str] = []
    together = 0
    lines = (project.path / "state" / "rooms").read_text().splitlines()
    for line in sorted(lines, key=lambda line: int(line.split()[0])):
        _, sign, word = line.split()
        if sign == "-":
            inside.remove(word)
            continue
        inside.append(word)
        together = max(together, len(inside))
        assert "loud" not in inside or inside == ["loud"]
    assert together > 1, "quiet experiments run side by side"


def test_a_running_lab_is_used_and_left_alone(project: pytest.Pytester) -> None:
    (project.path / "state" / "running").touch()
    project.makepyfile(test_k08=HELD)
    result = run(project, "--lab", "mine")
    result.assert_outcomes(passed=1)
    assert calls(project) == []
    assert "was started for this run" not in result.stdout.str()


def test_a_lab_that_does_not_start_is_tried_once(project: pytest.Pytester) -> None:
    (project.path / "state" / "cannot-start").touch()
    project.makepyfile(test_k08=HELD, test_other=HELD)
    result = run(project, "-n", "2")
    result.assert_outcomes(errors=2)
    assert calls(project) == ["start default"]
    assert "broker-1 died while starting" in result.stdout.str()
    assert "Look at its log." in result.stdout.str()
    found = verdict(project)
    assert found["verdict"] == "inconclusive"
    assert "broker-1 died while starting" in found["reasons"][0]


@pytest.mark.parametrize("args", [("--target", "compose"), ()])
def test_a_target_that_is_not_there(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    if not args:
        monkeypatch.setenv("LAB_TARGET", "compose")
    project.makepyfile(test_k08=HELD)
    result = run(project, *args)
    result.assert_outcomes(errors=1)
    assert "the target 'compose' is not available yet" in result.stdout.str()
    assert run_dir(project).name.endswith("-compose")


def test_an_unknown_target_is_refused(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(test_k08=HELD)
    assert run(project, "--target", "moon").ret == 4
    monkeypatch.setenv("LAB_TARGET", "moon")
    result = run(project)
    assert result.ret == 4
    assert "LAB_TARGET: 'moon' is none of" in result.stderr.str()


def test_the_evidence_folder_can_be_chosen(project: pytest.Pytester) -> None:
    project.makepyfile(test_k08=HELD)
    run(project, "--evidence-dir", "elsewhere").assert_outcomes(passed=1)
    assert (project.path / "elsewhere" / "latest" / "claims" / "K08" / "verdict.json").is_file()
    assert not (project.path / "evidence").exists()


def test_tests_without_experiments_are_left_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_plain="""
import sys

def test_it():
    loaded = [n for n in sys.modules if n.startswith(("lab.claims", "lab.clients", "jinja2"))]
    assert loaded == []
    assert "lab.evidence.session" not in sys.modules
"""
    )
    project.makeconftest("")
    result = run(project)
    result.assert_outcomes(passed=1)
    assert "claims" not in result.stdout.str()
    assert not (project.path / "evidence").exists()
    assert list((project.path / "tmp").iterdir()) == [
        path for path in (project.path / "tmp").iterdir() if path.name.startswith("pytest-of-")
    ]


def test_a_plain_test_may_use_the_lab(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_plain="""
def test_it(endpoints, unique):
    assert endpoints.bootstrap_servers == "127.0.0.1:9"
    assert unique.of("x").startswith("test-")

def test_no_evidence_without_a_claim(evidence): ...
"""
    )
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    assert "mark the test with @claim" in result.stdout.str()
    assert calls(project) == ["start default", "stop"]
    assert not (project.path / "evidence").exists()


def test_the_stub_is_what_was_run() -> None:
    """The subprocesses above use this interpreter, and so this project's plugin."""
    assert "site-packages" not in os.path.dirname(sys.modules["lab"].__file__ or "")  # noqa: PTH120


SEVERAL = (
    HEAD
    + """
from lab.evidence.session import session_of

@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.brokers(3)
@claim("K08")
def test_it(request, evidence, n):
    session = session_of(request.config)
    evidence.observe("brokers", session.target_with(3).capabilities().brokers, expected=3)
    evidence.control("the session's own", session.target().capabilities().brokers, expected=1)
"""
)


def test_a_lab_of_several_brokers_is_started_once_and_stopped(project: pytest.Pytester) -> None:
    (project.path / "state" / "many").touch()
    project.makepyfile(test_k08=SEVERAL)
    run(project).assert_outcomes(passed=2)
    assert (project.path / "state" / "calls").read_text().splitlines() == [
        "start default",
        "start default-3-brokers",
        "options {'brokers': 3, 'brokers_only': True}",
        "stop",
        "stop",
    ]
    assert (run_dir(project) / "logs" / "default-3-brokers" / "broker-1.log").is_file()


def test_workers_share_the_lab_of_several_brokers(project: pytest.Pytester) -> None:
    (project.path / "state" / "many").touch()
    project.makepyfile(test_k08=SEVERAL)
    run(project, "-n", "2").assert_outcomes(passed=2)
    calls = (project.path / "state" / "calls").read_text().splitlines()
    assert calls.count("start default-3-brokers") == 1
    assert calls.count("stop") == 2


def test_where_there_cannot_be_several_the_claim_is_not_applicable(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(test_k08=SEVERAL)
    run(project).assert_outcomes(skipped=2)
    assert verdict(project)["verdict"] == "not applicable"
    assert "3 brokers are needed" in verdict(project)["reasons"][0]
