"""What a run ran on: machine, Python, packages, and the components as they report themselves."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from importlib import metadata

from lab.errors import LabError
from lab.targets.base import Target

_DISTRIBUTION = "kafka-lab"


def describe(target: Target, lab_name: str) -> dict[str, object]:
    """The environment, ready for JSON. URLs carry no credentials: targets do not hand them out."""
    return {
        "target": target.name,
        "lab": lab_name,
        "components": components(target),
        "endpoints": asdict(target.endpoints()),
        "capabilities": target.capabilities().to_json(),
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": sys.executable,
        },
        "os": {
            "system": platform.system(),
            "release": platform.release(),
            "distribution": _distribution(),
            "machine": platform.machine(),
        },
        "cpu": {"count": os.cpu_count(), "usable": _usable_cpus()},
        "memory_bytes": _memory_bytes(),
        "packages": _packages(),
    }


def components(target: Target) -> list[dict[str, str]]:
    """Name, role, product, version and URL of each component; an unreachable one says so."""
    try:
        return [asdict(component) for component in target.components()]
    except LabError as error:
        return [{"name": "unknown", "role": "", "product": str(error), "version": "", "url": ""}]


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.version()


def _usable_cpus() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _memory_bytes() -> int:
    import psutil  # noqa: PLC0415 - only here, and not cheap to import

    return int(psutil.virtual_memory().total)


def _packages() -> dict[str, str]:
    """The versions of this project and of what it directly depends on, where installed."""
    names = {_DISTRIBUTION}
    try:
        for requirement in metadata.requires(_DISTRIBUTION) or ():
            names.add(_name(requirement))
    except metadata.PackageNotFoundError:
        return {}
    found = {}
    for name in sorted(names):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), None)
    return requirement[:end]
