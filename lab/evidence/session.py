"""One pytest session's evidence: its run folder, its platform, and each experiment's course."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.config import Settings
from lab.errors import CapabilityMissing, LabError
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
from lab.targets import OWN
from lab.targets.base import KeepsLedger, Target

SESSION: pytest.StashKey[Session] = pytest.StashKey()
EVIDENCE = pytest.StashKey[Evidence]()
THREE = 3
"""The size of the labs that are started beside another: a quorum that survives one loss."""


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
        self._brokers: dict[int, Target] = {}
        self.start_seconds: dict[int, float] = {}

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
        """Wait until this test may run beside the others, or alone if it is disruptive.

        One that needs several brokers is alone on the lab that has them: this one if it has
        enough, else the one beside it.
        """
        from lab.evidence.plugin import ROOM  # noqa: PLC0415 - the plugin imports this module late

        stack = item.stash.setdefault(ROOM, ExitStack())
        if item.get_closest_marker("disruptive") is not None and self.platform.target not in OWN:
            self._require_disruptive()
        several = needed_brokers(item)
        beside = several > 1 and self._target_has_fewer_than(several)
        alone = item.get_closest_marker("disruptive") is not None or (several > 1 and not beside)
        stack.enter_context(room(_lock_of(self.platform), alone=alone))
        if beside:
            stack.enter_context(room(_lock_of(self.platform_beside(several)), alone=True))

    def _require_disruptive(self) -> None:
        """Raise CapabilityMissing where nobody has asked for disruption."""
        try:
            offered = self.target().capabilities()
        except LabError:
            return  # raised again where the lab is asked for
        offered.require("disruptive")

    def _target_has_fewer_than(self, brokers: int) -> bool:
        try:
            return self.target().capabilities().brokers < brokers
        except LabError:
            return False  # raised again where the lab is asked for

    def platform_beside(self, brokers: int) -> Platform:
        """A lab of its own for experiments that need several brokers; it has nothing else."""
        main = self.platform
        suffix = f"{brokers}-brokers"
        return Platform(
            main.target,
            f"{main.lab_name[: 39 - len(suffix)]}-{suffix}",
            main.session.with_name(f"{main.session.name}-{suffix}"),
            options={"brokers": brokers, "brokers_only": True},
        )

    def target_with(self, brokers: int) -> Target:
        """A target with so many brokers; a lab is started for it if this session's has fewer.

        Raises CapabilityMissing where that cannot be done, LabError when it fails.
        """
        target = self.target()
        capabilities = target.capabilities()
        if capabilities.brokers >= brokers:
            return target
        if not capabilities.more_brokers:
            reason = capabilities.reasons.get("more_brokers", "and none can be added to it")
            raise CapabilityMissing(
                f"{brokers} brokers are needed, this target has {capabilities.brokers}: {reason}"
            )
        if brokers not in self._brokers:
            begun = time.monotonic()
            self._brokers[brokers] = self.platform_beside(brokers).ensure()
            self.start_seconds[brokers] = round(time.monotonic() - begun, 1)
        return self._brokers[brokers]

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
        if self.platform.target not in OWN:
            self._clean_up(conclusion)
        for platform in (self.platform_beside(THREE), self.platform):
            try:
                platform.close()
            except LabError as error:
                conclusion.problems.append(f"the lab could not be stopped: {error}")
        return conclusion

    def _clean_up(self, conclusion: Conclusion) -> None:
        """Remove what the run may have left on somebody's cluster."""
        try:
            target: object = self.platform.connect()
            if isinstance(target, KeepsLedger):
                left = target.clean_up(self.run.path.name)
                conclusion.problems += [f"not removed: {each}" for each in left]
            if target is None:
                conclusion.problems.append("the target does not answer: nothing was cleaned up")
        except LabError as error:
            conclusion.problems.append(f"clean-up: {error}")

    def _write(self, conclusion: Conclusion, cases: list[TestCase]) -> None:
        from lab.evidence.report import write_page  # noqa: PLC0415 - loads the template engine

        try:
            target = self.platform.connect()
        except LabError:
            target = None
        if target is not None:
            copy_logs(self.run.logs, target)
        beside = self.platform_beside(THREE)
        if beside.session.is_dir() and (other := beside.connect()) is not None:
            copy_logs(self.run.logs / beside.lab_name, other)
        conclusion.records = assemble(self.run)
        started = min((t.started for r in conclusion.records for t in r.tests), default=utc(0))
        write_junit(self.run.junit, cases, started=started)
        conclusion.report = write_page(self.run, conclusion.records)
        link_latest(self.run.path)


def needed_brokers(item: pytest.Item) -> int:
    """How many brokers the test is marked to need."""
    marker = item.get_closest_marker("brokers")
    return int(marker.args[0]) if marker is not None else 1


def _lock_of(platform: Platform) -> Path:
    return lock_path(platform.target, platform.lab_name, Settings.from_env().state_root)


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
