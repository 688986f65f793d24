"""The first connection to the broker, made in a thread: it may still be starting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from lab.ksqldb.errors import StartError
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Broker
from lab.ksqldb.jvm.threads import JavaCaller

_LOG = logging.getLogger(__name__)
_ATTEMPT_MS = 1000
_PATIENCE_ATTEMPTS = 10


class Connection:
    """A broker's clients, and the cluster's id once the broker has answered."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._answered = threading.Event()
        self._broker: Broker | None = None
        self._error: Exception | None = None
        self.cluster_id = ""
        JavaCaller(target=self._connect, name="connect", daemon=True).start()

    def _connect(self) -> None:
        try:
            broker = Broker(self._settings)
            attempts = 0
            while not self._stopping.is_set() and not self.cluster_id:
                try:
                    self.cluster_id = broker.cluster_id(timeout_ms=_ATTEMPT_MS)
                except JavaFault as fault:
                    attempts += 1
                    if attempts % _PATIENCE_ATTEMPTS == 0:
                        _LOG.info(
                            "waiting for the broker %s: %s",
                            self._settings["bootstrap.servers"],
                            fault.message,
                        )
            self._broker = broker
        except JavaFault as fault:
            self._error = fault
        finally:
            self._answered.set()

    def wait(self) -> Broker | None:
        """The broker's clients once it has answered; None when stopped before that.

        Raises:
            StartError: the settings make no client.
        """
        self._answered.wait()
        if self._error is not None:
            raise StartError(f"no client of the broker: {self._error}")
        return self._broker if self.cluster_id else None

    def stop(self) -> None:
        """Stop waiting; closes the clients if nobody took them."""
        self._stopping.set()
        self._answered.wait(timeout=_ATTEMPT_MS / 1000 + 1)
        if self._broker is not None and not self.cluster_id:
            self._broker.close()
            self._broker = None
