"""The pytest plugin: experiments get fixtures, histories, verdicts and a report.

A test marked with ``claim`` is an experiment: its history is kept, and it passes only if its claim
held. Sessions without experiments see a few fixtures and options and nothing else: no folder, no
lab, no import beyond this module's own.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.evidence.folders import ENVIRONMENT_VARIABLE, new_run_name, runs_dir
from lab.evidence.scale import add_scale_options

if TYPE_CHECKING:
    from lab.evidence.recorder import Evidence
    from lab.evidence.session import Conclusion

# Everything of weight is imported where an experiment needs it.
# ruff: noqa: PLC0415

pytest_plugins = ("lab.evidence.fixtures",)

TARGETS = ("embedded", "compose", "external")

ROOM: pytest.StashKey[ExitStack] = pytest.StashKey()
CONCLUSION: pytest.StashKey[Conclusion] = pytest.StashKey()
FORESEEN: pytest.StashKey[list[str]] = pytest.StashKey()
REPORTS: pytest.StashKey[_Reports] = pytest.StashKey()


@dataclass(frozen=True)
class Options:
    """What the command line and the environment say."""

    run: Path
    target: str
    lab_name: str
    worker: str


OPTIONS = pytest.StashKey[Options]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the lab's options."""
    group = parser.getgroup("lab", "experiments on a Kafka platform")
    group.addoption(
        "--target",
        choices=TARGETS,
        help="what to experiment on (default: $LAB_TARGET, else embedded)",
    )
    group.addoption("--lab", default="default", metavar="NAME", help="the lab's name")
    add_scale_options(group)
    group.addoption(
        "--dry-run",
        action="store_true",
        dest="lab_dry_run",
        help="run nothing; print what each experiment would create",
    )
    group.addoption(
        "--evidence-dir",
        metavar="DIR",
        help=f"folder that gets a folder per run (default: ${ENVIRONMENT_VARIABLE}, else runs)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers and note the options."""
    config.addinivalue_line("markers", "claim(id): an experiment that checks this claim")
    config.addinivalue_line(
        "markers", "disruptive: restarts or kills components; no other experiment runs meanwhile"
    )
    config.addinivalue_line(
        "markers", "brokers(n): needs n brokers, and is alone on the lab that has them"
    )
    config.stash[OPTIONS] = _options(config)
    config.stash[REPORTS] = _Reports()
    config.pluginmanager.register(config.stash[REPORTS])


def _options(config: pytest.Config) -> Options:
    worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
    target = config.getoption("--target") or os.environ.get("LAB_TARGET", "").strip() or TARGETS[0]
    if target not in TARGETS:
        raise pytest.UsageError(f"LAB_TARGET: {target!r} is none of {', '.join(TARGETS)}")
    lab_name = config.getoption("--lab")
    if worker_input is not None:
        run = Path(worker_input["lab_run"])
        return Options(run, target, lab_name, worker_input["workerid"])
    here = config.invocation_params.dir
    chosen = config.getoption("--evidence-dir")
    runs = here / Path(chosen).expanduser() if chosen else runs_dir(cwd=here)
    return Options(runs / new_run_name(target), target, lab_name, "main")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    node.workerinput["lab_run"] = str(node.config.stash[OPTIONS].run)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,  # noqa: ARG001 - pytest's signature
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """An experiment that is none is an error of collection, before anything runs."""
    report = yield
    problems = [
        f"{node.nodeid}: {problem}"
        for node in report.result or ()
        if isinstance(node, pytest.Item) and (problem := _malformed(node)) is not None
    ]
    if problems:
        report.outcome = "failed"
        report.longrepr = "\n".join(problems)
        report.result = []
    return report


def _malformed(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("claim")
    if marker is None:
        return None
    from lab.errors import LabError
    from lab.evidence.experiments import check_experiment

    module = getattr(item, "module", None)
    try:
        check_experiment(marker.args, getattr(module, "__doc__", None))
    except LabError as error:
        return str(error)
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --dry-run say what the experiments would create, and run none of them."""
    if not config.getoption("lab_dry_run"):
        return
    from lab.evidence.foreseen import foresee

    config.stash[FORESEEN] = foresee(items)
    config.hook.pytest_deselected(items=list(items))
    items.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Wait until the test may enter the room; begin the experiment's history."""
    experiment = item.get_closest_marker("claim") is not None
    if not experiment and "lab" not in getattr(item, "fixturenames", ()):
        return (yield)
    from lab.errors import LabError
    from lab.evidence.session import session_of

    session = session_of(item.config)
    if not experiment:
        session.enter_room(item)
        return (yield)
    evidence = session.open(item)
    with _recorded(evidence):
        session.enter_room(item)
        with suppress(LabError):  # raised again by the fixture; starting a lab is no experiment
            session.target()
        session.begin(item, evidence)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run the experiment, judge it, and let it fail unless its claim held."""
    evidence = _evidence(item)
    if evidence is None:
        return (yield)
    with _recorded(evidence):
        yield
    evidence.end()
    item.user_properties.append(("verdict", evidence.judgement().verdict.value))
    problem = evidence.problem()
    if problem is not None:
        pytest.fail(problem, pytrace=False)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Let others in once this test has cleaned up."""
    evidence = _evidence(item)
    try:
        return (yield)
    except BaseException as error:
        if evidence is not None:
            evidence.record("lab", "clean up", answer=str(error), outcome="fail")
        raise
    finally:
        if item.stash.get(ROOM, None) is not None:
            item.stash[ROOM].close()


class _recorded:  # noqa: N801 - a context manager, used like a function
    """Records how a phase of an experiment ends; a missing capability becomes a skip."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: object
    ) -> None:
        if error is None:
            return
        from lab.clients.errors import lacks_a_right
        from lab.errors import CapabilityMissing
        from lab.evidence.verdicts import LACKING

        lacking = next((e for e in _chain(error) if lacks_a_right(e)), None)
        if isinstance(error, CapabilityMissing | pytest.skip.Exception):
            self._evidence.not_applicable(str(error))
        elif lacking is not None:
            self._evidence.not_permitted(str(lacking))
        else:
            text = str(error).strip() or "no message"
            self._evidence.failed(f"{type(error).__name__}: {text}")
        self._evidence.end()
        if lacking is not None:
            pytest.skip(f"not applicable: {LACKING}: {lacking}")
        if isinstance(error, CapabilityMissing | pytest.skip.Exception):
            problem = self._evidence.problem()
            if problem is not None:
                pytest.fail(problem, pytrace=False)
            pytest.skip(f"not applicable: {error}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _evidence(item: pytest.Item) -> Evidence | None:
    if item.get_closest_marker("claim") is None:
        return None
    from lab.evidence.session import evidence_of

    return evidence_of(item)


class _Reports:
    """Gathers the reports of experiments, in the process that sees all of them."""

    def __init__(self) -> None:
        self.by_test: dict[str, list[pytest.TestReport]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of experiments."""
        if any(name == "claim" for name, _ in report.user_properties):
            self.by_test.setdefault(report.nodeid, []).append(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write verdicts and views, and take down the lab that was started; not in a worker."""
    config = session.config
    if FORESEEN in config.stash and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
    if hasattr(config, "workerinput") or not _experimented(config):
        return
    from lab.evidence.session import session_of
    from lab.evidence.terminal import junit_cases

    conclusion = session_of(config).conclude(junit_cases(config.stash[REPORTS].by_test))
    config.stash[CONCLUSION] = conclusion
    if conclusion.problems and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _experimented(config: pytest.Config) -> bool:
    """Whether this session, or a worker of it, used the lab."""
    from lab.evidence.locks import session_dir

    run = config.stash[OPTIONS].run
    return run.is_dir() or session_dir(run.name).is_dir()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Claims, verdicts, and where the report is."""
    for line in config.stash.get(FORESEEN, []):
        terminalreporter.write_line(line)
    conclusion = config.stash.get(CONCLUSION, None)
    if conclusion is not None:
        from lab.evidence.terminal import write_summary

        write_summary(terminalreporter, conclusion)
