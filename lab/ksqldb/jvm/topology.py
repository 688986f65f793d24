"""Execution plans to Kafka Streams topologies: each step calls one small Java builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none

from lab.ksqldb.analysis.windows import Windowing
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.jvm import rows
from lab.ksqldb.jvm.aggregates import Groups, groups
from lab.ksqldb.jvm.errors import JavaFault, translated
from lab.ksqldb.jvm.joins import JoinBuilder
from lab.ksqldb.jvm.rows import ParseExpression
from lab.ksqldb.plan import explain, steps
from lab.ksqldb.plan.internal import stored_columns


@dataclass(frozen=True, slots=True)
class Built:
    """A step's Java object, and whether it is a KTable."""

    java: Any
    is_table: bool


@dataclass(frozen=True, slots=True)
class Topology:
    """A built topology; the rest serves pull queries on the table that it gives.

    ``stored_steps`` make the rows of ``store`` those of the table. ``source`` is set when the store
    holds a source's rows. ``key`` is the serde of the store's keys, without their windows.
    """

    java: Any
    description: str
    store: str | None
    stored_steps: tuple[Any, ...]
    source: steps.TableSource | None
    key: Any = None


class TopologyBuilder:
    """Builds the topology of one plan."""

    def __init__(
        self,
        plan: steps.QueryPlan,
        functions: Registry,
        parse: ParseExpression,
        log: Any,
        settings: Mapping[str, str] | None = None,
        *,
        throws: bool = False,
    ) -> None:
        """``log`` is the Java processing log, or None when nothing will run.

        ``settings`` are the properties that functions look at. ``throws`` says that a record
        without the time that its sink wants fails the query.
        """
        self._plan = plan
        self._functions = functions
        self._parse = parse
        self._log = log
        self._throws = throws
        self._settings = settings or {}
        self._streams = jpype.JClass("lab.ksqldb.step.NumberedBuilder")()
        self._joins = JoinBuilder(functions, parse)
        self._store: str | None = None
        self._stored_source: steps.TableSource | None = None
        self._stored_key: Any = None
        self._stored_steps: list[Any] = []

    def build(self, push: Any = None) -> Topology:
        """The topology; rows go to ``push`` (a Java RowSink) when the plan has no sink.

        Raises:
            StatementError: Kafka Streams has no such topology, e.g. reads a topic in two ways.
        """
        try:
            return self._built(push)
        except JavaFault as fault:
            if fault.kind == "TopologyException":
                raise StatementError(fault.message) from None
            raise

    def _built(self, push: Any) -> Topology:
        with translated():
            last = self._step(self._plan.step)
            if not isinstance(self._plan.step, steps.Sink) and self._plan.materializes is None:
                sinks = jpype.JClass("lab.ksqldb.step.SinkStep")
                stream = sinks.changes(last.java) if last.is_table else last.java
                sinks.push(stream, push, last.is_table)
            properties = jpype.JClass("java.util.Properties")()
            built = self._streams.build(properties)
            return Topology(
                built,
                str(built.describe()),
                self._store,
                tuple(self._stored_steps),
                self._stored_source,
                self._stored_key,
            )

    def _step(self, step: steps.Step) -> Built:  # noqa: PLR0911 - one per kind of step
        match step:
            case steps.StreamSource() | steps.TableSource():
                return self._source(step)
            case steps.Filter():
                return self._filter(step)
            case steps.Select():
                return self._select(step)
            case steps.SelectKey():
                return self._select_key(step)
            case steps.StreamStreamJoin() | steps.StreamTableJoin():
                return self._join(step)
            case steps.TableTableJoin() | steps.ForeignKeyJoin():
                return self._join(step)
            case steps.FlatMap():
                return self._flat_map(step)
            case steps.Aggregate():
                return self._aggregate(step)
            case steps.Sink():
                return self._sink(step)
            case steps.GroupBy():
                raise AssertionError("a grouping stands before an aggregation only")

    def _problems(self, step: steps.Step) -> Any:
        if self._log is None:
            return jpype.JClass("lab.ksqldb.step.Problems").IGNORED
        return self._log.problems(explain.logger(self._plan.id, step))

    def _source(self, step: steps.StreamSource | steps.TableSource) -> Built:
        record = step.record
        key = rows.key_serde(step.formats.key, record.key, step.window)
        value = rows.serde(step.formats.value, record.value, extra_places(step))
        time = rows.timestamp_extractor(
            step.timestamp, record, self._problems(step), fails=self._throws
        )
        java = jpype.JClass("lab.ksqldb.step.SourceStep")
        values = len(record.value)
        if isinstance(step, steps.TableSource):
            self._keep(step.store, key, step)
            state = rows.serde(step.store_formats.value, stored_columns(record))
            width = len(step.schema.value)
            store = java.store(step.store, key, state, step.cached)
            table = java.table(self._streams, step.topic, key, value, time, values, width, store)
            return Built(table, True)
        headers = rows.header_columns(record, step.headers)
        stream = java.stream(self._streams, step.topic, key, value, time, values, headers)
        return Built(stream, False)

    def _filter(self, step: steps.Filter) -> Built:
        before = self._step(step.source)
        where = rows.compiled(
            step.source.schema.value, self._functions, where=self._parse(step.where)
        )
        self._stored(where)
        java = jpype.JClass("lab.ksqldb.step.FilterStep")
        build = java.table if before.is_table else java.stream
        self._count(before)
        built = build(before.java, where, self._problems(step), step.context)
        return Built(built, before.is_table)

    def _select(self, step: steps.Select) -> Built:
        before = self._step(step.source)
        select = rows.compiled(
            step.source.schema.value,
            self._functions,
            select=[self._parse(i.expression) for i in step.items],
            names=[i.name for i in step.items],
        )
        self._stored(select)
        java = jpype.JClass("lab.ksqldb.step.SelectStep")
        problems = self._problems(step)
        if before.is_table and step.formats is not None:
            key = rows.serde(step.formats.key, step.schema.key)
            value = rows.serde(step.formats.value, step.schema.value)
            if step.store is not None:
                self._keep(step.store, key)
            table = java.table(before.java, select, problems, step.context, key, value, step.store)
            return Built(table, True)
        build = java.table if before.is_table else java.stream
        self._count(before)
        return Built(build(before.java, select, problems, step.context), before.is_table)

    def _select_key(self, step: steps.SelectKey) -> Built:
        before = self._step(step.source)
        java = jpype.JClass("lab.ksqldb.step.SelectKeyStep")
        name = f"{step.context}-SelectKey"
        if step.formats is not None:
            key = rows.serde(step.formats.key, step.schema.key)
            value = rows.serde(step.formats.value, step.schema.value)
            return Built(java.table(before.java, key, value, step.context), True)
        if not step.keys:
            return Built(java.none(before.java, name), False)
        columns = step.source.schema.value
        keys = rows.compiled(
            columns, self._functions, select=[self._parse(k.expression) for k in step.keys]
        )
        new = {c.name for c in step.schema.value[len(columns) :]}
        places = [i for i, k in enumerate(step.keys) if k.name in new]
        appended = jpype.JArray(jpype.JInt)(places)
        return Built(java.stream(before.java, keys, appended, self._problems(step), name), False)

    def _join(self, step: steps.Join) -> Built:
        # A stream is joined after its table, so that the table has the lower numbers.
        right = self._step(step.right) if isinstance(step, steps.StreamTableJoin) else None
        left = self._step(step.left)
        right = right or self._step(step.right)
        java = self._joins.build(step, left.java, right.java, self._problems(step))
        self._keep(None, None)
        return Built(java, isinstance(step, steps.TableTableJoin | steps.ForeignKeyJoin))

    def _count(self, before: Built) -> None:
        """Take the number that a step on a stream has with ksqlDB."""
        if not before.is_table:
            self._streams.next("KSTREAM-TRANSFORMVALUES-")

    def _keep(self, store: str | None, key: Any, source: steps.TableSource | None = None) -> None:
        """What is stored from here on stands for the table; None for nothing yet."""
        self._store = store
        self._stored_key = key
        self._stored_source = source
        self._stored_steps = []

    def _stored(self, function: Any) -> None:
        """Steps after the store make its rows the table's rows, for pull queries too."""
        if self._store is not None:
            self._stored_steps.append(function)

    def _flat_map(self, step: steps.FlatMap) -> Built:
        before = self._step(step.source)
        flat = rows.flat_map(
            step.source.schema.value, self._functions, [self._parse(c) for c in step.calls]
        )
        java = jpype.JClass("lab.ksqldb.step.FlatMapStep")
        self._count(before)
        return Built(java.stream(before.java, flat, self._problems(step), step.context), False)

    def _group(self, step: steps.GroupBy) -> Built:
        before = self._step(step.source)
        key = rows.serde(step.formats.key, step.schema.key)
        value = rows.serde(step.formats.value, step.schema.value)
        java = jpype.JClass("lab.ksqldb.step.GroupByStep")
        if step.by_key:
            return Built(java.byKey(before.java, key, value, step.context), False)
        group = rows.compiled(
            step.source.schema.value,
            self._functions,
            select=[self._parse(k.expression) for k in step.keys],
        )
        build = java.table if before.is_table else java.by
        built = build(before.java, group, self._problems(step), key, value, step.context)
        return Built(built, before.is_table)

    def _aggregate(self, step: steps.Aggregate) -> Built:
        grouped = self._group(step.source)
        made = groups(step, self._functions, self._parse, self._settings, undone=grouped.is_table)
        store = f"{step.context}-Materialize"
        self._keep(store, rows.serde(step.formats.key, step.schema.key))
        if step.window is not None:
            return self._windowed(step, step.window, grouped.java, made)
        java = jpype.JClass("lab.ksqldb.step.AggregateStep")
        build = java.table if grouped.is_table else java.stream
        table = build(
            grouped.java,
            made.java,
            rows.serde(step.formats.key, step.schema.key),
            rows.state_serde(step.formats.value, (*step.source.schema.value, *made.states)),
            store,
        )
        results = made.java.results()
        self._stored_steps.append(results)
        name = f"{step.context}-ToOutputSchema"
        return Built(java.results(table, results, self._problems(step), name), True)

    def _windowed(
        self, step: steps.Aggregate, window: Windowing, grouped: Any, made: Groups
    ) -> Built:
        java = jpype.JClass("lab.ksqldb.step.WindowedAggregateStep")
        build = java(grouped, window.final, made.java)
        stored = (
            -1 if window.retention_ms is None else window.retention_ms,
            rows.serde(step.formats.key, step.schema.key),
            rows.state_serde(step.formats.value, (*step.source.schema.value, *made.states)),
            self._store,
        )
        if window.kind == "SESSION":
            table = build.session(window.size_ms, window.grace_ms, *stored)
        else:
            advance = window.size_ms if window.advance_ms is None else window.advance_ms
            table = build.time(window.size_ms, advance, window.grace_ms, *stored)
        results = java.resultsOf(made.java.results())
        self._stored_steps.append(results)
        name = f"{step.context}-ToOutputSchema"
        return Built(java.results(table, results, self._problems(step), name), True)

    def _sink(self, step: steps.Sink) -> Built:
        before = self._step(step.source)
        key = rows.key_serde(step.formats.key, step.schema.key, step.window)
        value = rows.serde(step.formats.value, step.schema.value)
        java = jpype.JClass("lab.ksqldb.step.SinkStep")
        stream = java.changes(before.java) if before.is_table else before.java
        if step.timestamp is not None:
            time = rows.timestamp_extractor(step.timestamp, step.schema)
            name = f"ApplyTimestampTransform-{step.context}"
            stream = java.timed(stream, time, self._problems(step), self._throws, name)
        java.stream(stream, step.topic, key, value)
        return before


def extra_places(step: steps.StreamSource | steps.TableSource) -> int:
    """How many places after the values a source's rows have: pseudo columns and the key's."""
    return len(step.schema.value) - len(step.record.value)
