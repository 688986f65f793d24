"""The other nodes of the cluster: who they are, and how they are spoken to.

Every request from node to node is made here.
"""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from lab.ksqldb.config import ServerConfig
from lab.ksqldb.errors import KsqlError

INTERNAL = "request.ksql.internal.request"
"""Marks a request that a node answers for itself alone."""
SKIP_FORWARDING = "request.ksql.query.pull.skip.forwarding"
PARTITIONS = "request.ksql.query.pull.partition"
ACTIVE_ONLY = "request.ksql.query.pull.active.only"
"""Asks for rows of partitions that a node has, not of copies; a property of this server's own."""
BETWEEN_NODES = frozenset({INTERNAL, SKIP_FORWARDING, PARTITIONS, ACTIVE_ONLY})
"""Properties of requests by which nodes mark what they ask each other."""
DEBUG = "request.ksql.debug.request"
"""Asks for the node that each row comes from."""

_IDLE_AT_MOST = 8


class PeerFault(KsqlError):
    """A node does not answer, or refuses."""


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A node, by the address that it advertises."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Host:
        """The host of ``host:port``. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host:
            raise ValueError(f"no host:port: {text}")
        return cls(host, int(port))

    @classmethod
    def of_entity(cls, value: object) -> Host:
        """The host of a request's body. Raises ValueError."""
        if isinstance(value, str):
            return cls.parse(value)
        match value:
            case {"host": str(host), "port": int(port)}:
                return cls(host, port)
        raise ValueError('a node is {"host": …, "port": …}')

    def entity(self) -> dict[str, object]:
        """The host as requests carry it."""
        return {"host": self.host, "port": self.port}


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What a node answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON data. Raises PeerFault."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise PeerFault(f"not JSON: {error}") from None

    def reason(self) -> str:
        """What an error body says."""
        with suppress(PeerFault):
            body = self.json()
            if isinstance(body, dict):
                return str(body.get("message", body))
        return f"status {self.status}"


class Peers:
    """Speaks to other nodes; connections are kept. Safe to use from several threads."""

    def __init__(
        self,
        config: ServerConfig,
        nodes: Callable[[], Iterable[str]],
        tls: SSLContext | None = None,
    ) -> None:
        """``nodes`` gives the addresses of all nodes that run queries, perhaps this one's too.

        With ``tls`` they are spoken to over HTTPS. ``ksql.internal.basic.auth.user.info`` is the
        user and the password that requests carry, with a colon between.
        """
        self.own = Host.parse(config.address)
        self._tls = tls
        self._headers = {"Content-Type": "application/json"}
        user_info = config.effective().get("ksql.internal.basic.auth.user.info")
        if user_info:
            token = base64.b64encode(user_info.encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        self._nodes = nodes
        self._idle: dict[Host, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()

    def others(self) -> list[Host]:
        """The other nodes that are known now, in order of their addresses."""
        return sorted({Host.parse(node) for node in self._nodes()} - {self.own})

    def post(
        self,
        host: Host,
        path: str,
        body: Mapping[str, object],
        *,
        timeout_seconds: float,
        accept: str = "application/json",
    ) -> PeerAnswer:
        """Send a request and take the whole answer.

        Raises:
            PeerFault: there is no answer in time, or it breaks off.
        """
        data = json.dumps(body).encode()
        headers = {**self._headers, "Accept": accept}
        for kept in (True, False):
            connection = self._take(host) if kept else None
            if kept and connection is None:
                continue
            if connection is None:
                connection = self._connect(host)
            connection.timeout = timeout_seconds
            if connection.sock is not None:
                connection.sock.settimeout(timeout_seconds)
            try:
                connection.request("POST", path, data, headers)
                answer = connection.getresponse()
                found = PeerAnswer(answer.status, answer.read())
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # A kept connection may have been closed by the other side meanwhile.
                if kept and not isinstance(error, TimeoutError):
                    continue
                raise PeerFault(
                    f"{host} does not answer: {error or type(error).__name__}"
                ) from None
            self._give_back(host, connection)
            return found
        raise AssertionError("the last attempt answers or raises")

    def _connect(self, host: Host) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(host.host, host.port, context=self._tls)
        return http.client.HTTPConnection(host.host, host.port)

    def _take(self, host: Host) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(host)
            return idle.pop() if idle else None

    def _give_back(self, host: Host, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(host, [])
            if connection.sock is not None and len(idle) < _IDLE_AT_MOST:
                idle.append(connection)
                return
        connection.close()

    def forget(self, host: Host) -> None:
        """Close the connections to a node that are not in use."""
        with self._lock:
            idle = self._idle.pop(host, [])
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            for idle in self._idle.values():
                for connection in idle:
                    connection.close()
            self._idle.clear()
