"""Files of properties, as ksqlDB's ksql-server.properties: passwords in them show nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

from lab.ksqldb.errors import StartError

_LINE = re.compile(r"(?P<name>[^\s=:]+)\s*[=:]\s*(?P<value>.*)")


def read(path: Path) -> dict[str, str]:
    """The properties of a file: NAME=VALUE or NAME: VALUE lines, ``#`` and ``!`` begin comments, a
    backslash at the end goes on with the next line.

    Raises:
        StartError: it cannot be read, or a line is no property; the value is not in the message.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path} cannot be read: {error}") from None
    found: dict[str, str] = {}
    joined = re.sub(r"\\\r?\n[ \t]*", "", text)
    for line in joined.splitlines():
        content = line.strip()
        if not content or content[0] in "#!":
            continue
        match = _LINE.fullmatch(content)
        if match is None:
            raise StartError(f"{path}: a line is not NAME=VALUE: {content.split()[0][:40]}")
        found[match["name"]] = match["value"].strip()
    return found
