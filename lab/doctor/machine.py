"""Python, Java, memory, disk, open files and the clock. Judgements are pure; probes are thin."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from lab.config import Settings
from lab.doctor.model import GIB, MIB, CheckResult, Status, gib
from lab.embedded.jre import MINIMUM_MAJOR, JavaRuntime, find_java
from lab.errors import JavaNotUsable

MINIMUM_PYTHON = (3, 11)
ONE_BROKER_BYTES = GIB
THREE_BROKERS_BYTES = int(1.6 * GIB)
LEAST_BYTES = 600 * MIB
COMFORTABLE_DISK_BYTES = 2 * GIB
LEAST_DISK_BYTES = 300 * MIB
OPEN_FILES = 4096
MAX_SKEW_SECONDS = 5.0


def check_python(settings: Settings) -> CheckResult:
    """The interpreter that runs this."""
    del settings
    return judge_python(sys.version_info[:3], sys.executable)


def judge_python(version: tuple[int, int, int], where: str) -> CheckResult:
    """3.11 or newer."""
    text = ".".join(map(str, version))
    if version < MINIMUM_PYTHON:
        return CheckResult(
            "Python", "fail", f"{text} ({where}); 3.11 or newer is needed",
            "Install a newer Python and name it: `make PYTHON=python3.12 setup`.",
        )  # fmt: skip
    return CheckResult("Python", "ok", f"{text} ({where})")


def check_virtual_environment(settings: Settings) -> CheckResult:
    """Whether the lab's packages are kept apart from the system's."""
    del settings
    if sys.prefix != sys.base_prefix:
        return CheckResult("virtual environment", "ok", sys.prefix)
    return CheckResult(
        "virtual environment", "warn", f"none; packages go to {sys.prefix}",
        "`make setup` makes one in .venv.",
    )  # fmt: skip


def check_java(settings: Settings) -> CheckResult:
    """The Java runtime that the lab would use, and whether it runs."""
    try:
        runtime = find_java(settings.java_home)
        if settings.java_home is None:
            _run_java(runtime)
    except JavaNotUsable as error:
        return CheckResult("Java", "fail", error.message, error.hint)
    origin = "LAB_JAVA_HOME" if settings.java_home else "from pip"
    seen = f"{runtime.version} ({origin}: {runtime.home})"
    if not runtime.has_aot_cache:
        return CheckResult(
            "Java", "warn", f"{seen}; too old for start-up caches, so the lab starts slower",
            "Java 25 has them; unset LAB_JAVA_HOME to use the one from pip.",
        )  # fmt: skip
    return CheckResult("Java", "ok", seen)


def _run_java(runtime: JavaRuntime) -> None:
    hint = f"Set LAB_JAVA_HOME to a Java {MINIMUM_MAJOR} or newer that runs on this system."
    try:
        done = subprocess.run(
            [str(runtime.java), "-version"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaNotUsable(f"{runtime.java} does not run: {error}", hint=hint) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().partition("\n")[0]
        raise JavaNotUsable(f"{runtime.java} does not run: {said}", hint=hint)


def check_memory(settings: Settings) -> CheckResult:
    """What is left for the lab, the limit of a container included."""
    del settings
    memory = psutil.virtual_memory()
    available, total = memory.available, memory.total
    limit = _container_limit(Path("/sys/fs/cgroup"))
    if limit is not None and limit[0] < total:
        total, used = limit
        available = min(available, total - used)
    return judge_memory(available, total)


def _container_limit(cgroup: Path) -> tuple[int, int] | None:
    """Limit and use in bytes as cgroup v2 tells them; None without a limit."""
    try:
        limit = (cgroup / "memory.max").read_text("ascii").strip()
        used = int((cgroup / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return (int(limit), used) if limit.isdigit() else None


def judge_memory(available: int, total: int) -> CheckResult:
    """One broker with registry and ksqlDB takes about 1 GiB, three brokers 1.6 GiB."""
    seen = f"{gib(available)} available of {gib(total)}"
    if available >= THREE_BROKERS_BYTES:
        return CheckResult("memory", "ok", seen)
    if available >= ONE_BROKER_BYTES:
        return CheckResult(
            "memory", "warn", f"{seen}: enough for one broker, not for three",
            "Close other programs before `lab up --brokers 3`, which takes about 1.6 GiB.",
        )  # fmt: skip
    status: Status = "warn" if available >= LEAST_BYTES else "fail"
    return CheckResult(
        "memory", status, f"{seen}; the lab takes about 1 GiB",
        "Close other programs, or take another lab down (`lab down`).",
    )  # fmt: skip


def check_state_folder(settings: Settings) -> CheckResult:
    """Where labs keep their data."""
    return check_folder("state folder", settings.state_root, "LAB_STATE_DIR")


def check_cache_folder(settings: Settings) -> CheckResult:
    """Where jars and start-up caches are."""
    return check_folder("cache folder", settings.cache_dir, "LAB_CACHE_DIR")


def check_folder(name: str, folder: Path, variable: str) -> CheckResult:
    """Whether files can be made there, and how much room there is. Creates nothing that stays."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    remedy = f"Set {variable} to a folder that you can write to."
    if not existing.is_dir():
        return CheckResult(name, "fail", f"{folder}: {existing} is no folder", remedy)
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x")
            probe.flush()
        free = shutil.disk_usage(existing).free
    except OSError as error:
        why = error.strerror or str(error)
        return CheckResult(name, "fail", f"{folder} cannot be written: {why}", remedy)
    return judge_disk(name, f"{folder}", free, variable)


def judge_disk(name: str, where: str, free: int, variable: str) -> CheckResult:
    """Jars and caches take about 450 MB, a lab's data a few hundred more."""
    seen = f"{where}: {gib(free)} free"
    remedy = f"Free some space, or set {variable} to a folder on another disk."
    if free < LEAST_DISK_BYTES:
        return CheckResult(name, "fail", seen, remedy)
    if free < COMFORTABLE_DISK_BYTES:
        return CheckResult(name, "warn", f"{seen}, which is little", remedy)
    return CheckResult(name, "ok", seen)


def check_open_files(settings: Settings) -> CheckResult:
    """How many files a process may have open; a JVM raises its soft limit to the hard one."""
    del settings
    return judge_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def judge_open_files(soft: int, hard: int) -> CheckResult:
    """A broker opens three files and more per partition segment."""
    unlimited = resource.RLIM_INFINITY
    if hard == unlimited or hard >= OPEN_FILES:
        limit = "unlimited" if hard == unlimited else str(hard)
        return CheckResult("open files", "ok", f"limit {soft}, which a JVM raises to {limit}")
    return CheckResult(
        "open files", "warn", f"at most {hard} per process; a broker may need {OPEN_FILES}",
        f"Raise the limit: `ulimit -n {OPEN_FILES}`, or nofile in /etc/security/limits.conf.",
    )  # fmt: skip


def check_clock(settings: Settings) -> CheckResult:
    """Whether the clock is set, and agrees with the one that stamps files."""
    folder = settings.state_root
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    try:
        before = time.time()
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x")
            probe.flush()
            stamped = os.fstat(probe.fileno()).st_mtime
    except OSError:
        stamped = before
    return judge_clock(before, stamped - before)


def judge_clock(now: float, file_skew_seconds: float) -> CheckResult:
    """Records, windows and certificates depend on it."""
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    remedy = "Set the clock: switch time synchronization on (`timedatectl set-ntp true`)."
    if now < datetime(2026, 1, 1, tzinfo=UTC).timestamp():
        return CheckResult("clock", "fail", f"{shown} is in the past", remedy)
    if abs(file_skew_seconds) > MAX_SKEW_SECONDS:
        return CheckResult(
            "clock", "warn",
            f"{shown}; the disk's clock differs by {file_skew_seconds:.0f} s", remedy,
        )  # fmt: skip
    return CheckResult("clock", "ok", shown)
