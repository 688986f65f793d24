"""The engine: the catalog, the command log and the queries, behind a few operations.

Changes are planned under one lock, written to the command topic and applied from it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from ssl import SSLContext
from typing import Any

from lab.ksqldb.analysis.insert import Insertion, analyze_insert
from lab.ksqldb.analysis.topics import NewTopic
from lab.ksqldb.catalog import Catalog, Column
from lab.ksqldb.config import (
    ServerConfig,
    check_override,
    kafka_name,
    registry_settings,
    unusable_value,
)
from lab.ksqldb.errors import (
    CatchUpTimeout,
    KsqlError,
    NotReady,
    ShuttingDown,
    StartError,
    StatementError,
)
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.connect import Connection
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Broker, CommandLog
from lab.ksqldb.jvm.registry import SchemaRegistry
from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.jvm.versions import invalid_value, known_properties
from lab.ksqldb.names import ColumnName, QueryId
from lab.ksqldb.plan.steps import Command
from lab.ksqldb.runtime import commands, guards
from lab.ksqldb.runtime.cluster import Cluster
from lab.ksqldb.runtime.inserting import produce
from lab.ksqldb.runtime.limits import Most, PullLimits
from lab.ksqldb.runtime.outcomes import Outcome, recalled
from lab.ksqldb.runtime.persistent import PersistentQueries
from lab.ksqldb.runtime.planned import Distributed, Warned, apply
from lab.ksqldb.runtime.planning import Planning
from lab.ksqldb.runtime.processing_log import processing_log_source
from lab.ksqldb.runtime.transient import TransientQueries
from lab.ksqldb.runtime.writing import CommandWriter, Record
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import STRING, SqlType

_LOG = logging.getLogger(__name__)
_APPLY_SECONDS = 30.0
_LEAVE_SECONDS = 5.0


class Engine:
    """Everything but HTTP. Methods may block: none is for the event loop."""

    def __init__(
        self,
        config: ServerConfig,
        parser: Parser,
        begun: float,
        peer_tls: SSLContext | None = None,
    ) -> None:
        """``begun`` is when the process began, by ``time.perf_counter``.

        ``peer_tls`` is for requests to other nodes, if they speak HTTPS.
        """
        self._peer_tls = peer_tls
        self._begun = begun
        self.config = config
        self.parser = parser
        self.functions = builtin()
        self.schemas = self._schema_registry()
        self.pull_limits = PullLimits(Most.of(config.effective()))
        self.catalog = Catalog()
        self.cluster_id = ""
        self.statuses: dict[str, Outcome] = {}
        self.changes = threading.RLock()
        self.ready = threading.Event()
        self._restored_all = threading.Event()
        self._stopping = threading.Event()
        self.took: list[tuple[str, float]] = []
        self.failure: StartError | None = None
        self._restored: dict[QueryId, commands.Recorded] = {}
        self._paused: frozenset[QueryId] = frozenset()
        self._terminated = False
        self.broker: Broker
        self.persistent: PersistentQueries
        self.transient: TransientQueries
        self.cluster: Cluster
        self.runner: commands.CommandRunner
        self._log: CommandLog
        self._writer: CommandWriter

    def start(self, connection: Connection) -> None:
        """Take the broker when it has answered, replay the command topic, start what it holds.

        Ready, and answering, once the topic is replayed: the queries start after that. Returns
        without having started when the connection is stopped.
        """
        broker = connection.wait()
        if broker is None:
            return
        self.broker = broker
        self.cluster_id = connection.cluster_id
        self.note("broker answered")
        rows = self.config.effective()["ksql.logging.processing.rows.include"] == "true"
        log = self.broker.processing_log(self.config.processing_log_topic, rows=rows)
        parse = self.parser.parse_expression
        self.persistent = PersistentQueries(self.config, self.broker, self.functions, parse, log)
        self.cluster = Cluster(self.config, self.persistent, self._peer_tls)
        self.transient = TransientQueries(
            self.config,
            self.broker,
            self.functions,
            parse,
            log,
            self.persistent,
            self.cluster.router,
        )
        self._log = CommandLog(self.broker, self.config.command_topic, self.config.service_id)
        self.runner = commands.CommandRunner(self._log, self._apply, self._parse_type)
        self._writer = CommandWriter(self._log, self.runner, self._stopping)
        replicas = int(self.config.effective()["ksql.internal.topic.replicas"])
        making_log = JavaCaller(target=self._make_processing_topic, name="processing-topic")
        making_log.start()
        self._log.open(replicas)
        self.note("command topic")
        self.runner.replay()
        self.note("replay")
        self.runner.follow()
        making_log.join()
        self._declare_processing_log()
        self.note("processing log")
        self.ready.set()
        self._start_restored()
        self._restored_all.set()
        self.cluster.start()

    def _schema_registry(self) -> SchemaRegistry | None:
        settings = self.config.effective()
        urls = settings.get("ksql.schema.registry.url")
        if not urls:
            return None
        return SchemaRegistry(urls, registry_settings(settings), self._parse_type)

    def note(self, what: str) -> None:
        """Note when a part of the start was done, in seconds since the process began."""
        self.took.append((what, time.perf_counter() - self._begun))

    def _parse_type(self, text: str) -> SqlType:
        node = self.parser.parse_expression(f"CAST(NULL AS {text})")
        assert isinstance(node, ast.Cast)  # noqa: S101 - narrows a type
        return node.type

    def _make_processing_topic(self) -> None:
        topic = self.config.processing_log_topic
        with contextlib.suppress(JavaFault):  # another node was faster
            if self.broker.find(topic) is None:
                self.broker.create(NewTopic(topic, 1, -1, (("cleanup.policy", "delete"),)))

    def _declare_processing_log(self) -> None:
        topic = self.config.processing_log_topic
        wanted = self.config.effective()["ksql.logging.processing.stream.auto.create"] == "true"
        if not wanted or self.runner.applied >= 0:
            return
        source = processing_log_source(topic)
        planned = Distributed(
            f"stream/`{source.name}`/create",
            Command(source.statement, create=source),
            "Stream created",
        )
        known = Warned("another node was faster")
        self.change(lambda: planned if self.catalog.source(source.name) is None else known, {})

    # Planning and applying

    def planning(self, catalog: Catalog, topics: Any) -> Planning:
        """A planner over some catalog and topics."""
        return Planning(catalog, topics, self.functions, self.config.effective(), self.schemas)

    @property
    def next_query_number(self) -> int:
        """The number of the next persistent query: the command topic's next offset."""
        return self.runner.applied + 1

    def change(
        self, plan: Callable[[], Distributed | Warned], properties: Mapping[str, str]
    ) -> Outcome | Warned:
        """Make a statement happen, planned on all that is in the command topic.

        Another node may write at the same time. Then what it wrote is applied, and the statement
        is planned again: ``plan`` may be called several times.

        Raises:
            KsqlError: the statement is refused, or some of it failed.
        """
        with self.changes:
            offset, planned = self._writer.write(lambda: self._prepared(plan(), properties))
            if offset is None or isinstance(planned, Warned):
                assert isinstance(planned, Warned)  # noqa: S101 - all else is written
                return planned
            return self._finish(planned, offset)

    def _prepared(
        self, planned: Distributed | Warned, properties: Mapping[str, str]
    ) -> tuple[Record | None, Distributed | Warned]:
        """A command's record, once what it stands on is made: schemas and the sink's topic."""
        if isinstance(planned, Warned):
            return None, planned
        effective = self.config.effective()
        if planned.command.query is not None:
            guards.check_query_limit(planned.command, self.catalog, effective)
            # What cannot be built must not get into the topic, from which it would never start.
            self.persistent.check(planned.command.query)
        self._register(planned)
        if planned.new_topic is not None:
            self._create_topic(planned.new_topic)
        record = commands.write(planned.key, planned.command, properties, effective)
        return Record(*record), planned

    def _finish(self, planned: Distributed, offset: int) -> Outcome:
        """Wait until a command of this node's was applied, and do what is done once."""
        self.runner.wait_for(offset, _APPLY_SECONDS)
        if planned.old_topic is not None:
            for ended in planned.command.terminate:
                self.persistent.wait_until_left(ended, _LEAVE_SECONDS)
            self.broker.delete(planned.old_topic)
            self._unregister(planned)
        query = planned.command.query
        outcome = Outcome(
            planned.key,
            planned.command.statement,
            planned.message,
            None if query is None else query.id,
            offset,
        )
        self.statuses[planned.key] = outcome
        return outcome

    def _register(self, planned: Distributed) -> None:
        for registration in planned.registrations:
            assert self.schemas is not None  # noqa: S101 - else it is refused when planned
            try:
                self.schemas.register(registration)
            except StatementError as error:
                error.statement = planned.command.statement
                raise

    def _unregister(self, planned: Distributed) -> None:
        registry = self.schemas
        if registry is None:
            return
        for subject in planned.old_subjects:
            try:
                registry.delete(subject)
            except JavaFault as fault:
                _LOG.warning("the subject %s is left behind: %s", subject, fault.message)

    def _create_topic(self, topic: NewTopic) -> None:
        try:
            self.broker.create(topic)
        except JavaFault as fault:
            if fault.kind != "TopicExistsException":
                raise

    def _apply(self, recorded: commands.Recorded, replaying: bool) -> None:
        command = recorded.command
        apply(command, self.catalog)
        self._paused = self._paused.difference(command.terminate).union(command.pause)
        self._paused = self._paused.difference(command.resume)
        for query in command.terminate:
            self._restored.pop(query, None)
        self.statuses[recorded.id] = recalled(recorded)
        if command.terminate_cluster is not None:
            self._end_cluster()
            return
        if replaying:
            if command.query is not None:
                self._restored[command.query.id] = recorded
            return
        for query in command.terminate:
            self.persistent.terminate(query)
        for query in command.pause:
            self.persistent.pause(query)
        for query in command.resume:
            self.persistent.resume(query)
        if command.query is not None:
            self._start_or_list(recorded)

    def _start_or_list(self, recorded: commands.Recorded) -> None:
        """Start a query; one that cannot be started is listed with the reason.

        Raises:
            KsqlError: it cannot.
        """
        try:
            self._start(recorded)
        except KsqlError as error:
            _LOG.error("the query of %s cannot be started: %s", recorded.id, error)
            self._list_broken(recorded, error)
            self.statuses[recorded.id] = recalled(recorded).failed(error.message)
            raise

    def _start(self, recorded: commands.Recorded) -> None:
        command = recorded.command
        plan = command.query
        assert plan is not None  # noqa: S101 - narrows a type
        target = self.catalog.source(plan.sink or plan.materializes or "")
        assert target is not None  # noqa: S101 - narrows a type
        self.persistent.start(
            plan,
            command.statement,
            target,
            recorded.properties,
            paused=plan.id in self._paused,
        )

    def _start_restored(self) -> None:
        for recorded in list(self._restored.values()):
            with contextlib.suppress(KsqlError):  # it is listed, and the others go on
                self._start_or_list(recorded)
        self._restored.clear()

    def _list_broken(self, recorded: commands.Recorded, error: KsqlError) -> None:
        plan = recorded.command.query
        assert plan is not None  # noqa: S101 - narrows a type
        target = self.catalog.source(plan.sink or plan.materializes or "")
        if target is not None:
            self.persistent.broken(
                plan, recorded.command.statement, target, recorded.properties, error
            )

    # What requests bring

    def check_property(self, name: str, value: str | None = None) -> None:
        """Refuse a property of a request, or its value.

        Raises:
            StatementError: it is unknown, cannot be changed, or cannot have that value.
        """
        check_override(
            name,
            known_properties(),
            self.config.effective()["ksql.properties.overrides.denylist"],
        )
        reason = None
        if value is not None:
            reason = invalid_value(kafka_name(name), value) or unusable_value(name, value)
        if reason is not None:
            raise StatementError(reason)

    def wait_for_command(self, number: int) -> None:
        """Wait until a command was applied.

        Raises:
            CatchUpTimeout: it was not in time.
        """
        patience_ms = int(self.config.effective()["ksql.server.command.response.timeout.ms"])
        if not self.runner.wait_until_applied(number, patience_ms / 1000):
            raise CatchUpTimeout(
                "Timed out while waiting for a previous command to execute. "
                f"command sequence number: {number}"
            )

    # Rows in

    def insertion(self, statement: ast.InsertValues, catalog: Catalog) -> Insertion:
        """Check an INSERT INTO … VALUES against a catalog."""
        made = analyze_insert(statement, catalog, self.functions)
        guards.check_writable(made.source, self.config.effective())
        return made

    def insert(self, insertion: Insertion) -> None:
        """Produce one record.

        Raises:
            KsqlError: a value does not fit, or the broker refuses.
        """
        produce(insertion, self.broker, self.functions)

    def warm_up(self) -> None:
        """Compile something small, so that the first statement does not wait for it."""
        node = self.parser.parse_expression("A = ''")
        column = Column(ColumnName("A"), STRING)
        rows.compiled((column,), self.functions, select=[node], where=node)

    # The end

    def check_ready(self) -> None:
        """Refuse requests until the command topic is replayed; then wait for its queries.

        Raises:
            NotReady: it is not.
        """
        if self._terminated:
            raise ShuttingDown("The cluster has been terminated. No new request will be accepted.")
        if not self.ready.is_set():
            raise NotReady("KSQL is not yet ready to serve requests.")
        self._restored_all.wait(_APPLY_SECONDS)

    def terminate_cluster(self, patterns: Sequence[str]) -> int:
        """End every query on every node, and delete the command topic and the sinks' topics whose
        names match; the number of the command.

        Nothing is served afterwards; a restart begins with nothing.

        Raises:
            KsqlError: the command cannot be written, or a topic not be deleted.
        """
        with self.changes:
            sinks = [s.topic for s in self.catalog.sources() if s.written_by_query]
            doomed = [t for t in sinks if any(re.fullmatch(p, t) for p in patterns)]
            queries = [q.id for q in self.catalog.queries()]
            command = Command("TERMINATE CLUSTER;", terminate_cluster=tuple(patterns))
            key = "cluster/TerminateCluster/terminate"
            done = self.change(lambda: Distributed(key, command, "Cluster terminated."), {})
            assert isinstance(done, Outcome)  # noqa: S101 - narrows a type
            for query in queries:
                self.persistent.wait_until_left(query, _LEAVE_SECONDS)
            self.runner.stop()
            self.broker.delete(*doomed, self.config.command_topic)
        return done.offset

    def _end_cluster(self) -> None:
        """Serve nothing any more; in the order of the commands."""
        self._terminated = True
        self._restored.clear()
        if not self.ready.is_set():
            return  # an end that was cut short: nothing was started yet
        self.transient.close()
        for query in self.persistent.all():
            self.persistent.terminate(query.id)

    def stop(self) -> None:
        """Stop all queries and close all clients."""
        self._stopping.set()
        if hasattr(self, "runner"):
            self.cluster.stop()
            self.transient.close()
            self.runner.stop()
            self.persistent.close()
            self.transient.join()
            self._log.close_writer()
        if hasattr(self, "broker"):
            self.broker.close()
