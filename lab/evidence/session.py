"""One pytest session's evidence: its run folder, its platform, and each experiment's course."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.config import Settings
from lab.errors import LabError
from lab.evidence.assembly import assemble, copy_logs
from lab.evidence.docstring import Proof
from lab.evidence.environment import describe
from lab.evidence.experiments import check_experiment
from lab.evidence.folders import RunFolder, link_latest, write_json
from lab.evidence.history import utc
from lab.evidence.junit import TestCase, write_junit
from lab.evidence.locks import held, lock_path, room, session_dir
from lab.evidence.model import ClaimRecord
from lab.evidence.platform import Platform
from lab.evidence.recorder import Evidence
from lab.targets.base import Target

SESSION: pytest.StashKey[Session] = pytest.StashKey()
EVIDENCE = pytest.StashKey[Evidence]()


@dataclass
class Conclusion:
    """What the session's end has to say: verdicts, the page, and what went wrong on the way."""

    records: tuple[ClaimRecord, ...] = ()
    report: Path | None = None
    problems: list[str] = field(default_factory=list)
    lab_was_started: bool = False


class Session:
    """Shared by all experiments of one process; with pytest-xdist every worker has its own.

    The processes of a session meet in the run folder, and in a folder for locks that goes when
    the session does.
    """

    def __init__(self, run: Path, *, target: str, lab_name: str, worker: str) -> None:
        self.run = RunFolder(run)
        self.worker = worker
        self._target: Target | None = None
        self.platform = Platform(target, lab_name, session_dir(run.name))

    def open(self, item: pytest.Item) -> Evidence:
        """Open the history of an experiment. Raises LabError for a malformed one."""
        claim = _proof(item).claim
        history = self.run.history(claim)
        history.parent.mkdir(parents=True, exist_ok=True)
        evidence = Evidence(claim, history, test=item.nodeid, worker=self.worker)
        item.stash[EVIDENCE] = evidence
        item.user_properties.append(("claim", claim))
        return evidence

    def begin(self, item: pytest.Item, evidence: Evidence) -> None:
        """Record that the experiment begins, and what it sets out to prove."""
        proof = _proof(item)
        module = item.nodeid.partition("::")[0]
        evidence.begin(module=module, title=proof.title, proof=proof.parts)

    def enter_room(self, item: pytest.Item) -> None:
        """Wait until this test may run beside the others, or alone if it is disruptive."""
        from lab.evidence.plugin import ROOM  # noqa: PLC0415 - the plugin imports this module late

        state_root = Settings.from_env().state_root
        lock = lock_path(self.platform.target, self.platform.lab_name, state_root)
        stack = item.stash.setdefault(ROOM, ExitStack())
        alone = item.get_closest_marker("disruptive") is not None
        stack.enter_context(room(lock, alone=alone))

    def target(self) -> Target:
        """The target; the lab is started for it when none runs. Raises LabError."""
        if self._target is None:
            self._target = self.platform.ensure()
        return self._target

    def describe_environment(self, target: Target) -> None:
        """Write environment.json, once per run."""
        with held(self.platform.session / "lock"):
            if not self.run.environment.exists():
                self.run.path.mkdir(parents=True, exist_ok=True)
                write_json(self.run.environment, describe(target, self.platform.lab_name))

    def conclude(self, cases: list[TestCase]) -> Conclusion:
        """Collect logs, judge, write every view, take the lab down if it was started here.

        What goes wrong is in the conclusion's problems; the rest is done all the same.
        """
        conclusion = Conclusion(lab_was_started=self.platform.started_here)
        try:
            if self.run.claims.is_dir():
                self._write(conclusion, cases)
        except LabError as error:
            conclusion.problems.append(f"evidence: {error}")
        try:
            self.platform.close()
        except LabError as error:
            conclusion.problems.append(f"the lab could not be stopped: {error}")
        return conclusion

    def _write(self, conclusion: Conclusion, cases: list[TestCase]) -> None:
        from lab.evidence.report import write_page  # noqa: PLC0415 - loads the template engine

        try:
            target = self.platform.connect()
        except LabError:
            target = None
        if target is not None:
            copy_logs(self.run, target)
        conclusion.records = assemble(self.run)
        started = min((t.started for r in conclusion.records for t in r.tests), default=utc(0))
        write_junit(self.run.junit, cases, started=started)
        conclusion.report = write_page(self.run, conclusion.records)
        link_latest(self.run.path)


def session_of(config: pytest.Config) -> Session:
    """The session's evidence; made when it is first asked for."""
    from lab.evidence.plugin import OPTIONS  # noqa: PLC0415 - the plugin imports this module late

    found = config.stash.get(SESSION, None)
    if found is None:
        options = config.stash[OPTIONS]
        found = Session(
            options.run, target=options.target, lab_name=options.lab_name, worker=options.worker
        )
        config.stash[SESSION] = found
    return found


def evidence_of(item: pytest.Item) -> Evidence | None:
    """The experiment's evidence; None for a test that is no experiment."""
    return item.stash.get(EVIDENCE, None)


def _proof(item: pytest.Item) -> Proof:
    marker = item.get_closest_marker("claim")
    module = getattr(item, "module", None)
    return check_experiment(marker.args if marker else (), getattr(module, "__doc__", None))
