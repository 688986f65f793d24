"""Choosing ports, and saying who holds one.

Well-known ports are preferred for the lab named "default", because that is where a reader of a
Kafka tutorial looks. All others come from 20000-29999, below the ephemeral ports, out of which a
client's outgoing connection could take one between choosing and listening.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.errors import EnvironmentProblem, PortInUse

FREE_RANGE = range(20000, 30000)
MAX_BROKERS = 3
WELL_KNOWN = {
    "broker-1": 9092,
    "broker-2": 9093,
    "broker-3": 9094,
    "schema-registry": 8081,
    "ksqldb": 8088,
}
OFFSETS_FROM_BASE = {
    "broker-1": 0,
    "broker-2": 1,
    "broker-3": 2,
    "schema-registry": 3,
    "ksqldb": 4,
    "controller-1": 6,
    "controller-2": 7,
    "controller-3": 8,
    "registry-upstream": 9,
}
"""Where each listener is from ``--port-base``: P+0 to P+2 brokers, P+3 registry, P+4 ksqlDB, …"""


@dataclass(frozen=True)
class PortChoice:
    """The chosen ports by listener, and remarks on those that had to be other than preferred."""

    ports: dict[str, int]
    remarks: tuple[str, ...] = ()


def listeners(brokers: int) -> tuple[str, ...]:
    """The names of the listeners that a lab with so many brokers needs."""
    nodes = range(1, brokers + 1)
    return (
        *(f"broker-{n}" for n in nodes),
        *(f"controller-{n}" for n in nodes),
        "schema-registry",
        "registry-upstream",
        "ksqldb",
    )


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections are still winding down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def holder_of(port: int) -> str | None:
    """Who listens on the port, as "java (pid 123)"; None if that cannot be seen."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port:
                return _describe(connection.pid)
    return None


def _describe(pid: int | None) -> str | None:
    if pid is None:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return f"{process.name()} (pid {pid})"
    return f"pid {pid}"


class PortClaims:
    """Ports that labs of this user have chosen, so that two starting at once choose differently.

    A claim counts as long as its lab's state file says that the lab is starting or up.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "ports.json"

    @contextmanager
    def exclusively(self) -> Iterator[dict[int, str]]:
        """The claims (port → state folder), for this process alone; written back at the end.

        Raises EnvironmentProblem if the folder is another user's.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise EnvironmentProblem(
                f"{self._folder} belongs to another user", hint="Remove it, or set TMPDIR."
            )
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            claims = self._read()
            yield claims
            draft = self._file.with_suffix(".tmp")
            draft.write_text(json.dumps({str(k): v for k, v in sorted(claims.items())}), "utf-8")
            draft.replace(self._file)

    def _read(self) -> dict[int, str]:
        try:
            data = json.loads(self._file.read_text("utf-8"))
            claims = {int(port): str(state) for port, state in data.items()}
        except (OSError, ValueError, AttributeError):
            return {}
        return {port: state for port, state in claims.items() if _lab_is_up(Path(state))}


def _lab_is_up(state_dir: Path) -> bool:
    try:
        state = json.loads((state_dir / "lab.json").read_text("utf-8"))
        return bool(state["phase"] != "stopped")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def choose(
    brokers: int,
    *,
    well_known: bool,
    remembered: Mapping[str, int],
    taken: Mapping[int, str],
    host: str = "127.0.0.1",
) -> PortChoice:
    """Choose a free port for each listener: remembered ones, else well-known ones, else any free.

    ``taken`` are ports that other labs have claimed. Raises EnvironmentProblem if none is free.
    """
    preferred = {**(WELL_KNOWN if well_known else {}), **remembered}
    return choose_for(listeners(brokers), preferred, taken=taken, host=host)


def choose_for(
    names: tuple[str, ...],
    preferred: Mapping[str, int],
    *,
    taken: Mapping[int, str],
    host: str,
) -> PortChoice:
    """A free port for each name: the preferred one, else any, with a remark on who holds it."""
    chosen: dict[str, int] = {}
    remarks: list[str] = []
    for name in names:
        wanted = preferred.get(name)
        used = {*taken, *chosen.values()}
        if wanted is not None and wanted not in used and is_free(wanted, host):
            chosen[name] = wanted
            continue
        chosen[name] = any_free(used, host)
        if wanted is not None:
            holder = taken.get(wanted) or holder_of(wanted) or "a process that is not yours"
            remarks.append(
                f"{name}: port {wanted} is held by {holder}; using {chosen[name]} instead"
            )
    return PortChoice(chosen, tuple(remarks))


def fixed(
    brokers: int, base: int, *, taken: Mapping[int, str], host: str = "127.0.0.1"
) -> PortChoice:
    """The ports counted from ``base``. Raises PortInUse, naming the holder, if one is taken."""
    ports = {name: base + OFFSETS_FROM_BASE[name] for name in listeners(brokers)}
    return all_free(ports, taken=taken, host=host)


def all_free(ports: dict[str, int], *, taken: Mapping[int, str], host: str) -> PortChoice:
    """These very ports. Raises PortInUse, naming the holder, if one is taken."""
    for name, port in ports.items():
        if port in taken or not is_free(port, host):
            raise PortInUse(
                port,
                f"the lab in {taken[port]}" if port in taken else holder_of(port),
                hint=f"It was meant for {name}. Free it, or give another --port-base "
                "(or none: free ports are then chosen).",
            )
    return PortChoice(ports)


def any_free(used: set[int], host: str) -> int:
    """A free port that nobody has claimed. Raises EnvironmentProblem if there is none."""
    for port in FREE_RANGE:
        if port not in used and is_free(port, host):
            return port
    raise EnvironmentProblem(
        f"no free port from {FREE_RANGE.start} to {FREE_RANGE.stop - 1}",
        hint="Stop other servers or labs (`lab down --all`), or give --port-base.",
    )
