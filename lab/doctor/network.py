"""Ports and who holds them; downloads and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil
import requests

from lab.config import Settings
from lab.doctor.model import CheckResult, Status, gib
from lab.embedded.jars import Artifact, load_lock
from lab.embedded.outfit import RUN_SETS, missing_artifacts
from lab.embedded.ports import is_free
from lab.embedded.process import is_alive, load_records
from lab.embedded.resolve import repository_url
from lab.embedded.state import all_labs
from lab.errors import DownloadFailed

PORTS = {
    9092: "broker",
    8081: "Schema Registry",
    8088: "ksqlDB",
    8083: "Connect, compose target only",
}
SHOWN_COMMAND = 90
CONNECT_AND_READ_SECONDS = (5.0, 10.0)


@dataclass(frozen=True)
class Holder:
    """Who listens on a port; ``lab`` is the name of the lab whose process it is, if it is one."""

    pid: int
    name: str
    command: str
    lab: str | None = None


def check_ports(settings: Settings) -> list[CheckResult]:
    """The well-known ports, one result each."""
    labs = _processes_of_labs(settings)
    holders = _listeners(labs)
    return [
        judge_port(port, what, is_free(port, settings.listen_host), holders.get(port))
        for port, what in PORTS.items()
    ]


def judge_port(port: int, what: str, free: bool, holder: Holder | None) -> CheckResult:
    """A port that is taken is no obstacle: the lab then chooses another."""
    name = f"port {port}"
    if free:
        return CheckResult(name, "ok", f"free ({what})")
    if holder is None:
        seen = "held by a process of another user"
    elif holder.lab is not None:
        return CheckResult(name, "ok", f'held by the lab "{holder.lab}" (pid {holder.pid})')
    else:
        seen = f"held by {holder.name} (pid {holder.pid}): {_short(holder.command)}"
    return CheckResult(
        name, "warn", f"{seen}; wanted for {what}",
        "End that process, or leave it: the embedded target takes another port "
        "(`lab status` shows which).",
    )  # fmt: skip


def _short(command: str) -> str:
    return command if len(command) <= SHOWN_COMMAND else command[: SHOWN_COMMAND - 1] + "…"


def _processes_of_labs(settings: Settings) -> dict[int, str]:
    return {
        record.pid: folder.name
        for folder in all_labs(settings.state_root)
        for record in load_records(folder.run).values()
        if is_alive(record)
    }


def _listeners(labs: Mapping[int, str]) -> dict[int, Holder]:
    """Who listens on the well-known ports, as far as this user may see."""
    found: dict[int, Holder] = {}
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:  # macOS shows other processes' connections to root only
        return found
    for connection in connections:
        at = connection.laddr
        if connection.status != psutil.CONN_LISTEN or not at or connection.pid is None:
            continue
        if at.port in PORTS:
            found[at.port] = _holder(connection.pid, labs.get(connection.pid))
    return found


def _holder(pid: int, lab: str | None) -> Holder:
    try:
        process = psutil.Process(pid)
        return Holder(pid, process.name(), " ".join(process.cmdline()), lab)
    except psutil.Error:
        return Holder(pid, "a process", "not visible", lab)


def check_downloads(settings: Settings) -> list[CheckResult]:
    """Whether everything is here, and if not, whether it can be fetched."""
    missing = missing_artifacts(settings, RUN_SETS)
    every = load_lock().artifacts(RUN_SETS)
    return [judge_downloads(missing, every), _check_repository(settings, missing)]


def judge_downloads(missing: tuple[Artifact, ...], every: tuple[Artifact, ...]) -> CheckResult:
    """Jars in the cache, verified when they came."""
    if not missing:
        return CheckResult("downloads", "ok", f"complete: {len(every)} files in the cache")
    size = sum(artifact.size for artifact in missing)
    return CheckResult(
        "downloads", "warn",
        f"{len(missing)} of {len(every)} files, {gib(size)}, are not here yet",
        "`lab fetch` gets them now; otherwise the first `lab up` does.",
    )  # fmt: skip


def _check_repository(settings: Settings, missing: tuple[Artifact, ...]) -> CheckResult:
    local = settings.maven_local
    elsewhere = tuple(a for a in missing if local is None or not (local / a.path).is_file())
    if missing and not elsewhere:
        return CheckResult("artifact repository", "ok", f"not needed: all is in {local}")
    try:
        url = repository_url(settings.maven_mirror)
    except DownloadFailed as error:
        return judge_repository("unknown", error.message, needed=bool(elsewhere))
    probe = min(elsewhere or load_lock().artifacts(RUN_SETS), key=lambda artifact: artifact.size)
    return judge_repository(url, _problem(f"{url}/{probe.path}"), needed=bool(elsewhere))


def _problem(url: str) -> str | None:
    """Why the artifact cannot be had from there; None if it can."""
    try:
        answer = requests.head(url, timeout=CONNECT_AND_READ_SECONDS, allow_redirects=True)
    except requests.Timeout:
        return "no answer in time"
    except requests.exceptions.SSLError:
        return "its TLS certificate is not trusted"
    except requests.exceptions.ProxyError:
        return "the HTTP proxy does not let through"
    except requests.RequestException:
        return "no connection"
    return None if answer.ok else f"HTTP {answer.status_code}"


def judge_repository(url: str, problem: str | None, *, needed: bool) -> CheckResult:
    """An unreachable repository matters only while something is missing."""
    name = "artifact repository"
    if problem is None:
        return CheckResult(name, "ok", f"{url} answers")
    status: Status = "fail" if needed else "ok"
    return CheckResult(
        name, status, f"{url}: {problem}" + ("" if needed else "; not needed, all is here"),
        "Check the network and HTTPS_PROXY, or set LAB_MAVEN_MIRROR or LAB_MAVEN_LOCAL."
        if needed else None,
    )  # fmt: skip
