"""Push and pull queries: what a SELECT runs as, and its rows as bytes of the answer."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lab.ksqldb.analysis import pull
from lab.ksqldb.analysis.joins import check_partitions
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.catalog import Catalog, Column, Schema
from lab.ksqldb.config import ServerConfig
from lab.ksqldb.errors import KsqlError, StatementError, TooManyPushQueries
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.jvm.kafka import Broker
from lab.ksqldb.jvm.queries import PushQueue, StreamsApp, StreamScan
from lab.ksqldb.jvm.rows import ParseExpression
from lab.ksqldb.jvm.threads import JavaCaller
from lab.ksqldb.jvm.topology import Topology, TopologyBuilder
from lab.ksqldb.jvm.values import to_java
from lab.ksqldb.names import QueryId, query_id
from lab.ksqldb.plan.planner import (
    key_places,
    plan_push,
    pull_expressions,
    pull_projection,
    pull_table_columns,
)
from lab.ksqldb.plan.steps import QueryPlan
from lab.ksqldb.runtime.peers import Host
from lab.ksqldb.runtime.persistent import PersistentQueries
from lab.ksqldb.runtime.routing import Ask, Router

_LOG = logging.getLogger(__name__)
_START_SECONDS = 5.0
_DRAIN_MS = 200
_STOP_SECONDS = 2.0
_CLEAN_SECONDS = 120.0
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RowText:
    """What surrounds each row in an answer.

    ``gone`` stands after a deleted row of a table; without it, a push query does not tell of them.
    """

    before: str
    after: str
    gone: str | None = None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What of its request a pull query needs when other nodes answer.

    ``applied`` is the number of the last command that this node has applied. ``forwarded`` says
    that another node asks, for some ``partitions`` or for all that are active here, and with
    ``active_only`` for no copies; ``shows_hosts`` that each row is to name the node that it comes
    from.
    """

    statement: str
    applied: int
    forwarded: bool = False
    partitions: tuple[int, ...] | None = None
    shows_hosts: bool = False
    active_only: bool = False

    def with_host(self, text: RowText, host: Host) -> RowText:
        """What surrounds each row that a node gave."""
        if not self.shows_hosts or not text.after.startswith("}}"):
            return text
        entity = json.dumps(host.entity(), separators=(",", ":"))
        return RowText(text.before, f'}},"sourceHost":{entity}}}{text.after[2:]}')


class Rows(Protocol):
    """A query's rows on their way: chunks of the answer, in a thread of the caller's."""

    id: QueryId
    schema: Schema

    def chunks(self) -> Iterator[bytes]:
        """The chunks; an empty one says that nothing came for a while."""

    def close(self) -> None:
        """End the query; may be called from any thread, more than once."""

    @property
    def final(self) -> str | None:
        """Why it ended, as the classic answer's last line says it."""


class PushQuery:
    """A push query: a Kafka Streams application of its own, until its limit or its client's end."""

    def __init__(  # noqa: PLR0917 - made in one place only
        self,
        id_: QueryId,
        statement: str,
        plan: QueryPlan,
        columns: tuple[Column, ...],
        topology: Topology,
        app: StreamsApp,
        queue: PushQueue,
        group: str,
        properties: Mapping[str, str],
        ended: Any,
    ) -> None:
        self.id = id_
        self.statement = statement
        self.plan = plan
        self.schema = Schema((), columns)
        self.topology = topology
        self.group = group
        self.properties = properties
        self._app = app
        self._queue = queue
        self._ended = ended
        self._lock = threading.Lock()
        self._closed = False

    @property
    def state(self) -> str:
        """RUNNING or ERROR."""
        return "ERROR" if self._app.state in {"ERROR", "PENDING_ERROR"} else "RUNNING"

    def start(self) -> None:
        """Start it."""
        self._app.start()

    def chunks(self) -> Iterator[bytes]:
        """Rows as they come.

        Raises:
            KsqlError: the query failed.
        """
        while not self._closed and not self._queue.finished:
            chunk = self._queue.drain(_DRAIN_MS)
            if not chunk and self.state == "ERROR":
                raise KsqlError(f"The query {self.id} failed{self._reason()}")
            yield chunk

    def _reason(self) -> str:
        """The innermost cause of its last failure, without the stack trace."""
        traces = [trace for _, trace, _ in self._app.failures()]
        if not traces:
            return "."
        lines = traces[-1].splitlines()
        causes = [x.removeprefix("Caused by: ") for x in lines if x.startswith("Caused by: ")]
        return f": {(causes or lines or [''])[-1 if causes else 0]}"

    @property
    def final(self) -> str | None:
        """The limit is the only end of its own."""
        return "Limit Reached" if not self._closed else None

    def close(self) -> None:
        """End it and remove what it left."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._queue.close()
        self._ended(self)

    def stop(self) -> bool:
        """Stop its application; after close. Whether it stopped in time."""
        return self._app.close(timeout_ms=5000, forget=True)


class TablePull:
    """A pull query on a table: answered at once from its store."""

    final = None

    def __init__(self, id_: QueryId, schema: Schema, data: bytes) -> None:
        self.id = id_
        self.schema = schema
        self._data = data

    def chunks(self) -> Iterator[bytes]:
        """All rows."""
        yield self._data

    def close(self) -> None:
        """Nothing is left to end."""


class StreamPull:
    """A pull query on a stream: a bounded read of its topic."""

    def __init__(self, id_: QueryId, schema: Schema, scan: StreamScan) -> None:
        self.id = id_
        self.schema = schema
        self._scan = scan
        self._closed = False

    def chunks(self) -> Iterator[bytes]:
        """Rows as they are read."""
        try:
            while not self._closed and (chunk := self._scan.next()) is not None:
                yield chunk
        finally:
            self._scan.close()

    @property
    def final(self) -> str | None:
        """Whether the limit or the end of the stream ended it."""
        return "Limit Reached" if self._scan.limited else "Query Completed"

    def close(self) -> None:
        """End it at the next chunk."""
        self._closed = True


class TransientQueries:
    """Makes push and pull queries, and knows the push queries that run."""

    def __init__(  # noqa: PLR0917 - made in one place only
        self,
        config: ServerConfig,
        broker: Broker,
        functions: Registry,
        parse: ParseExpression,
        log: Any,
        persistent: PersistentQueries,
        router: Router,
    ) -> None:
        self._router = router
        self._config = config
        self._broker = broker
        self._functions = functions
        self._parse = parse
        self._log = log
        self._persistent = persistent
        self._pushes: dict[QueryId, PushQuery] = {}
        self._most_pushes = int(config.effective()["ksql.max.push.queries"])
        self._lock = threading.Lock()
        self._starting = 0
        self._closing = threading.Event()
        self._cleaners: list[JavaCaller] = []

    def pushes(self) -> list[PushQuery]:
        """The push queries that run."""
        return list(self._pushes.values())

    def find(self, query: str) -> PushQuery | None:
        """The push query of that id."""
        return self._pushes.get(QueryId(query))

    def new_push_id(self, query: AnalyzedQuery) -> QueryId:
        """An id for a push query."""
        return query_id("transient", query.source.name, secrets.randbits(63))

    def group(self, query: QueryId) -> str:
        """The application id of a push query."""
        prefix = self._config.effective()["ksql.transient.prefix"]
        return f"{self._config.internal_prefix}{prefix}{query}_{time.time_ns() // 1_000_000}"

    def push(
        self, query: AnalyzedQuery, statement: str, properties: Mapping[str, str], text: RowText
    ) -> PushQuery:
        """Start a push query.

        Raises:
            TooManyPushQueries: as many run as may.
        """
        with self._lock:
            if len(self._pushes) + self._starting >= self._most_pushes:
                raise TooManyPushQueries(
                    "Maximum number of push queries exceeded. Currently set to "
                    f"{self._most_pushes} by 'ksql.max.push.queries'."
                )
            self._starting += 1
        try:
            push = self._made(query, statement, properties, text)
            self._pushes[push.id] = push
        finally:
            with self._lock:
                self._starting -= 1
        try:
            push.start()
        except BaseException:
            push.close()
            raise
        return push

    def _made(
        self, query: AnalyzedQuery, statement: str, properties: Mapping[str, str], text: RowText
    ) -> PushQuery:
        check_partitions(query.scope, query.joins, self._broker)
        planned = plan_push(query, self._functions)
        id_ = self.new_push_id(query)
        plan = QueryPlan(id_, query.sources, None, planned.step)
        columns = planned.schema.value
        limit = -1 if query.limit is None else query.limit
        gone = None if text.gone is None else (text.before, text.gone)
        queue = PushQueue(columns, (text.before, text.after), gone, key_places(planned), limit)
        known = {**self._config.effective(), **properties}
        builder = TopologyBuilder(plan, self._functions, self._parse, self._log, known)
        topology = builder.build(queue.java)
        group = self.group(id_)
        settings = self._config.streams_settings(properties)
        settings["application.id"] = settings["client.id"] = group
        settings["num.stream.threads"] = "1"
        settings["num.standby.replicas"] = "0"
        app = StreamsApp(topology, settings, self._log, id_)
        return PushQuery(
            id_, statement, plan, columns, topology, app, queue, group, properties, self._ended
        )

    def _ended(self, push: PushQuery) -> None:
        self._pushes.pop(push.id, None)
        cleaner = JavaCaller(target=self._clean, args=(push,), daemon=True)
        with self._lock:
            self._cleaners = [c for c in self._cleaners if c.is_alive()]
            self._cleaners.append(cleaner)
            cleaner.start()

    def _clean(self, push: PushQuery) -> None:
        """Remove what a query leaves; again for a while, for a group goes when its last member is
        out of it, and that may take as long as the broker is busy."""
        left: dict[str, Callable[[], object]] = {
            "application": push.stop,
            "topics": lambda: self._broker.delete_prefixed(f"{push.group}-"),
            "group": lambda: self._broker.delete_group(push.group),
        }
        deadline = time.monotonic() + _CLEAN_SECONDS
        last = False
        while True:
            for what, remove in list(left.items()):
                if self._removed(remove):
                    del left[what]
                elif not last:
                    break  # an application that still runs can make its topics again
            if not left or last:
                break
            last = time.monotonic() > deadline or self._closing.wait(_AGAIN_SECONDS)
        if left:
            _LOG.warning("%s is not gone: left are its %s", push.id, ", ".join(left))

    @staticmethod
    def _removed(remove: Callable[[], object]) -> bool:
        try:
            return remove() is not False
        except JavaFault as fault:
            return fault.kind == "GroupIdNotFoundException"

    def pull(
        self,
        query: AnalyzedQuery,
        catalog: Catalog,
        properties: Mapping[str, str],
        text: RowText,
        request: PullRequest,
    ) -> Rows:
        """Answer a pull query.

        Raises:
            StatementError: the source cannot be pulled from, or not now.
        """
        pull.check_analyzed(query)
        schema = pull_projection(query, self._functions)
        limit = -1 if query.limit is None else query.limit
        columns = {c.name: c for c in schema.columns}
        shown = [columns[i.name] for i in query.items]
        answer = rows.answer(shown, text.before, text.after)
        select = pull_expressions(query, self._functions)
        if query.source.is_table:
            settings = self._config.effective() | dict(properties)
            data = self._table(
                query, catalog, settings, properties, select, shown, text, limit, request
            )
            ordered = Schema(schema.key, schema.value)
            return TablePull(_pull_id(), ordered, data)
        scan = StreamScan(
            self._broker,
            query.source,
            select,
            query.where,
            self._functions,
            answer,
            limit,
            query.table_calls,
            pull_table_columns(query, self._functions),
        )
        return StreamPull(self.new_push_id(query), schema, scan)

    def _table(  # noqa: PLR0917 - made in one place only
        self,
        query: AnalyzedQuery,
        catalog: Catalog,
        settings: Mapping[str, str],
        properties: Mapping[str, str],
        select: list[Any],
        shown: list[Column],
        text: RowText,
        limit: int,
        request: PullRequest,
    ) -> bytes:
        source = query.source
        writers = [
            self._persistent.find_started(q.id, _START_SECONDS)
            for q in catalog.materializers(source.name)
        ]
        found = next((w for w in writers if w is not None and w.reader is not None), None)
        reader = None if found is None else found.reader
        if found is None or reader is None:
            raise StatementError(
                f"The `{source.name}` table isn't queryable. To derive a queryable table, you can "
                f"do 'CREATE TABLE QUERYABLE_{source.name} AS SELECT * FROM {source.name}'. "
                "See https://cnfl.io/queries for more info.\n"
                "Add EMIT CHANGES if you intended to issue a push query."
            )
        values = pull.lookups(query.where, source.schema.key)
        lookups = None
        where = query.where
        if values is None:
            pull.check_scan(query.where, source, settings)
        else:
            types = [c.type for c in source.schema.key]
            lookups = [
                rows.row([to_java(v, t) for v, t in zip(one, types, strict=True)]) for one in values
            ]
            where = pull.residual(query.where, source.schema.key, source.window)
        starts = pull.window_starts(query.where, source.window)
        framed = request.with_host(text, Host.parse(self._config.address))

        def read(partitions: Sequence[int] | None, stale: bool, plain: bool) -> bytes:
            answer = rows.answer(shown, *(("", "\n") if plain else (framed.before, framed.after)))
            return reader.read(
                lookups, starts, select, where, self._functions, answer, limit,
                partitions, stale=stale,
            )  # fmt: skip

        def frame(host: Host, lines: list[bytes]) -> bytes:
            around = request.with_host(text, host)
            before, after = around.before.encode(), around.after.encode()
            return before + (after + before).join(lines) + after

        return self._router.answer(
            Ask(
                source.name,
                self._persistent.application_id(found.id),
                reader,
                lookups,
                read,
                frame,
                lambda: found.state == "ERROR",
                request.statement,
                properties,
                settings,
                request.applied,
                limit,
                request.forwarded,
                request.partitions,
                request.active_only,
            )
        )

    def close(self) -> None:
        """Begin to end all push queries."""
        self._closing.set()
        for push in self.pushes():
            push.close()

    def join(self) -> None:
        """Wait for the push queries that end."""
        for cleaner in self._cleaners:
            cleaner.join(timeout=_STOP_SECONDS)


def _pull_id() -> QueryId:
    return QueryId(f"query_{time.time_ns() // 1_000_000}")
