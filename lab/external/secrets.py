"""Secrets: named by where they come from, looked up when they are needed, never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lab.errors import InvalidSetting

Kind = Literal["env", "file", "kept"]


@dataclass(frozen=True)
class Secret:
    """Where a secret comes from: a variable, a file, or the description itself ("kept")."""

    kind: Kind
    place: str = ""
    value: str = field(default="", repr=False)

    def __str__(self) -> str:
        return "kept in the file" if self.kind == "kept" else f"{self.kind}: {self.place}"

    def resolve(self, setting: str, environ: Mapping[str, str] | None = None) -> str:
        """The secret itself. Raises InvalidSetting, naming ``setting``, where there is none."""
        if self.kind == "kept":
            return self.value
        if self.kind == "env":
            found = (os.environ if environ is None else environ).get(self.place)
            if not found:
                raise InvalidSetting(
                    setting,
                    f"the environment variable {self.place} is not set",
                    hint=f"Set it for this command: {self.place}=… lab …",
                )
            return found
        try:
            text = Path(self.place).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise InvalidSetting(setting, f"{self.place} cannot be read: {reason}") from None
        found = text.rstrip("\r\n")
        if not found:
            raise InvalidSetting(setting, f"{self.place} is empty")
        return found


def from_data(setting: str, value: object) -> Secret:
    """A secret as a description has it: text, ``{env = "NAME"}`` or ``{file = "PATH"}``.

    Raises InvalidSetting, without the value.
    """
    if isinstance(value, str) and value:
        return Secret("kept", value=value)
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, place),) = value.items()
        if kind in {"env", "file"} and isinstance(place, str) and place:
            return Secret("env" if kind == "env" else "file", place)
    raise InvalidSetting(
        setting, 'a secret is text, {env = "VARIABLE"} or {file = "PATH"}; this is neither'
    )


def from_option(setting: str, text: str) -> Secret | None:
    """A secret as the command line names it: ``env:VARIABLE``, ``file:PATH``; None for ``prompt``.

    Raises InvalidSetting for anything else, without repeating it.
    """
    kind, colon, place = text.partition(":")
    if text == "prompt":
        return None
    if colon and place and kind in {"env", "file"}:
        return Secret("env" if kind == "env" else "file", place)
    raise InvalidSetting(
        setting,
        "a secret does not belong on a command line, where every process list shows it",
        hint="Name where it is: env:VARIABLE, file:PATH, or prompt to be asked for it.",
    )
