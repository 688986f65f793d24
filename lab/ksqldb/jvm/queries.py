"""Running queries on the JVM side: Streams applications, push queues, table reads, stream scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.catalog import Column, Source, processing_schema
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.errors import translated
from lab.ksqldb.jvm.kafka import Broker, java_map
from lab.ksqldb.jvm.topology import Topology
from lab.ksqldb.names import QueryId
from lab.ksqldb.sql import ast


@dataclass(frozen=True, slots=True)
class Retries:
    """How a failed query is attempted again: the wait doubles from the first to the longest.

    ``broker`` is where a failed thread is taken out of its group.
    ``remembered`` failures are kept; ``classes`` are further rules for their kinds, as
    ``ksql.error.classifier.regex`` has them.
    """

    remembered: int
    first_wait_ms: int
    longest_wait_ms: int
    classes: str = ""
    broker: Broker | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Records and bytes through a topic; rates are per second."""

    sent_rate: float = 0.0
    sent: float = 0.0
    read_rate: float = 0.0
    read: float = 0.0
    read_bytes: float = 0.0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            self.sent_rate + other.sent_rate,
            self.sent + other.sent,
            self.read_rate + other.read_rate,
            self.read + other.read,
            self.read_bytes + other.read_bytes,
        )


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a store's partition on this node is behind its changelog, in offsets."""

    store: str
    partition: int
    current: int
    end: int
    lag: int


class StreamsApp:
    """One Kafka Streams application."""

    def __init__(
        self,
        topology: Topology,
        settings: Mapping[str, str],
        log: Any,
        query: QueryId,
        retries: Retries | None = None,
    ) -> None:
        """Without ``retries`` its first failure ends it."""
        self.topology = topology
        again = retries or Retries(remembered=1, first_wait_ms=-1, longest_wait_ms=-1)
        with translated():
            self.java: Any = jpype.JClass("lab.ksqldb.query.Runner")(
                topology.java,
                java_map(settings),
                log,
                query,
                None if again.broker is None else again.broker.java.admin(),
                again.remembered,
                again.first_wait_ms,
                again.longest_wait_ms,
                again.classes,
            )

    def start(self) -> None:
        """Start it; returns before it runs."""
        with translated():
            self.java.start()

    @property
    def state(self) -> str:
        """Kafka Streams' name for the state it is in."""
        return str(self.java.state())

    def await_running(self, timeout_ms: int) -> bool:
        """Wait until it runs or has failed; whether it runs."""
        with translated():
            return bool(self.java.awaitRunning(timeout_ms))

    def pause(self) -> None:
        """Process nothing until resumed; may be called before the start."""
        with translated():
            self.java.streams().pause()

    def resume(self) -> None:
        """Go on."""
        with translated():
            self.java.streams().resume()

    def failures(self) -> list[tuple[int, str, str]]:
        """Time in ms, stack trace and kind (USER, SYSTEM, UNKNOWN) of the last failures."""
        return [(int(str(f[0])), str(f[1]), str(f[2])) for f in self.java.failures()]

    def traffic(self, topic: str) -> Traffic:
        """What it has read from a topic and written to it since its start."""
        with translated():
            return Traffic(*(float(x) for x in self.java.traffic(topic)))

    def tasks(self) -> list[tuple[str, str, int, int, int]]:
        """Task, topic, partition, end offset and committed offset of each partition read here."""
        with translated():
            return [
                (str(t[0]), str(t[1]), int(str(t[2])), int(str(t[3])), int(str(t[4])))
                for t in self.java.tasks()
            ]

    def nodes(self) -> list[str]:
        """The nodes that run it, as host:port; none while its partitions are being assigned."""
        with translated():
            return [str(n) for n in self.java.nodes()]

    def lags(self) -> list[Lag]:
        """How far the stores on this node are behind their changelogs; asks the broker."""
        with translated():
            return [
                Lag(str(r[0]), int(str(r[1])), *(int(str(n)) for n in r[2:]))
                for r in self.java.lags()
            ]

    def assignment(self) -> list[tuple[str, ...]]:
        """What each node has of it, as ``Runner.assignment`` says."""
        with translated():
            return [tuple(str(part) for part in row) for row in self.java.assignment()]

    def close(self, *, timeout_ms: int, forget: bool) -> bool:
        """End it; ``forget`` removes its local state too. Whether it ended in time."""
        with translated():
            return bool(self.java.close(timeout_ms, forget))


class PushQueue:
    """The rows of a push query on their way to its client."""

    def __init__(
        self,
        columns: Sequence[Column],
        around: tuple[str, str],
        gone: tuple[str, str] | None,
        keys: Sequence[int | str | None],
        limit: int,
    ) -> None:
        """``around`` is what surrounds each row, ``gone`` each deleted row of a table, if these
        are told.

        ``keys`` says for each column where in the key it comes from, by number or as WINDOWSTART
        or WINDOWEND. A negative limit is none.
        """
        key_columns = jpype.JClass("lab.ksqldb.query.KeyColumns")
        bounds = {
            None: key_columns.NONE,
            "WINDOWSTART": key_columns.WINDOW_START,
            "WINDOWEND": key_columns.WINDOW_END,
        }
        places = [k if isinstance(k, int) else bounds[k] for k in keys]
        self.java: Any = jpype.JClass("lab.ksqldb.query.PushQueue")(
            rows.answer(columns, *around),
            None if gone is None else rows.answer(columns, *gone),
            key_columns(jpype.JArray(jpype.JInt)(places)),
            limit,
        )

    def drain(self, wait_ms: int) -> bytes:
        """The rows that are there, after waiting for the first."""
        with translated():
            return bytes(self.java.drain(wait_ms))

    @property
    def finished(self) -> bool:
        """Whether the limit was reached and every row was taken."""
        return bool(self.java.finished())

    def close(self) -> None:
        """Drop what is left and unblock the query."""
        self.java.close()


class TableReader:
    """Answers pull queries from the store of a persistent query."""

    def __init__(self, app: StreamsApp, table: Source, application: str) -> None:
        """``table`` is the sink of the application's query, ``application`` its id."""
        self._table = table
        self._app = app
        self.store = app.topology.store
        self._places: Any = jpype.JClass("lab.ksqldb.query.Places")(
            app.java,
            app.topology.java.describe(),
            application,
            self.store,
            app.topology.key.serializer(),
        )
        source = app.topology.source
        function = jpype.JClass("lab.ksqldb.step.RowFunction")
        stored = jpype.JArray(function)(list(app.topology.stored_steps))
        sizes = (len(table.schema.value), len(table.schema.key))
        store = app.topology.store
        self._java: Any
        if table.window is None:
            java = jpype.JClass("lab.ksqldb.query.TableReader")
            values = -1 if source is None else len(source.record.value)
            width = 0 if source is None else len(source.schema.value)
            self._java = java(app.java, store, stored, values, width, *sizes)
        else:
            size = -1 if table.window.size_ms is None else table.window.size_ms
            java = jpype.JClass("lab.ksqldb.query.WindowReader")
            self._java = java(app.java, store, size, stored, *sizes)

    def read(  # noqa: PLR0917 - mirrors the Java side
        self,
        lookups: Sequence[Any] | None,
        starts: tuple[int, int],
        select: Sequence[ast.Expression],
        where: ast.Expression | None,
        functions: Registry,
        answer: Any,
        limit: int,
        partitions: Sequence[int] | None = None,
        *,
        stale: bool = False,
    ) -> bytes:
        """The rows of some keys (Java rows), or of all; filtered, projected, written.

        ``starts`` are the first and the last window starts that matter, in a windowed table. Only
        the given partitions are read, or all that are active here; with ``stale`` copies will do.

        Raises:
            JavaFault: the store cannot be read now.
        """
        function = rows.compiled(
            tuple(processing_schema(self._table)),
            functions,
            select=select,
            where=where,
            interpreted=True,
        )
        keys = None
        if lookups is not None:
            keys = jpype.JArray(jpype.JClass("lab.ksqldb.row.Row"))(list(lookups))
        with translated():
            among = None if partitions is None else jpype.JArray(jpype.JInt)(list(partitions))
            if self._table.window is not None:
                found = self._java.read(keys, *starts, function, answer, limit, among, stale)
            else:
                found = self._java.read(keys, function, answer, limit, among, stale)
            return bytes(found)

    def alone(self) -> bool:
        """Whether all of the store is on this node."""
        with translated():
            return bool(self._places.alone())

    def repartitioned(self) -> bool:
        """Whether Kafka Streams itself chose the partitions of the store's keys."""
        with translated():
            return bool(self._places.repartitioned())

    def partitions(self, lookups: Sequence[Any]) -> list[int]:
        """The partitions that hold some keys.

        Raises:
            JavaFault: they are being assigned.
        """
        keys = jpype.JArray(jpype.JClass("lab.ksqldb.row.Row"))(list(lookups))
        with translated():
            return [int(p) for p in self._places.partitions(keys)]

    def places(self) -> dict[int, tuple[str | None, tuple[str, ...]]]:
        """By partition: the node that has it (None for no one), and those that have copies.

        Raises:
            JavaFault: they are being assigned.
        """
        with translated():
            rows = [[str(part) for part in row] for row in self._places.all()]
        return {int(row[0]): (row[1] or None, tuple(row[2:])) for row in rows}


class StreamScan:
    """A pull query on a stream: its topic from the beginning to the end it had at the start."""

    def __init__(  # noqa: PLR0917 - mirrors the Java side
        self,
        broker: Broker,
        source: Source,
        select: Sequence[ast.Expression],
        where: ast.Expression | None,
        functions: Registry,
        answer: Any,
        limit: int,
        table_calls: Sequence[ast.Expression],
        table_columns: Sequence[Column],
    ) -> None:
        """``table_columns`` are the columns that ``table_calls`` of table functions add."""
        columns = tuple(processing_schema(source))
        record = source.schema
        extra = len(columns) - len(record.value)
        time = rows.timestamp_extractor(source.timestamp, record)
        in_key, index = (False, 0)
        if source.timestamp is not None:
            in_key, index = rows.timestamp_place(source.timestamp, record)
        flat = projection = None
        if table_calls:
            flat = rows.flat_map(columns, functions, table_calls)
            projection = rows.compiled((*columns, *table_columns), functions, select=select)
        function = rows.compiled(
            columns, functions, select=None if table_calls else select, where=where
        )
        with translated():
            self._java: Any = jpype.JClass("lab.ksqldb.query.StreamScan")(
                broker.java,
                source.topic,
                rows.key_serde(source.key_format, record.key, source.window),
                rows.serde(source.value_format, record.value, extra),
                time,
                in_key,
                index,
                len(record.value),
                rows.header_columns(record, source.headers),
                function,
                flat,
                projection,
                answer,
                limit,
            )

    def next(self) -> bytes | None:
        """More rows, perhaps none yet; None at the end."""
        with translated():
            found = self._java.next()
        return None if found is None else bytes(found)

    @property
    def limited(self) -> bool:
        """Whether the limit ended the scan."""
        return bool(self._java.limited())

    def close(self) -> None:
        """Close the consumer."""
        with translated():
            self._java.close()
