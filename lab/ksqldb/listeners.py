"""Where the server listens: ksqlDB's property ``listeners``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.ksqldb.errors import StartError

_LISTENER = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:]+\]|[^\s:/\[\]]*):(?P<port>[0-9]{1,5})/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Listener:
    """One address. An empty host, as ksqlDB's, is every address of the machine."""

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.scheme == "https"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse(text: str) -> tuple[Listener, ...]:
    """Listeners, separated by commas.

    Raises:
        StartError: one is no URL of that kind, or there is none.
    """
    found = []
    for part in text.split(","):
        match = _LISTENER.fullmatch(part.strip())
        if match is None or int(match["port"]) > 65535:
            raise StartError(
                f"listeners: {part.strip()!r} is neither http://HOST:PORT nor https://HOST:PORT"
            )
        host = match["host"].strip("[]") or "0.0.0.0"  # noqa: S104 - asked for by leaving it out
        found.append(Listener(match["scheme"].lower(), host, int(match["port"])))
    return tuple(found)
