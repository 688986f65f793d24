"""From histories to files: verdict.json per claim, summary.json, the copies of logs.

Everything here can be done again from the folder alone; nothing is remembered from the session.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from lab import claims
from lab.claims import Claim
from lab.errors import LabError
from lab.evidence.errors import BrokenHistory
from lab.evidence.folders import RunFolder, read_json, write_json
from lab.evidence.history import read_history
from lab.evidence.model import ClaimRecord, Comparison, Judgement, Verdict
from lab.evidence.verdicts import record
from lab.targets.base import Target

_LOG_LIMIT_BYTES = 20 * 1024 * 1024


def assemble(run: RunFolder) -> tuple[ClaimRecord, ...]:
    """Judge every history in ``run`` and write its verdicts and summary.

    A damaged history leaves its claim inconclusive and the others alone.
    """
    environment = read_json(run.environment)
    catalogue = claims.load()
    records = []
    for claim_id in run.claims_seen():
        found = _judged(run, claim_id)
        write_json(run.verdict(claim_id), verdict_data(found, catalogue.get(claim_id), environment))
        records.append(found)
    write_json(run.summary, summary_data(records, environment))
    return tuple(records)


def _judged(run: RunFolder, claim_id: str) -> ClaimRecord:
    try:
        return record(claim_id, read_history(run.history(claim_id)))
    except BrokenHistory as error:
        return replace(record(claim_id, ()), reasons=(str(error),))


def verdict_data(
    found: ClaimRecord, claim: Claim | None, environment: dict[str, object]
) -> dict[str, object]:
    """The content of a verdict.json."""
    proofs = {test.module: dict(test.proof) for test in found.tests if test.proof}
    limits = [proof["Limits"] for proof in proofs.values() if "Limits" in proof]
    limits += [limit for test in found.tests for limit in test.limits]
    return {
        "claim": found.claim,
        "verdict": found.verdict.value,
        "target": environment.get("target", "unknown"),
        "seen": found.seen,
        "control": found.control,
        "statement": {
            "en": claim.statement_en if claim else "",
            "ja": claim.statement_ja if claim else "",
        },
        "where": list(claim.where) if claim else [],
        "reasons": list(found.reasons),
        "limits": list(dict.fromkeys(limits)),
        "proofs": proofs,
        "observations": [
            _comparison_data(test, c) for test in found.tests for c in test.observations
        ],
        "controls": [_comparison_data(test, c) for test in found.tests for c in test.controls],
        "tables": [
            {**asdict(shown), "test": test.test} for test in found.tests for shown in test.tables
        ],
        "pictures": [
            {**asdict(shown), "test": test.test} for test in found.tests for shown in test.pictures
        ],
        "tests": [
            {
                "id": test.test,
                "verdict": test.verdict.value,
                "reasons": list(test.reasons),
                "started": test.started,
                "duration_seconds": test.duration_seconds,
                "worker": test.worker,
            }
            for test in found.tests
        ],
        "duration_seconds": round(found.duration_seconds, 3),
        "components": environment.get("components", []),
    }


def summary_data(records: list[ClaimRecord], environment: dict[str, object]) -> dict[str, object]:
    """The content of a summary.json."""
    counts = Counter(found.verdict for found in records)
    return {
        "target": environment.get("target", "unknown"),
        "lab": environment.get("lab", ""),
        "components": environment.get("components", []),
        "started": min((t.started for r in records for t in r.tests if t.started), default=""),
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "claims": [
            {
                "claim": found.claim,
                "verdict": found.verdict.value,
                "seen": found.seen,
                "control": found.control,
                "reasons": list(found.reasons),
                "duration_seconds": round(found.duration_seconds, 3),
            }
            for found in records
        ],
    }


def copy_logs(folder: Path, target: Target) -> None:
    """Copy the components' logs (the last 20 MiB of each) and the registry's access log.

    A log that cannot be read is left out: it must not cost the verdicts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in _log_files(target).items():
        try:
            _copy_end(path, folder / name)
        except OSError:
            continue


def _log_files(target: Target) -> dict[str, Path]:
    files: dict[str, Path] = {}
    try:
        for component in target.components():
            path = target.log_of(component.name)
            if path is not None:
                files[f"{component.name}.log"] = path
        access_log = target.capabilities().registry_access_log
        if access_log is not None:
            files["schema-registry-access.jsonl"] = access_log
    except LabError:
        return files
    return files


def _copy_end(source: Path, copy: Path) -> None:
    with source.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(size - _LOG_LIMIT_BYTES, 0))
        if size > _LOG_LIMIT_BYTES:
            log.readline()
        copy.write_bytes(log.read())


def _comparison_data(test: Judgement, comparison: Comparison) -> dict[str, object]:
    return {**asdict(comparison), "outcome": comparison.outcome.value, "test": test.test}
