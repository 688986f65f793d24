"""Starting components side by side and proving each ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager

from lab.embedded import broker
from lab.embedded.certificates import write_private
from lab.embedded.components import Blueprint, Component, broker_log_dir, properties_file
from lab.embedded.disk import translating_disk_errors
from lab.embedded.process import Child, spawn, telling_tail
from lab.embedded.registry import set_default_compatibility
from lab.embedded.security import (
    describe_targets,
    ensure,
    ksqldb_properties,
    registry_properties,
    remember,
)
from lab.embedded.state import LabFolder, LabState
from lab.embedded.users import create_users
from lab.errors import ComponentFailed, ConditionTimeout
from lab.readiness import (
    ProofFailed,
    broker_proven,
    prove_ksqldb,
    prove_registry,
    wait_for_ksqldb,
)

Report = Callable[[str, str, float], None]
"""Called with a component's name, its state ("starting", "ready") and seconds since the start."""


class _GivenUp(Exception):
    """Another component failed, or the user interrupted; this proof is abandoned."""


class Starter:
    """Starts a lab's components. ``children`` holds every process started so far, by name."""

    def __init__(
        self,
        folder: LabFolder,
        state: LabState,
        plan: Blueprint,
        *,
        timeout_seconds: float,
        report: Report,
        kafka_version: str,
    ) -> None:
        self.children: dict[str, Child] = {}
        self._folder = folder
        self._state = state
        self._plan = plan
        self._timeout_seconds = timeout_seconds
        self._report = report
        self._kafka_version = kafka_version
        self._security = ensure(folder.secure, state.host) if state.secure else None
        if self._security is not None:
            urls = [places.url for places in plan.ksqldbs.values()]
            urls += [plan.registry.url, plan.registry.upstream_url]
            remember(self._security, plan.endpoints.bootstrap_servers, urls)
        self._begun = time.monotonic()
        self._cancelled = threading.Event()
        self._asked: list[str] = []
        self._ready: set[str] = set()

    def run(self, components: Iterable[Component], *, prove: Iterable[str]) -> None:
        """Start ``components``, all at once, and prove those named in ``prove`` ready.

        Raises ComponentFailed for the first that fails; the caller then stops ``children``.
        """
        with translating_disk_errors(self._folder.path):
            for component in components:
                self._spawn(component)
        names = set(prove)
        self._asked = [c.name for c in self._plan.components if c.name in names]
        of_role = {
            role: [c for c in self._plan.components if c.role == role]
            for role in ("broker", "schema-registry", "ksqldb")
        }
        brokers, registry, ksqldb = of_role.values()
        asked = {role for role, group in of_role.items() if names & {c.name for c in group}}
        with ThreadPoolExecutor(2, thread_name_prefix="proof") as pool:
            waiting = set()
            if asked & {"broker", "ksqldb"}:
                wanted = [c for c in ksqldb if c.name in names]
                waiting.add(pool.submit(self._prove_kafka, brokers, wanted))
            if "schema-registry" in asked:
                waiting.add(pool.submit(self._prove_registry, registry))
            try:
                while waiting:
                    # A short time-out lets Ctrl-C through while threads wait.
                    done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            finally:
                self._cancelled.set()
        if self._security is not None:
            told = self._plan.endpoints
            urls = {"schema_registry": told.schema_registry_url, "ksqldb": told.ksqldb_url}
            known = {name: url for name, url in urls.items() if url is not None}
            describe_targets(self._security, told.bootstrap_servers, known)

    def _spawn(self, component: Component) -> None:
        self._prepare(component)
        self._report(component.name, "starting", self._elapsed())
        for spec in component.processes:
            self.children[spec.name] = spawn(
                spec,
                instance=self._state.instance,
                run_dir=self._folder.run,
                log_dir=self._folder.logs,
            )

    def _prepare(self, component: Component) -> None:
        if component.role == "schema-registry":
            at = self._plan.registry
            at.data_dir.mkdir(parents=True, exist_ok=True)
            if self._security is not None and at.config is not None:
                text = broker.render_properties(registry_properties(self._security))
                write_private(at.config, text.encode())
            return
        if component.role == "ksqldb":
            places = self._plan.ksqldbs[component.name]
            places.state_dir.mkdir(parents=True, exist_ok=True)
            places.build_dir.mkdir(parents=True, exist_ok=True)
            if self._security is not None and places.config is not None:
                text = broker.render_properties(
                    ksqldb_properties(
                        self._security, places.host, places.port, self._plan.registry.url
                    )
                )
                write_private(places.config, text.encode())
            return
        node = next(node for node in self._plan.nodes if node.name == component.name)
        log_dir = broker_log_dir(self._folder, node.node_id)
        broker.format_storage(log_dir, node.node_id, self._state.cluster_id, self._kafka_version)
        properties = broker.server_properties(
            node,
            self._plan.nodes,
            host=self._state.host,
            log_dir=log_dir,
            security=self._security,
        )
        text = broker.render_properties(properties)
        write_private(properties_file(self._folder, node), text.encode())

    def _prove_kafka(self, brokers: list[Component], ksqldb: list[Component]) -> None:
        with (
            self._blaming(brokers) as give_up,
            broker_proven(
                self._plan.endpoints.bootstrap_servers,
                replicas=len(self._plan.nodes),
                timeout_seconds=self._timeout_seconds,
                give_up=give_up,
            ) as probe,
        ):
            if self._security is not None and brokers:
                create_users(probe.bootstrap_servers, self._security)
            self._report_ready(brokers)
            for server in ksqldb:
                url = self._plan.ksqldbs[server.name].url
                with self._blaming([server]) as give_up_server:
                    wait_for_ksqldb(
                        url, timeout_seconds=self._timeout_seconds, give_up=give_up_server
                    )
                    prove_ksqldb(url, probe)
                self._report_ready([server])

    def _prove_registry(self, components: list[Component]) -> None:
        with self._blaming(components) as give_up:
            set_default_compatibility(
                self._plan.registry, timeout_seconds=self._timeout_seconds, give_up=give_up
            )
            prove_registry(
                self._plan.registry.url, timeout_seconds=self._timeout_seconds, give_up=give_up
            )
        self._report_ready(components)

    @contextmanager
    def _blaming(self, components: list[Component]) -> Iterator[Callable[[], None]]:
        """Give a liveness check to wait with, and turn failures into these components' failures.

        The check is of every process: one that died is reported at once, whatever is waited for.
        """

        def give_up() -> None:
            for child in list(self.children.values()):
                code = child.exit_code()
                if code is not None:
                    raise died(child, code)
            if self._cancelled.is_set():
                raise _GivenUp

        import requests  # noqa: PLC0415 - loaded while the JVMs start

        try:
            yield give_up
        except (ProofFailed, ConditionTimeout, requests.RequestException) as error:
            give_up()
            name = components[0].name
            others = [n for n in self._asked if n != name and n not in self._ready]
            also = f"; not ready either: {', '.join(others)}" if others else ""
            log = self._folder.logs / f"{name}.log"
            raise ComponentFailed(
                name,
                f"{name} did not get ready: {error}{also}",
                log=log,
                log_tail=telling_tail(log),
                hint="Read its log above; `lab doctor` checks memory, disk and ports. "
                "LAB_START_TIMEOUT gives a slow machine more time.",
            ) from error

    def _report_ready(self, components: list[Component]) -> None:
        for component in components:
            self._ready.add(component.name)
            self._report(component.name, "ready", self._elapsed())

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun


def died(child: Child, code: int) -> ComponentFailed:
    """The failure of a process that ended while it should have got ready."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return ComponentFailed(
        child.name,
        f"{child.name} {how} while starting",
        exit_code_of_process=code,
        log=child.log,
        log_tail=telling_tail(child.log),
        hint="Read its log above; `lab doctor` checks memory, disk and ports; "
        "`lab reset` begins with empty data.",
    )
