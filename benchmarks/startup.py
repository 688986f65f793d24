"""How long `lab up` takes from exec to proven-ready, and how much memory the stack holds.

    python benchmarks/startup.py [--runs 3] [--brokers 1] [--json]

Each run uses a fresh state folder. Pairs of runs alternate: with the start-up caches, and with a
Java whose caches are absent (an empty cache folder that shares the verified jars by hard links),
so that the ratio holds even when the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from lab.config import Settings

LAB = (sys.executable, "-m", "lab")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--brokers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {"with caches": [], "without caches": []}
    with tempfile.TemporaryDirectory(prefix="lab-startup-") as scratch:
        bare = Path(scratch) / "cache"
        shutil.copytree(
            Settings.from_env().cache_dir,
            bare,
            copy_function=os.link,
            ignore=shutil.ignore_patterns("aot", "training", "ports*"),
        )
        for number in range(options.runs):
            for name, env in (
                ("with caches", {}),
                ("without caches", {"LAB_CACHE_DIR": str(bare)}),
            ):
                state = Path(scratch) / f"{name.replace(' ', '-')}-{number}"
                results[name].append(one_run(state, env, options.brokers))
    if options.json:
        print(json.dumps(results, indent=1))
        return
    for name, runs in results.items():
        seconds = ", ".join(f"{run['seconds']:.2f}" for run in runs)
        memory = statistics.median(run["pss_mb"] for run in runs)
        print(f"{name:<16} {seconds} s from exec to proven-ready; {memory:.0f} MB (PSS, median)")
    pairs = zip(results["without caches"], results["with caches"], strict=True)
    ratios = [without["seconds"] / with_["seconds"] for without, with_ in pairs]
    print(f"ratio            {statistics.median(ratios):.2f} (median of pairs)")


def one_run(state: Path, env: dict[str, str], brokers: int) -> dict[str, float]:
    """Start a lab, weigh it, stop it."""
    environment = {**os.environ, **env, "LAB_STATE_DIR": str(state)}
    begun = time.monotonic()
    subprocess.run(
        [*LAB, "up", "--brokers", str(brokers)],
        env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.monotonic() - begun
    try:
        rss, pss = memory_of(state)
    finally:
        subprocess.run([*LAB, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": seconds, "rss_mb": rss, "pss_mb": pss}


def memory_of(state: Path) -> tuple[float, float]:
    """Resident and proportional memory of the lab's processes, in MB.

    RSS counts pages shared between processes once for each; PSS shares them out.
    """
    rss = pss = 0.0
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            env = process.environ()
            if (
                env.get("LAB_STATE_DIR") == str(state)
                and env.get("KAFKA_LAB_PROCESS", "start-up-training") != "start-up-training"
            ):
                full = process.memory_full_info()
                rss += full.rss / 1e6
                pss += getattr(full, "pss", full.rss) / 1e6
    return rss, pss


if __name__ == "__main__":
    main()
