"""Some experiments on a lab of their own: started by the plugin, judged, stopped.

All of them are run by `make verify`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLAIMS = ("K07", "K08", "K10", "S06", "S12", "Q03", "Q04")
"""Some of each group: `lab verify` runs all of them."""


@pytest.mark.xdist_group("own-lab")
def test_the_first_claims_hold_and_leave_evidence(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LAB_", "PYTEST_"))}
    kept = {k: v for k, v in os.environ.items() if k in {"LAB_CACHE_DIR", "LAB_MAVEN_MIRROR"}}
    environment |= {**kept, "LAB_STATE_DIR": str(tmp_path / "state")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "experiments", "-q", "-n", "2"),
            *("-k", " or ".join(f"test_{claim.lower()}" for claim in CLAIMS)),
            *("-p", "no:cacheprovider", "--evidence-dir", str(tmp_path / "runs")),
        ],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    run = (tmp_path / "runs" / "latest").resolve()
    summary = json.loads((run / "summary.json").read_text())
    assert {item["claim"]: item["verdict"] for item in summary["claims"]} == dict.fromkeys(
        CLAIMS, "held"
    )
    for claim in CLAIMS:
        verdict = json.loads((run / "claims" / claim / "verdict.json").read_text())
        assert verdict["observations"]
        assert verdict["controls"]
        assert verdict["target"] == "embedded"
        assert (run / "claims" / claim / "history.jsonl").stat().st_size > 0
    products = {c["name"]: c["product"] for c in summary["components"]}
    assert products["ksqldb"].startswith("ksqlDB-compatible server on Kafka Streams")
    assert {path.name for path in (run / "logs").iterdir()} >= {
        "broker-1.log",
        "ksqldb.log",
        "schema-registry.log",
    }
    assert (run / "report.html").stat().st_size > 0
    assert (run / "junit.xml").stat().st_size > 0
    assert "claims" in done.stdout

    status = subprocess.run(
        [sys.executable, "-m", "lab", "status", "--json"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert status.returncode == 3, "the lab was stopped again: " + status.stdout
