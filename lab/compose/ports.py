"""Ports on this machine for the containers of a lab."""

from __future__ import annotations

from collections.abc import Mapping

from lab.embedded.ports import WELL_KNOWN, PortChoice, any_free, holder_of, is_free
from lab.errors import PortInUse

PREFERRED = {**WELL_KNOWN, "connect": 8083}
OFFSETS_FROM_BASE = {
    "broker-1": 0,
    "broker-2": 1,
    "broker-3": 2,
    "schema-registry": 3,
    "ksqldb": 4,
    "connect": 5,
}


def choose(
    components: tuple[str, ...],
    *,
    well_known: bool,
    remembered: Mapping[str, int],
    taken: Mapping[int, str],
    host: str,
) -> PortChoice:
    """A free port for each component: the remembered one, else the well-known one, else any.

    ``taken`` are ports that other labs have claimed. Raises EnvironmentProblem if none is free.
    """
    chosen: dict[str, int] = {}
    remarks: list[str] = []
    for name in components:
        preferred = remembered.get(name) or (PREFERRED.get(name) if well_known else None)
        used = {*taken, *chosen.values()}
        if preferred is not None and preferred not in used and is_free(preferred, host):
            chosen[name] = preferred
            continue
        chosen[name] = any_free(used, host)
        if preferred is not None:
            holder = taken.get(preferred) or holder_of(preferred) or "a process that is not yours"
            remarks.append(
                f"{name}: port {preferred} is held by {holder}; using {chosen[name]} instead"
            )
    return PortChoice(chosen, tuple(remarks))


def fixed(
    components: tuple[str, ...], base: int, *, taken: Mapping[int, str], host: str
) -> PortChoice:
    """The ports counted from ``base``. Raises PortInUse, naming the holder, if one is taken."""
    ports = {name: base + OFFSETS_FROM_BASE[name] for name in components}
    for name, port in ports.items():
        if port in taken or not is_free(port, host):
            raise PortInUse(
                port,
                f"the lab in {taken[port]}" if port in taken else holder_of(port),
                hint=f"It was meant for {name}. Free it, or give another --port-base "
                "(or none: free ports are then chosen).",
            )
    return PortChoice(ports)
