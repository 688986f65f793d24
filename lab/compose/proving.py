"""Proving containers ready, as the embedded target proves its processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from lab.compose.engine import Engine
from lab.compose.plan import endpoints_of, role_of, url_of
from lab.embedded.starting import Report
from lab.embedded.state import LabState
from lab.errors import ComponentFailed, ConditionTimeout, LabError
from lab.readiness import (
    ProofFailed,
    broker_proven,
    prove_connect,
    prove_ksqldb,
    prove_registry,
    wait_for_ksqldb,
)

LOG_LINES = 25
LOOK_EVERY_SECONDS = 1.0


class _GivenUp(Exception):
    """Another component failed, or the user interrupted; this proof is abandoned."""


class Prover:
    """Proves components of one lab; a container that ends meanwhile is reported with its log."""

    def __init__(
        self,
        engine: Engine,
        state: LabState,
        *,
        timeout_seconds: float,
        report: Report,
    ) -> None:
        self._engine = engine
        self._state = state
        self._timeout_seconds = timeout_seconds
        self._report = report
        self._begun = time.monotonic()
        self._cancelled = threading.Event()
        self._looked = 0.0
        self._watched: frozenset[str] = frozenset()

    def run(self, components: tuple[str, ...]) -> None:
        """Prove these components, those of different roles at once. Raises ComponentFailed."""
        self._watched = frozenset(components)
        by_role: dict[str, list[str]] = {}
        for component in components:
            by_role.setdefault(role_of(component), []).append(component)
        with ThreadPoolExecutor(3, thread_name_prefix="proof") as pool:
            waiting: set[Future[None]] = set()
            if by_role.keys() & {"broker", "ksqldb"}:
                waiting.add(pool.submit(self._prove_kafka, by_role))
            if "schema-registry" in by_role:
                waiting.add(pool.submit(self._prove, "schema-registry", prove_registry))
            if "connect" in by_role:
                waiting.add(pool.submit(self._prove, "connect", prove_connect))
            try:
                while waiting:
                    # A short time-out lets Ctrl-C through while threads wait.
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            finally:
                self._cancelled.set()

    def _prove_kafka(self, by_role: dict[str, list[str]]) -> None:
        brokers = by_role.get("broker", [])
        with (
            self._blaming(brokers[0] if brokers else "broker-1") as give_up,
            broker_proven(
                endpoints_of(self._state).bootstrap_servers,
                replicas=min(3, self._state.brokers),
                timeout_seconds=self._timeout_seconds,
                give_up=give_up,
            ) as probe,
        ):
            self._ready(brokers)
            for component in by_role.get("ksqldb", []):
                url = url_of(component, self._state)
                with self._blaming(component) as give_up_ksqldb:
                    wait_for_ksqldb(
                        url, timeout_seconds=self._timeout_seconds, give_up=give_up_ksqldb
                    )
                    prove_ksqldb(url, probe)
                self._ready([component])

    def _prove(self, component: str, proof: Callable[..., None]) -> None:
        with self._blaming(component) as give_up:
            url = url_of(component, self._state)
            proof(url, timeout_seconds=self._timeout_seconds, give_up=give_up)
        self._ready([component])

    def wait_for_ksqldb(self, component: str, url: str) -> None:
        """Wait until a server beside the lab's own is healthy. Raises ComponentFailed."""
        self._watched = frozenset({component})
        with self._blaming(component) as give_up:
            wait_for_ksqldb(url, timeout_seconds=self._timeout_seconds, give_up=give_up)

    @contextmanager
    def _blaming(self, component: str) -> Iterator[Callable[[], None]]:
        """Give a liveness check to wait with, and turn failures into this component's failure."""
        import requests  # noqa: PLC0415 - loaded while the containers start

        try:
            yield self._give_up
        except (ProofFailed, ConditionTimeout, requests.RequestException) as error:
            self._looked = 0.0
            self._give_up()
            raise self.failure(component, f"{component} did not get ready: {error}") from error

    def _give_up(self) -> None:
        if self._cancelled.is_set():
            raise _GivenUp
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_SECONDS:
            self._looked = now
            self.raise_if_ended(self._watched)

    def raise_if_ended(self, components: Collection[str]) -> None:
        """Raise ComponentFailed for the first of these that has ended or is unhealthy.

        Others may be down or frozen because somebody wanted that.
        """
        for component, container in self._engine.containers().items():
            if component not in components:
                continue
            state = container.attrs["State"]
            if container.status in {"exited", "dead"}:
                code = int(state.get("ExitCode", 0))
                why = "was out of memory and " if state.get("OOMKilled") else ""
                raise self.failure(
                    component, f"{component} {why}ended with exit code {code}", code=code
                )
            if state.get("Health", {}).get("Status") == "unhealthy":
                raise self.failure(component, f"{component} is unhealthy, its own check says")

    def failure(self, component: str, message: str, *, code: int | None = None) -> ComponentFailed:
        """A component's failure with the end of its log."""
        try:
            text = self._engine.log(component, tail=LOG_LINES).decode(errors="replace")
        except LabError:
            text = ""
        return ComponentFailed(
            component,
            message,
            exit_code_of_process=code,
            log_tail=tuple(text.strip().splitlines()[-LOG_LINES:]),
            hint="Read its log above; `lab doctor` looks at Docker, its memory and the ports. "
            "LAB_START_TIMEOUT gives a slow machine more time.",
        )

    def _ready(self, components: list[str]) -> None:
        for component in components:
            self._report(component, "ready", time.monotonic() - self._begun)
