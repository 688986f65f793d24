"""Persistent queries: one Kafka Streams application each."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.ksqldb.catalog import Source
from lab.ksqldb.config import ServerConfig
from lab.ksqldb.errors import KsqlError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import registry
from lab.ksqldb.jvm.kafka import Broker, unread
from lab.ksqldb.jvm.queries import Retries, StreamsApp, TableReader
from lab.ksqldb.jvm.rows import ParseExpression
from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.jvm.topology import Topology, TopologyBuilder
from lab.ksqldb.names import QueryId, same_id
from lab.ksqldb.plan.formats import needs_registry
from lab.ksqldb.plan.steps import QueryPlan, Sink, topics, walk
from lab.ksqldb.runtime.broken import Broken

_LOG = logging.getLogger(__name__)
_STOP_MS = 2000
_REPLACE_MS = 30_000
_LEAVE_SECONDS = 60.0
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class PersistentQuery:
    """A running persistent query. ``target`` is its sink, or the table it materializes."""

    plan: QueryPlan
    statement: str
    target: Source
    properties: Mapping[str, str]
    app: StreamsApp | Broken
    reader: TableReader | None
    paused: bool = False

    @property
    def sink(self) -> Source | None:
        """What it writes."""
        return None if self.plan.sink is None else self.target

    @property
    def id(self) -> QueryId:
        """Its id."""
        return self.plan.id

    @property
    def state(self) -> str:
        """RUNNING, PAUSED, ERROR or what ksqlDB shows otherwise."""
        if self.paused:
            return "PAUSED"
        state = self.app.state
        if state in {"ERROR", "PENDING_ERROR"}:
            return "ERROR"
        return "RUNNING" if state in {"CREATED", "REBALANCING", "RUNNING"} else "NOT_RUNNING"


class PersistentQueries:
    """Starts, lists and ends persistent queries."""

    def __init__(
        self,
        config: ServerConfig,
        broker: Broker,
        functions: Registry,
        parse: ParseExpression,
        log: Any,
    ) -> None:
        self._config = config
        self._broker = broker
        self._functions = functions
        self._parse = parse
        self._log = log
        self._running: dict[QueryId, PersistentQuery] = {}
        self._listed = threading.Condition()
        self._cleaners: list[JavaCaller] = []
        self._stopping = threading.Event()

    def all(self) -> list[PersistentQuery]:
        """All queries, oldest first."""
        return list(self._running.values())

    def find(self, query: str) -> PersistentQuery | None:
        """The query of that id, in whatever case."""
        found = same_id(query, self._running)
        return None if found is None else self._running.get(found)

    def find_started(self, query: QueryId, timeout_seconds: float) -> PersistentQuery | None:
        """The query of that id, waited for: the catalog has it a moment before it is started."""
        with self._listed:
            self._listed.wait_for(lambda: query in self._running, timeout_seconds)
        return self._running.get(query)

    def _list(self, query: PersistentQuery) -> None:
        with self._listed:
            self._running[query.plan.id] = query
            self._listed.notify_all()

    def unread(self, topic: str) -> tuple[float, float, float] | None:
        """What could not be read of a topic: per second, in all, and the last one's time in ms."""
        return unread(self._log, topic)

    def application_id(self, query: QueryId) -> str:
        """The Kafka Streams application id, which is also the consumer group."""
        prefix = self._config.effective()["ksql.persistent.prefix"]
        return f"{self._config.internal_prefix}{prefix}{query}"

    def start(
        self,
        plan: QueryPlan,
        statement: str,
        target: Source,
        properties: Mapping[str, str],
        *,
        paused: bool = False,
    ) -> PersistentQuery:
        """Build a query's topology and start it; returns before it runs.

        A running query of the same id is stopped first: the new one goes on where it was.
        """
        topology = self._build(plan, properties)
        replaced = self._running.get(plan.id)
        if replaced is not None:
            replaced.app.close(timeout_ms=_REPLACE_MS, forget=False)
        settings = self._settings(plan, properties)
        app = StreamsApp(topology, settings, self._log, plan.id, self._retries(properties))
        readable = target.is_table and topology.store is not None
        query = PersistentQuery(
            plan,
            statement,
            target,
            properties,
            app,
            TableReader(app, target, settings["application.id"]) if readable else None,
            paused,
        )
        self._list(query)
        if paused:
            app.pause()
        app.start()
        _LOG.info("started %s", plan.id)
        return query

    def broken(
        self,
        plan: QueryPlan,
        statement: str,
        target: Source,
        properties: Mapping[str, str],
        error: KsqlError,
    ) -> None:
        """List a query that cannot be started; its error is shown with it."""
        self._list(PersistentQuery(plan, statement, target, properties, Broken(error), None))

    def check(self, plan: QueryPlan) -> None:
        """Build a query's topology for nothing but its errors.

        Raises:
            KsqlError: it cannot be built.
        """
        self._build(plan, {})

    def _build(self, plan: QueryPlan, properties: Mapping[str, str]) -> Topology:
        effective = self._config.effective() | dict(properties)
        throws = effective["ksql.timestamp.throw.on.invalid"] == "true"
        builder = TopologyBuilder(
            plan, self._functions, self._parse, self._log, effective, throws=throws
        )
        return builder.build()

    def _retries(self, properties: Mapping[str, str]) -> Retries:
        effective = self._config.effective() | dict(properties)
        return Retries(
            remembered=int(effective["ksql.query.error.max.queue.size"]),
            first_wait_ms=int(effective["ksql.query.retry.backoff.initial.ms"]),
            longest_wait_ms=int(effective["ksql.query.retry.backoff.max.ms"]),
            classes=effective["ksql.error.classifier.regex"],
            broker=self._broker,
        )

    def _settings(self, plan: QueryPlan, properties: Mapping[str, str]) -> dict[str, str]:
        settings = self._config.streams_settings(properties)
        settings["application.id"] = self.application_id(plan.id)
        settings["client.id"] = self.application_id(plan.id)
        settings["application.server"] = self._config.address
        # A node that was killed takes its place again at once: the group knows it by this name.
        instance = f"{socket.gethostname()}-{self._config.port}"
        settings.setdefault("main.consumer.group.instance.id", instance)
        found = [self._broker.find(name) for name in topics(plan.step)]
        partitions = sum(topic.partitions for topic in found if topic is not None)
        if partitions:
            tasks = partitions * (2 if len(list(walk(plan.step))) > 4 else 1)
            threads = min(int(settings["num.stream.threads"]), tasks, max(os.cpu_count() or 1, 1))
            settings["num.stream.threads"] = str(threads)
        return settings

    def pause(self, query: QueryId) -> None:
        """Let a query rest; it keeps its place."""
        found = self._running.get(query)
        if found is not None:
            found.app.pause()
            found.paused = True

    def resume(self, query: QueryId) -> None:
        """Let a paused query go on."""
        found = self._running.get(query)
        if found is not None:
            found.app.resume()
            found.paused = False

    def terminate(self, query: QueryId) -> None:
        """End a query; its local state, internal topics and group go in the background."""
        found = self._running.pop(query, None)
        if found is None:
            return
        found.app.close(timeout_ms=_STOP_MS, forget=True)
        _LOG.info("terminated %s", query)
        cleaner = JavaCaller(target=self._clean, args=(found.plan,), daemon=True)
        self._cleaners = [c for c in self._cleaners if c.is_alive()]
        self._cleaners.append(cleaner)
        cleaner.start()

    def wait_until_left(self, query: QueryId, timeout_seconds: float) -> None:
        """Wait until no node runs a query any more: what it uses can be deleted for good then.

        The members of a node that died leave when their session ends; they are not waited for
        longer than the given time, nor while this node stops. Brokers tell of it only when asked.
        """
        group = self.application_id(query)
        deadline = time.monotonic() + timeout_seconds
        while self._broker.members(group) and time.monotonic() < deadline:
            if self._stopping.wait(_LOOK_SECONDS):
                return

    def _clean(self, plan: QueryPlan) -> None:
        query = plan.id
        application = self.application_id(query)
        try:
            self.wait_until_left(query, _LEAVE_SECONDS)
            self._broker.delete_prefixed(f"{application}-")
            with contextlib.suppress(KsqlError):
                self._broker.delete_group(application)
        except KsqlError as error:
            _LOG.warning("the internal topics of %s are left behind: %s", query, error)
        try:
            if needs_registry(plan):
                registry.delete_prefixed(f"{application}-")
        except KsqlError as error:
            _LOG.warning("the internal schemas of %s are left behind: %s", query, error)

    def close(self) -> None:
        """Stop all queries side by side; they go on where they were at the next start."""
        self._stopping.set()
        closers = [
            JavaCaller(target=q.app.close, kwargs={"timeout_ms": _STOP_MS, "forget": False})
            for q in self._running.values()
        ]
        for closer in closers:
            closer.start()
        for closer in [*closers, *self._cleaners]:
            closer.join(timeout=_STOP_MS / 1000)


def sink_topic(plan: QueryPlan) -> str | None:
    """The topic a plan writes to."""
    return plan.step.topic if isinstance(plan.step, Sink) else None
