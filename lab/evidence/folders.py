"""Where evidence lies: the folder of runs, and the places inside one run.

runs/
  latest -> 2026-01-31T120000.123Z-embedded
  2026-01-31T120000.123Z-embedded/
    environment.json  summary.json  junit.xml  report.html
    claims/K08/history.jsonl  claims/K08/verdict.json
    logs/broker-1.log …
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab import access
from lab.evidence.errors import NoSuchRun
from lab.evidence.history import FILE_NAME

DEFAULT_NAME = "runs"
ENVIRONMENT_VARIABLE = "LAB_RUNS_DIR"
LATEST = "latest"


def runs_dir(environ: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> Path:
    """The folder that holds runs: ``LAB_RUNS_DIR``, or ``runs`` in the current folder."""
    env = os.environ if environ is None else environ
    here = (cwd or Path.cwd()).absolute()
    return here / Path(env.get(ENVIRONMENT_VARIABLE, "").strip() or DEFAULT_NAME).expanduser()


def new_run_name(target: str, now: datetime | None = None) -> str:
    """A name for a run that starts now; names sort by time."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H%M%S}.{moment.microsecond // 1000:03}Z-{target}"


@dataclass(frozen=True)
class RunFolder:
    """The places inside the folder of one run."""

    path: Path

    @property
    def claims(self) -> Path:
        """One folder per claim."""
        return self.path / "claims"

    @property
    def logs(self) -> Path:
        """Copies of the components' logs."""
        return self.path / "logs"

    @property
    def environment(self) -> Path:
        """What the run ran on."""
        return self.path / "environment.json"

    @property
    def summary(self) -> Path:
        """All verdicts at a glance."""
        return self.path / "summary.json"

    @property
    def junit(self) -> Path:
        """The tests in JUnit's XML."""
        return self.path / "junit.xml"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    def history(self, claim: str) -> Path:
        """The claim's history."""
        return self.claims / claim / FILE_NAME

    def verdict(self, claim: str) -> Path:
        """The claim's verdict."""
        return self.claims / claim / "verdict.json"

    def claims_seen(self) -> tuple[str, ...]:
        """The ids of the claims that have a history here, in the catalogue's order of letters."""
        found = (path.parent.name for path in self.claims.glob(f"*/{FILE_NAME}"))
        return tuple(sorted(found, key=catalogue_order))

    def require(self) -> RunFolder:
        """Return self. Raises NoSuchRun unless this is the folder of a run."""
        if not self.claims.is_dir():
            raise NoSuchRun(
                f"{self.path} holds no run",
                hint="A run's folder has a folder `claims` in it; `pytest experiments/` makes one.",
            )
        return self


def catalogue_order(claim_id: str) -> tuple[int, str]:
    """Sorts ids as the catalogue does: K, S, Q, C, U."""
    return ("KSQCU".find(claim_id[:1]), claim_id)


def latest(runs: Path | None = None) -> Path | None:
    """The newest run's folder, or None when there is none.

    The link ``latest`` is for people; the names decide.
    """
    found = all_runs(runs)
    return found[-1] if found else None


def all_runs(runs: Path | None = None) -> list[Path]:
    """Every run's folder, the oldest first."""
    folder = runs_dir() if runs is None else runs
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if not path.is_symlink() and (path / "claims").is_dir()
    )


def link_latest(run: Path) -> None:
    """Point ``latest`` next to ``run`` to it; a folder system without links goes without."""
    link = run.parent / LATEST
    if link.exists() and not link.is_symlink():
        return
    draft = run.parent / f".{LATEST}-{os.getpid()}"
    try:
        draft.unlink(missing_ok=True)
        draft.symlink_to(run.name)
        draft.replace(link)
    except OSError:
        draft.unlink(missing_ok=True)


def write_json(path: Path, data: object) -> None:
    """Write ``data`` for people and machines; a reader sees the old file or the whole new one."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    text = access.redact(json.dumps(data, indent=2, ensure_ascii=False))
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def read_json(path: Path) -> dict[str, object]:
    """A JSON object from a file; empty when there is no file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}
