"""The listening socket: bound before anything slow, so that a taken port shows at once."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ssl import SSLContext

from lab.ksqldb.errors import StartError


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens, and its TLS if it speaks that."""

    socket: socket.socket
    tls: SSLContext | None = None


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        StartError: the address cannot be had; names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    made.setblocking(False)
    made.set_inheritable(True)
    return made
