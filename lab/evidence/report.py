"""Views of a run: the HTML page, the lines for a terminal, the last verdict of every claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab import claims
from lab.claims import Claim
from lab.evidence.assembly import assemble
from lab.evidence.encoding import brief
from lab.evidence.errors import BrokenHistory
from lab.evidence.folders import RunFolder, all_runs, latest, read_json
from lab.evidence.history import read_history
from lab.evidence.model import ClaimRecord, Entry, Verdict
from lab.evidence.sequence_svg import draw

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["LastVerdict", "labels", "last_verdicts", "latest", "rebuild"]

_ENTRIES_SHOWN = 500


@dataclass(frozen=True)
class LastVerdict:
    """The newest verdict on a claim, and the run that it comes from."""

    claim: str
    verdict: Verdict
    target: str
    seen: str
    run: Path

    def __str__(self) -> str:
        return self.verdict.value


def last_verdicts(runs_dir: Path) -> dict[str, LastVerdict]:
    """The newest verdict of every claim that some run under ``runs_dir`` looked at."""
    found: dict[str, LastVerdict] = {}
    for path in reversed(all_runs(runs_dir)):
        for verdict_file in sorted((path / "claims").glob("*/verdict.json")):
            claim = verdict_file.parent.name
            if claim in found:
                continue
            data = read_json(verdict_file)
            try:
                verdict = Verdict(str(data.get("verdict")))
            except ValueError:
                continue
            found[claim] = LastVerdict(
                claim, verdict, str(data.get("target", "")), str(data.get("seen", "")), path
            )
    return found


def rebuild(run_dir: Path) -> Path:
    """Judge the run's histories again, write verdicts, summary and page; the page's path.

    Raises NoSuchRun for a folder that holds no run.
    """
    run = RunFolder(run_dir.absolute()).require()
    return write_page(run, assemble(run))


def write_page(run: RunFolder, records: tuple[ClaimRecord, ...]) -> Path:
    """Write report.html for ``records``; its path. The page needs no other file to be shown."""
    page = _template().render(
        run=run.path.name,
        environment=read_json(run.environment),
        labels=labels(read_json(run.environment)),
        claims=[_view(run, found) for found in records],
        counts={verdict: sum(r.verdict is verdict for r in records) for verdict in Verdict},
        logs=sorted(path.name for path in run.logs.glob("*")) if run.logs.is_dir() else [],
        has_junit=run.junit.is_file(),
    )
    draft = run.report.with_suffix(".html.tmp")
    draft.write_text(page, encoding="utf-8")
    draft.replace(run.report)
    return run.report


def labels(environment: Mapping[str, object]) -> list[str]:
    """Each component in its own words: "Apache Kafka 4.3.1 (broker-1)"."""
    found = environment.get("components")
    if not isinstance(found, list):
        return []
    texts = []
    for item in found:
        if isinstance(item, dict):
            product, version = str(item.get("product", "")), str(item.get("version", ""))
            named = product if not version or version in product else f"{product} {version}"
            texts.append(f"{named} ({item.get('name', '?')})")
    return texts


def _view(run: RunFolder, found: ClaimRecord) -> dict[str, object]:
    try:
        entries = read_history(run.history(found.claim))
    except BrokenHistory:
        entries = ()
    claim: Claim | None = claims.load().get(found.claim)
    return {
        "record": found,
        "claim": claim,
        "limits": list(dict.fromkeys(limit for test in found.tests for limit in test.limits)),
        "proofs": list({test.module: test.proof for test in found.tests if test.proof}.values()),
        "steps": [_step(entry, entries[0]) for entry in entries[:_ENTRIES_SHOWN]],
        "hidden": max(len(entries) - _ENTRIES_SHOWN, 0),
    }


def _step(entry: Entry, first: Entry) -> dict[str, object]:
    answer = entry.answer
    if entry.kind in {"observation", "control"} and isinstance(answer, dict):
        answer = answer.get("says")
    if entry.kind == "sequence" and isinstance(answer, dict):
        answer = f"a picture of {len(answer.get('events') or ())} steps, shown above"
    if entry.kind == "table" and isinstance(answer, dict):
        answer = f"a table of {len(answer.get('rows') or ())} rows, shown above"
    return {
        "entry": entry,
        "after_ms": (entry.seq - first.seq) // 1_000_000,
        "answer": "" if entry.kind == "begin" or answer is None else brief(answer, 400),
    }


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - not cheap
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    environment = Environment(
        loader=PackageLoader("lab.evidence"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["brief"] = brief
    # draw() escapes every text that it is given.
    environment.filters["svg"] = lambda shown, identity: Markup(draw(shown, identity))  # noqa: S704
    environment.filters["slug"] = lambda verdict: str(verdict).replace(" ", "-")
    return environment.get_template("report.html.j2")
