"""Statements to commands: what a statement will do, decided on a catalog before anything happens.

The same code validates a request on copies (the sandbox) and plans it for real.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis import ddl, properties, schemas
from lab.ksqldb.analysis.query import AnalyzedQuery, analyze, qualified
from lab.ksqldb.analysis.topics import NewTopic, Topic, Topics
from lab.ksqldb.catalog import Catalog, QueryReference, Source
from lab.ksqldb.errors import (
    BadRequest,
    NotSupported,
    StatementError,
)
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import QueryId, TopicName
from lab.ksqldb.plan.planner import Planned, plan_persistent, with_sink
from lab.ksqldb.plan.steps import Command, Formats, QueryPlan
from lab.ksqldb.sql import ast
from lab.ksqldb.sql import format as sql_format
from lab.ksqldb.sql.identifiers import quote, write

_SCHEMA = "Could not determine output schema for query due to error: "
_DAY_RETENTION_MS = 604_800_000


@dataclass(frozen=True, slots=True)
class Distributed:
    """A statement that goes through the command topic.

    ``key`` is the command's id; ``message`` is the answer when it is done.
    """

    key: str
    command: Command
    message: str
    new_topic: NewTopic | None = None
    old_topic: TopicName | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """A statement that does nothing, with the reason."""

    message: str


class Planning:
    """Plans statements against a catalog and topics."""

    def __init__(
        self,
        catalog: Catalog,
        topics: Topics,
        functions: Registry,
        effective: dict[str, str],
    ) -> None:
        self._catalog = catalog
        self._topics = topics
        self._functions = functions
        self._effective = effective

    def create_source(self, statement: ast.CreateSource) -> Distributed | Warned:
        """Plan a CREATE STREAM or CREATE TABLE."""
        made = ddl.create_source(statement, self._catalog, self._topics, self._default_formats())
        if isinstance(made, ddl.Exists):
            return Warned(made.message)
        existing = self._catalog.source(statement.name)
        if existing is not None and existing.written_by_query:
            raise NotSupported("CREATE OR REPLACE of a source that a query writes")
        kind = statement.kind.lower()
        return Distributed(
            key=f"{kind}/{quote(statement.name)}/create",
            command=Command(made.statement, create=made.source),
            message=f"{statement.kind.capitalize()} created",
            new_topic=made.new_topic,
        )

    def _default_formats(self) -> dict[str, str]:
        found = {"KEY_FORMAT": self._effective["ksql.persistence.default.format.key"]}
        value = self._effective.get("ksql.persistence.default.format.value")
        return found if value is None else found | {"VALUE_FORMAT": value}

    def create_as_select(self, statement: ast.CreateAsSelect, next_id: int) -> Distributed | Warned:
        """Plan a CREATE … AS SELECT; ``next_id`` numbers its query."""
        existing = self._catalog.source(statement.name)
        if existing is not None and statement.if_not_exists:
            return Warned(
                f"Cannot add {statement.kind.lower()} {quote(statement.name)}: "
                f"A {existing.kind.lower()} with the same name already exists."
            )
        clause = properties.check(statement.properties)
        key_format = clause.format("KEY_FORMAT")
        analyzed, planned = self._output(
            statement, None if key_format is None else properties.known_format(key_format)
        )
        source = analyzed.source
        from_topic = self._topics.find(source.topic)
        if from_topic is None:
            raise StatementError(f"Source topic does not exist: {source.topic}")
        name = str(statement.name)
        topic = TopicName(
            clause.text("KAFKA_TOPIC") or self._effective["ksql.output.topic.name.prefix"] + name
        )
        new_topic, clause = self._sink_topic(statement, clause, topic, from_topic)
        formats = self._formats(clause, planned, source)
        schemas.check_formats(planned.schema, formats.key, formats.value, error=BadRequest)
        shown = dataclasses.replace(
            statement, properties=clause.items, query=qualified(statement.query, analyzed)
        )
        text = sql_format.create_as_select(shown)
        if existing is not None:
            self._check_existing(statement, existing, planned)
        prefix = "CTAS" if statement.kind == "TABLE" else "CSAS"
        query = QueryId(f"{prefix}_{name}_{next_id}")
        sink = Source(
            name=statement.name,
            kind=statement.kind,
            schema=planned.schema,
            topic=topic,
            key_format=formats.key,
            value_format=formats.value,
            statement=text,
            written_by_query=True,
            derived_from=(source.name,),
        )
        plan = QueryPlan(query, (source.name,), sink.name, with_sink(planned, name, topic, formats))
        return Distributed(
            key=f"{statement.kind.lower()}/{quote(statement.name)}/create",
            command=Command(text, create=sink, query=plan),
            message=f"Created query with ID {query}",
            new_topic=new_topic,
        )

    def _output(
        self, statement: ast.CreateAsSelect, key_format: str | None
    ) -> tuple[AnalyzedQuery, Planned]:
        try:
            analyzed = analyze(statement.query, self._catalog, self._functions)
            if analyzed.makes_table != (statement.kind == "TABLE"):
                got = "TABLE" if analyzed.makes_table else "STREAM"
                raise StatementError(
                    f"Invalid result type. Your SELECT query produces a {got}. "
                    f"Please use CREATE {got} AS SELECT statement instead."
                )
            if statement.query.limit is not None:
                raise NotSupported("LIMIT in CREATE … AS SELECT")
            planned = plan_persistent(analyzed, self._functions, str(statement.name), key_format)
        except (NotSupported, BadRequest):
            raise
        except StatementError as error:
            if error.message.startswith(("Exception while", "Failed to prepare")):
                raise
            raise StatementError(_SCHEMA + error.message) from None
        return analyzed, planned

    def _check_existing(
        self, statement: ast.CreateAsSelect, existing: Source, planned: Planned
    ) -> None:
        if not statement.or_replace:
            raise StatementError(
                f"{_SCHEMA}Cannot add {statement.kind.lower()} '{statement.name}': "
                f"A {existing.kind.lower()} with the same name already exists"
            )
        ddl.check_replacement(existing, statement.kind, planned.schema)
        raise NotSupported("CREATE OR REPLACE … AS SELECT over an existing source")

    def _sink_topic(
        self,
        statement: ast.CreateAsSelect,
        clause: properties.WithClause,
        topic: TopicName,
        origin: Topic,
    ) -> tuple[NewTopic | None, properties.WithClause]:
        found = self._topics.find(topic)
        for name in ("TIMESTAMP", "TIMESTAMP_FORMAT"):
            if clause.text(name) is not None:
                raise NotSupported(f"The WITH property {name} in CREATE … AS SELECT")
        partitions = clause.number("PARTITIONS")
        if partitions is not None and partitions < 1:
            raise StatementError(
                f"Failed to guarantee existence of topic {topic}\n"
                "Caused by: Number of partitions was set to an invalid non-positive value."
            )
        if found is not None and partitions not in {None, found.partitions}:
            raise StatementError(
                f"A Kafka topic with the name '{topic}' already exists, with different "
                "partition/replica/retention configuration than required. KSQL expects "
                f"{partitions} partitions. The topic has {found.partitions}."
            )
        shape = found or origin
        policy = "compact" if statement.kind == "TABLE" else "delete"
        retention = shape.retention_ms if shape.retention_ms > 0 else _DAY_RETENTION_MS
        clause = clause.adding(
            ("CLEANUP_POLICY", policy),
            ("KAFKA_TOPIC", str(topic)),
            ("PARTITIONS", shape.partitions),
            ("REPLICAS", shape.replicas),
            ("RETENTION_MS", retention),
        )
        if found is not None:
            return None, clause
        configs = (
            ("cleanup.policy", str(clause.text("CLEANUP_POLICY"))),
            ("retention.ms", str(clause.number("RETENTION_MS"))),
        )
        return (
            NewTopic(
                topic,
                clause.number("PARTITIONS") or 1,
                clause.number("REPLICAS") or -1,
                configs,
            ),
            clause,
        )

    def _formats(self, clause: properties.WithClause, planned: Planned, source: Source) -> Formats:
        key_name = clause.format("KEY_FORMAT") or source.key_format.name
        if key_name == "NONE" and planned.schema.key:
            key_name = self._effective["ksql.persistence.default.format.key"]
        if not planned.schema.key:
            key_name = "NONE"
        key_name = properties.known_format(key_name)
        value_name = properties.known_format(
            clause.format("VALUE_FORMAT") or source.value_format.name
        )
        value = schemas.value_format(
            value_name, clause.flag("WRAP_SINGLE_VALUE"), planned.schema.value
        )
        return Formats(schemas.key_format(key_name), value)

    def drop(self, statement: ast.Drop) -> Distributed:
        """Plan a DROP STREAM or DROP TABLE."""
        source = ddl.check_drop(statement, self._catalog)
        exists = " IF EXISTS" if statement.if_exists else ""
        text = f"DROP {statement.kind}{exists} {write(statement.name)};"
        key = f"{statement.kind.lower()}/{statement.name}/drop"
        if source is None:
            message = f"Source {quote(statement.name)} does not exist."
            return Distributed(key, Command(text), message)
        writers = tuple(q.id for q in self._catalog.writers(source.name))
        readers = [q.id for q in self._catalog.readers(source.name) if q.id not in writers]
        if readers:
            raise StatementError(
                f"Cannot drop {source.name}.\n"
                f"The following queries read from this source: [{', '.join(readers)}].\n"
                f"You need to terminate them before dropping {source.name}."
            )
        return Distributed(
            key,
            Command(text, drop=source.name, terminate=writers),
            f"Source {quote(source.name)} (topic: {source.topic}) was dropped.",
            old_topic=source.topic if statement.delete_topic else None,
        )

    def terminate(self, statement: ast.Terminate) -> Distributed:
        """Plan a TERMINATE of one query or of all."""
        if statement.query is None:
            queries = tuple(q.id for q in self._catalog.queries())
            name = "ALL"
        else:
            if self._catalog.query(statement.query) is None:
                raise StatementError(f"Unknown queryId: {statement.query}")
            queries = (statement.query,)
            name = statement.query
        return Distributed(
            f"terminate/{name}/execute",
            Command(f"TERMINATE {name};", terminate=queries),
            "Query terminated.",
        )


def apply(command: Command, catalog: Catalog) -> None:
    """Change a catalog as a command says."""
    for query in command.terminate:
        catalog.remove_query(query)
    if command.drop is not None and catalog.source(command.drop) is not None:
        catalog.remove(command.drop)
    if command.create is not None:
        catalog.put(command.create)
    if command.query is not None and command.query.sink is not None:
        catalog.add_query(
            QueryReference(command.query.id, command.query.sources, command.query.sink)
        )
