"""The answers of DESCRIBE, EXPLAIN and the EXTENDED forms of SHOW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.ksqldb.analysis.query import analyze
from lab.ksqldb.catalog import Source
from lab.ksqldb.errors import KsqlError, StatementError
from lab.ksqldb.jvm.topology import TopologyBuilder
from lab.ksqldb.plan import explain, steps
from lab.ksqldb.plan.planner import plan_push
from lab.ksqldb.rest.entities import Entity, fields, running_query, source_fields
from lab.ksqldb.rest.statistics import errors_of_topic, of_topic
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.runtime.persistent import PersistentQuery
from lab.ksqldb.runtime.planned import Distributed
from lab.ksqldb.runtime.transient import PushQuery
from lab.ksqldb.sql import ast


def source_description(engine: Engine, source: Source, *, extended: bool) -> Entity:
    """A source as DESCRIBE shows it."""
    topic = engine.broker.find(source.topic)
    statistics = ""
    figures: list[Entity] = []
    errors = ""
    error_figures: list[Entity] = []
    if extended and topic is not None:
        statistics, figures = of_topic(engine, source.topic)
        errors, error_figures = errors_of_topic(engine, source.topic)
    find = engine.persistent.find
    readers = [q for r in engine.catalog.readers(source.name) if (q := find(r.id))]
    writers = [q for w in engine.catalog.writers(source.name) if (q := find(w.id))]
    return {
        "name": source.name,
        "windowType": None if source.window is None else source.window.kind,
        "readQueries": [running_query(q) for q in readers],
        "writeQueries": [running_query(q) for q in writers],
        "fields": source_fields(source),
        "type": source.kind,
        "timestamp": source.timestamp.column if source.timestamp else "",
        "statistics": statistics,
        "errorStats": errors,
        "extended": extended,
        "keyFormat": source.key_format.name,
        "valueFormat": source.value_format.name,
        "topic": source.topic,
        "partitions": topic.partitions if topic else 0,
        "replication": topic.replicas if topic else 0,
        "statement": source.statement,
        "queryOffsetSummaries": [_offsets(engine, q) for q in writers] if extended else [],
        "sourceConstraints": list(engine.catalog.derived_sources(source.name)),
        "clusterStatistics": figures,
        "clusterErrorStats": error_figures,
    }


def _offsets(engine: Engine, query: PersistentQuery) -> Entity:
    group = engine.persistent.application_id(query.id)
    topics: dict[str, list[Entity]] = {}
    try:
        for at in engine.broker.offsets(group):
            topics.setdefault(at.topic, []).append(
                {
                    "partition": at.partition,
                    "logStartOffset": at.start,
                    "logEndOffset": at.end,
                    "consumerOffset": at.committed,
                }
            )
    except KsqlError:
        topics = {}
    return {
        "groupId": group,
        "topicSummaries": [{"kafkaTopic": t, "offsets": rows} for t, rows in topics.items()],
    }


def query_description(engine: Engine, query: PersistentQuery | PushQuery) -> Entity:
    """A query as EXPLAIN and SHOW QUERIES EXTENDED show it."""
    tasks: list[Entity] = []
    failures: list[tuple[int, str, str]] = []
    sinks: list[str] = []
    if isinstance(query, PersistentQuery):
        topology = query.app.topology.description
        group = engine.persistent.application_id(query.id)
        tasks = _tasks(query)
        failures = query.app.failures()
        sinks = [] if query.sink is None else [query.sink.name]
    else:
        topology, group = query.topology.description, query.group
    return _description(
        query.plan,
        query.statement,
        topology,
        group,
        query.properties,
        kind="PERSISTENT" if isinstance(query, PersistentQuery) else "PUSH",
        sinks=sinks,
        hosts={engine.config.address: query.state},
        state=query.state,
        tasks=tasks,
        errors=[
            {"timestamp": at, "errorMessage": text, "type": kind} for at, text, kind in failures
        ],
    )


def _description(
    plan: steps.QueryPlan,
    statement: str,
    topology: str,
    group: str,
    properties: Mapping[str, Any],
    *,
    kind: str,
    sinks: list[Any],
    hosts: dict[str, str],
    state: str | None,
    tasks: list[Entity],
    errors: list[Entity],
) -> Entity:
    return {
        "id": plan.id,
        "statementText": statement,
        "windowType": _window_type(plan.step),
        "fields": fields(plan.step.schema),
        "sources": list(plan.sources),
        "sinks": sinks,
        "topology": topology + "\n" if not topology.endswith("\n\n") else topology,
        "executionPlan": explain.execution_plan(plan.id, plan.step),
        "overriddenProperties": dict(properties),
        "ksqlHostQueryStatus": hosts,
        "queryType": kind,
        "queryErrors": errors,
        "tasksMetadata": tasks,
        "consumerGroupId": group,
        "state": state,
    }


def _window_type(last: steps.Step) -> str | None:
    window = last.window if isinstance(last, steps.Sink) else None
    return None if window is None else window.kind


def _tasks(query: PersistentQuery) -> list[Entity]:
    tasks: dict[str, list[Entity]] = {}
    for task, topic, partition, end, committed in query.app.tasks():
        tasks.setdefault(task, []).append(
            {
                "topicPartitionEntity": {"topic": topic, "partition": partition},
                "endOffset": end,
                "committedOffset": committed,
            }
        )
    return [
        {"taskId": task, "topicOffsets": offsets, "timeCurrentIdlingStarted": None}
        for task, offsets in tasks.items()
    ]


def explain_statement(
    engine: Engine, statement: ast.Statement, text: str, properties: Mapping[str, Any]
) -> Entity:
    """What a statement would run as, without running it.

    Raises:
        StatementError: the statement is refused, or has no plan.
    """
    match statement:
        case ast.QueryStatement(query=query):
            analyzed = analyze(query, engine.catalog, engine.functions)
            planned = plan_push(analyzed, engine.functions)
            id_ = engine.transient.new_push_id(analyzed)
            plan = steps.QueryPlan(id_, analyzed.sources, None, planned.step)
            group = engine.transient.group(id_)
            shown = text
        case ast.CreateAsSelect() | ast.InsertSelect() | ast.CreateSource():
            planning = engine.planning(engine.catalog, engine.broker)
            made = planning.plan(statement, engine.next_query_number)
            if not isinstance(made, Distributed) or made.command.query is None:
                raise StatementError("The provided statement does not run a ksql query")
            plan = made.command.query
            group = engine.persistent.application_id(plan.id)
            shown = made.command.statement
        case _:
            raise StatementError("The provided statement does not run a ksql query")
    builder = TopologyBuilder(plan, engine.functions, engine.parser.parse_expression, None)
    topology = builder.build()
    return _description(
        plan,
        shown,
        topology.description,
        group,
        properties,
        kind="PUSH" if isinstance(statement, ast.QueryStatement) else "PERSISTENT",
        sinks=[] if plan.sink is None else [plan.sink],
        hosts={},
        state=None,
        tasks=[],
        errors=[],
    )
