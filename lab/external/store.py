"""Descriptions on disk: TOML files that only their owner can read, and the variables' target.

| variable                             | meaning                                              |
|--------------------------------------|------------------------------------------------------|
| LAB_EXTERNAL_KAFKA_BOOTSTRAP_SERVERS | the brokers; with it there is a target named "env"   |
| LAB_EXTERNAL_<SECTION>_<KEY>         | any other setting of a description, e.g.             |
|                                      | LAB_EXTERNAL_SCHEMA_REGISTRY_URL                     |
| LAB_EXTERNAL_PREFIX, _ALLOW          | as in a description; allowances separated by commas  |
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from lab.embedded.state import check_name
from lab.errors import InvalidSetting, LabError, UsageError
from lab.external.model import HTTP_SECTIONS, Described
from lab.external.parsing import described
from lab.external.secrets import Secret

FOLDER = "targets"
OF_VARIABLES = "env"
_BEGINNING = "LAB_EXTERNAL_"
_SECTIONS = ("kafka", *HTTP_SECTIONS)


def folder(state_root: Path) -> Path:
    """Where descriptions and ledgers are."""
    return state_root / FOLDER


def file_of(state_root: Path, name: str) -> Path:
    """Where the description of a target is, whether it is there or not. Raises UsageError."""
    return folder(state_root) / f"{check_name(name)}.toml"


def names(state_root: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """The names of all external targets."""
    found = sorted(path.stem for path in folder(state_root).glob("*.toml"))
    return [*found, OF_VARIABLES] if _told(environ) else found


def load(state_root: Path, name: str, environ: Mapping[str, str] | None = None) -> Described:
    """The target of this name; that of the variables for "env", and for "default" if it is alone.

    Raises UsageError if there is none, InvalidSetting for a description that cannot be used.
    """
    path = file_of(state_root, name)
    told = _told(environ)
    if name == OF_VARIABLES or (name == "default" and told and not path.exists()):
        if not told:
            raise UsageError(
                "no external target is described by variables",
                hint=f"Set {_BEGINNING}KAFKA_BOOTSTRAP_SERVERS, or use `lab target add NAME`.",
            )
        return described(OF_VARIABLES, told, "environment variables")
    if not path.exists():
        known = names(state_root, environ)
        raise UsageError(
            f'there is no external target "{name}"',
            hint=f"There are: {', '.join(known)}." if known else "Describe one: `lab target add`.",
        )
    return read(path, name)


def read(path: Path, name: str) -> Described:
    """A description from a file. Raises InvalidSetting, also for one that others can read."""
    try:
        mode = path.stat().st_mode
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSetting(str(path), f"cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(str(path), f"is no TOML file: {_position(error)}") from None
    found = described(name, data, str(path))
    if mode & 0o077 and _keeps_secrets(found):
        raise InvalidSetting(
            str(path),
            "keeps secrets, and others than its owner can read it",
            hint=f"chmod 600 {path}",
        )
    return found


def save(state_root: Path, data: Mapping[str, Any], name: str, *, replace: bool = False) -> Path:
    """Check a description and keep it in a file of mode 0600. Raises UsageError, InvalidSetting."""
    path = file_of(state_root, name)
    if name == OF_VARIABLES:
        raise UsageError(f'"{OF_VARIABLES}" is the target that variables describe')
    if path.exists() and not replace:
        raise UsageError(
            f'there is an external target "{name}" already',
            hint="--replace overwrites it; `lab target show` shows it.",
        )
    described(name, data, str(path))
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(render(data))
    draft.replace(path)
    return path


def remove(state_root: Path, name: str) -> None:
    """Remove a description. Raises UsageError if there is none, or its ledger is not empty."""
    path = file_of(state_root, name)
    if not path.exists():
        raise UsageError(f'there is no external target "{name}"')
    if path.with_suffix(".ledger").exists():
        raise LabError(
            f'the ledger of "{name}" says that something of ours may still be there',
            hint=f"Remove that first: `lab cleanup {name}`.",
        )
    path.unlink()


def render(data: Mapping[str, Any]) -> str:
    """A description's data as TOML."""
    lines = [f"{key} = {_toml(v)}" for key, v in data.items() if not isinstance(v, Mapping)]
    for section, table in data.items():
        if not isinstance(table, Mapping):
            continue
        lines += ["", f"[{section}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in table.items() if key != "settings"]
        if table.get("settings"):
            lines += ["", f"[{section}.settings]"]
            lines += [f'"{key}" = {_toml(value)}' for key, value in table["settings"].items()]
    return "\n".join(lines).strip() + "\n"


def shown(target: Described) -> dict[str, Any]:
    """The description for people and JSON: secrets are named by where they are kept."""
    return {
        "name": target.name,
        "source": target.source,
        "prefix": target.prefix,
        "allow": sorted(target.allow),
        **{
            section: _shown(part)
            for section in _SECTIONS
            if (part := getattr(target, section)) is not None
        },
    }


def _shown(part: object) -> Any:
    if isinstance(part, Secret):
        return str(part)
    if isinstance(part, Mapping):
        return {key: _shown(value) for key, value in part.items()}
    if is_dataclass(part):
        found = {field.name: getattr(part, field.name) for field in fields(part)}
        return {k: _shown(v) for k, v in found.items() if v not in (None, {})}
    return part


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, int | float):
        return str(value)
    # JSON's escapes are TOML's too, but for DEL, which JSON leaves as it is.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _told(environ: Mapping[str, str] | None) -> dict[str, Any]:
    """The description that the variables make; empty if they name no brokers."""
    env = os.environ if environ is None else environ
    data: dict[str, Any] = {}
    for variable, value in env.items():
        if not variable.startswith(_BEGINNING) or not value.strip():
            continue
        rest = variable.removeprefix(_BEGINNING).lower()
        if rest == "prefix":
            data["prefix"] = value.strip()
        elif rest == "allow":
            data["allow"] = [each.strip() for each in value.split(",") if each.strip()]
        else:
            section = next((s for s in _SECTIONS if rest.startswith(f"{s}_")), None)
            if section is None:
                raise InvalidSetting(variable, "names no part of a target")
            key = rest.removeprefix(f"{section}_")
            flag = {"true": True, "false": False}.get(value.strip().lower(), value.strip())
            data.setdefault(section, {})[key] = flag if key in {"tls", "check_hostname"} else value
    return data if "bootstrap_servers" in data.get("kafka", {}) else {}


def _keeps_secrets(target: Described) -> bool:
    for section in _SECTIONS:
        part = getattr(target, section)
        values = [] if part is None else [getattr(part, f.name) for f in fields(part)]
        values += list(getattr(part, "settings", {}).values())
        if any(isinstance(each, Secret) and each.kind == "kept" for each in values):
            return True
    return False


def _position(error: Exception) -> str:
    """Where a file is malformed, without what stands there: that may be a secret."""
    text = str(error)
    at = text.rfind("(at ")
    return text[at + 1 : -1] if at >= 0 else "it is not text in UTF-8"
