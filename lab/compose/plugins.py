"""Connector plug-ins in a lab of containers: which folder is mounted, and when it is completed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.compose.plan import PLUGINS_VARIABLE
from lab.config import Settings
from lab.embedded.connect_plugins import make_plugins_folder, plugins_folder
from lab.embedded.state import LabState
from lab.errors import ChecksumMismatch, DownloadFailed

NOTED = "plugins"
"""Under this name a lab's state notes the folder: until ``down`` it stays the same."""


def mounted_folder(settings: Settings, state: LabState) -> Path:
    """What Connect's container sees: the folder noted, else the user's, else the cache's.

    The cache's is made if it is not there: an engine would make it for root only. Raises
    EnvironmentProblem.
    """
    noted = state.versions.get(NOTED, {}).get(PLUGINS_VARIABLE)
    if noted is not None:
        return Path(noted)
    return settings.connect_plugins or make_plugins_folder(settings.cache_dir)


def complete(
    settings: Settings, state: LabState, get_plugins: Callable[[], object] | None
) -> tuple[str, ...]:
    """Complete the cache's plug-ins if they are what a lab about to start Connect mounts.

    Returns remarks. That nothing could be downloaded is one: Connect runs without them. Raises
    ChecksumMismatch or EnvironmentProblem.
    """
    chosen = mounted_folder(settings, state if state.phase == "ready" else LabState.new(state.name))
    if get_plugins is None or chosen != plugins_folder(settings.cache_dir):
        return ()
    try:
        get_plugins()
    except ChecksumMismatch:
        raise
    except DownloadFailed as error:
        remark = (
            f"Connect starts without the lab's connector plug-ins: {error.message}. Get them with "
            "`lab fetch --connect-plugins`, then `lab restart connect`."
        )
        return (remark,)
    return ()
