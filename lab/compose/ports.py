"""Ports on this machine for the containers of a lab."""

from __future__ import annotations

from collections.abc import Mapping

from lab.embedded.ports import WELL_KNOWN, PortChoice, all_free, choose_for

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
    preferred = {**(PREFERRED if well_known else {}), **remembered}
    return choose_for(components, preferred, taken=taken, host=host)


def fixed(
    components: tuple[str, ...], base: int, *, taken: Mapping[int, str], host: str
) -> PortChoice:
    """The ports counted from ``base``. Raises PortInUse, naming the holder, if one is taken."""
    ports = {name: base + OFFSETS_FROM_BASE[name] for name in components}
    return all_free(ports, taken=taken, host=host)
