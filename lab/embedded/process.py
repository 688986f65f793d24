"""One supervised child: its own process group, a log, a record of pid and start time.

A process is the lab's own only if pid *and* start time match its record, or if its environment
carries the lab's instance id: a pid that another program got later is never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from lab.wait import wait_until

INSTANCE_VARIABLE = "KAFKA_LAB_INSTANCE"
PROCESS_VARIABLE = "KAFKA_LAB_PROCESS"
LOG_TAIL_LINES = 15


@dataclass(frozen=True)
class ProcessSpec:
    """What to start: a name, an argument list, additions to the environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_grace_seconds: float = 10.0


@dataclass(frozen=True)
class ProcessRecord:
    """What is remembered of a started process. ``started`` identifies it together with ``pid``."""

    name: str
    pid: int
    started: str
    instance: str
    stop_grace_seconds: float = 10.0

    def save(self, folder: Path) -> None:
        """Write the record as ``<name>.pid.json``, whole or not at all."""
        file = folder / f"{self.name}.pid.json"
        draft = file.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self)) + "\n", "utf-8")
        draft.replace(file)


def load_records(folder: Path) -> dict[str, ProcessRecord]:
    """Every readable record in a folder, by name."""
    records = {}
    for file in sorted(folder.glob("*.pid.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            record = ProcessRecord(**json.loads(file.read_text("utf-8")))
            records[record.name] = record
    return records


def forget(folder: Path, name: str) -> None:
    """Remove a record."""
    (folder / f"{name}.pid.json").unlink(missing_ok=True)


def start_identity(pid: int) -> str | None:
    """A text that differs between two processes that had the same pid; None if there is none.

    On Linux the kernel's own start tick and boot id, which no clock change moves; elsewhere the
    creation time.
    """
    if _PROC.is_dir():
        return _linux_identity(pid)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"{process.create_time():.2f}"
    except psutil.Error:
        return None


_PROC = Path("/proc/self")


def _linux_identity(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None
    fields_after_name = stat.rpartition(")")[2].split()
    if fields_after_name[0] in {"Z", "X"}:
        return None
    return f"{boot}:{fields_after_name[19]}"


def is_alive(record: ProcessRecord) -> bool:
    """Whether the recorded process runs (or is paused), and is still the same one."""
    return start_identity(record.pid) == record.started


def is_paused(record: ProcessRecord) -> bool:
    """Whether the recorded process was stopped by SIGSTOP."""
    if not is_alive(record):
        return False
    try:
        return bool(psutil.Process(record.pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


class Child:
    """A process that this program started and can reap."""

    def __init__(self, popen: subprocess.Popen[bytes], record: ProcessRecord, log: Path) -> None:
        self.popen = popen
        self.record = record
        self.log = log

    @property
    def name(self) -> str:
        """The process's name."""
        return self.record.name

    def exit_code(self) -> int | None:
        """The exit code (negative: the signal's number), or None while it runs."""
        return self.popen.poll()

    def release(self) -> None:
        """Stop watching it: it may outlive this program, or was ended by its record."""
        if self.popen.poll() is None:
            self.popen.returncode = 0  # what keeps a dropped Popen from warning of a running child


def spawn(
    spec: ProcessSpec, *, instance: str, run_dir: Path, log_dir: Path, nice: int = 0
) -> Child:
    """Start a process in its own session with its log, and record it.

    The instance id in its environment lets a later command find it even if this one is killed
    before the record is written. Raises OSError if the program cannot be executed.
    """
    log = log_dir / f"{spec.name}.log"
    if log.exists():
        log.replace(log.with_suffix(".previous.log"))
    env = {
        **os.environ,
        **spec.env,
        INSTANCE_VARIABLE: instance,
        PROCESS_VARIABLE: spec.name,
    }
    with log.open("wb") as output:
        popen = subprocess.Popen(
            spec.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            cwd=run_dir,
        )
    if nice:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, popen.pid, nice)
    started = start_identity(popen.pid) or "ended at once"
    record = ProcessRecord(spec.name, popen.pid, started, instance, spec.stop_grace_seconds)
    record.save(run_dir)
    return Child(popen, record, log)


def send(record: ProcessRecord, signum: signal.Signals) -> bool:
    """Send a signal to the recorded process's group; False if it is no longer there."""
    if not is_alive(record):
        return False
    try:
        os.killpg(record.pid, signum)
    except (ProcessLookupError, PermissionError):  # a stray that does not lead a group
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, signum)
    return True


def stop_all(records: Iterable[ProcessRecord]) -> list[str]:
    """End the recorded processes side by side: TERM, then KILL after each one's grace.

    Returns the names of those that had to be killed. Paused ones are resumed, so that they can
    end in order.
    """
    running = [record for record in records if send(record, signal.SIGTERM)]
    for record in running:
        send(record, signal.SIGCONT)
    begun = time.monotonic()
    killed: list[str] = []

    def all_gone() -> bool:
        remaining = [record for record in running if _reap_and_look(record)]
        for record in remaining:
            overdue = time.monotonic() - begun > record.stop_grace_seconds
            if overdue and record.name not in killed:
                killed.append(record.name)
                send(record, signal.SIGKILL)
        return not remaining

    longest = max((record.stop_grace_seconds for record in running), default=0.0)
    wait_until("stopped processes are gone", all_gone, timeout_seconds=longest + 10.0)
    return killed


def stop_in_order(records: Iterable[ProcessRecord]) -> None:
    """Stop clients before the brokers that they talk to."""
    wanted = list(records)
    stop_all(record for record in wanted if not record.name.startswith("broker-"))
    stop_all(record for record in wanted if record.name.startswith("broker-"))


def kill_all(records: Iterable[ProcessRecord]) -> None:
    """End the recorded processes at once and wait until they are gone.

    Raises ConditionTimeout if the kernel does not let go of one within 10 s.
    """
    running = [record for record in records if send(record, signal.SIGKILL)]
    wait_until(
        "killed processes are gone",
        lambda: not any(_reap_and_look(record) for record in running),
        timeout_seconds=10.0,
        every_seconds=0.01,
    )


def _reap_and_look(record: ProcessRecord) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(record.pid, os.WNOHANG)
    return is_alive(record)


def find_strays(instances: Iterable[str]) -> list[ProcessRecord]:
    """Running processes of this user whose environment carries one of the instance ids."""
    wanted = set(instances)
    strays = []
    for process in psutil.process_iter(["pid"]):
        with contextlib.suppress(psutil.Error, OSError):
            env = process.environ()
            if env.get(INSTANCE_VARIABLE) in wanted and process.pid != os.getpid():
                identity = start_identity(process.pid)
                if identity is not None:
                    name = env.get(PROCESS_VARIABLE, "unnamed")
                    strays.append(
                        ProcessRecord(name, process.pid, identity, env[INSTANCE_VARIABLE])
                    )
    return strays


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let no further Ctrl-C cut a clean-up short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.signal(signum, signal.SIG_IGN) for signum in _INTERRUPTIONS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def telling_tail(log: Path, lines: int = LOG_TAIL_LINES) -> tuple[str, ...]:
    """The last lines of a log without the frames of stack traces, which bury what was said."""
    said = (line for line in log_tail(log, 500) if not _STACK_FRAME.match(line))
    return tuple(said)[-lines:]


_STACK_FRAME = re.compile(r"\s+(at \S|\.\.\. \d+ (common frames|more))")


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> tuple[str, ...]:
    """The last lines of a log, oldest first; empty if there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return tuple(line.rstrip("\n") for line in deque(file, maxlen=lines))
    except OSError:
        return ()
