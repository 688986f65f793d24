"""Statements to commands: what a statement will do, decided on a catalog before anything happens.

The same code validates a request on copies (the sandbox) and plans it for real.
"""

from __future__ import annotations

import dataclasses
import re

from lab.ksqldb.analysis import ddl, formats, inference, properties, schemas
from lab.ksqldb.analysis.joins import check_partitions
from lab.ksqldb.analysis.query import AnalyzedQuery, analyze, qualified
from lab.ksqldb.analysis.topics import NewTopic, Topic, check_topic
from lab.ksqldb.catalog import Format, FormatProperties, Source, Timestamp, WindowInfo
from lab.ksqldb.errors import (
    BadRequest,
    NotSupported,
    StatementError,
)
from lab.ksqldb.names import QueryId, TopicName, query_id
from lab.ksqldb.plan import upgrade
from lab.ksqldb.plan.planner import Planned, plan_persistent, with_sink
from lab.ksqldb.plan.steps import Command, Formats, QueryPlan
from lab.ksqldb.runtime import plan_control
from lab.ksqldb.runtime.plan_ddl import DdlPlanning
from lab.ksqldb.runtime.planned import Distributed, Warned
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql import format as sql_format
from lab.ksqldb.sql.identifiers import quote

_SCHEMA = "Could not determine output schema for query due to error: "
_QUERY_ID = re.compile(r"[A-Za-z0-9_]+")
_RESERVED_IDS = ("CTAS_", "CSAS_", "CST_", "INSERTQUERY_")


class Planning(DdlPlanning):
    """Plans statements against a catalog and topics."""

    def plan(  # noqa: PLR0911 - one return per kind
        self, statement: ast.Statement, next_id: int
    ) -> Distributed | Warned:
        """Plan any statement that changes something; ``next_id`` numbers its query.

        Raises:
            RequestError: it is refused.
        """
        match statement:
            case ast.CreateSource():
                return self.create_source(statement, next_id)
            case ast.CreateAsSelect():
                return self.create_as_select(statement, next_id)
            case ast.InsertSelect():
                return self.insert_select(statement, next_id)
            case ast.Drop():
                return self.drop(statement)
            case ast.Terminate():
                return plan_control.terminate(statement, self._catalog)
            case ast.PauseResume():
                return plan_control.pause_or_resume(statement, self._catalog)
            case ast_admin.Alter():
                return self.alter(statement)
            case ast_admin.CreateType():
                return self.create_type(statement)
            case ast.DropType():
                return self.drop_type(statement)
        raise AssertionError(statement)

    def create_as_select(self, statement: ast.CreateAsSelect, next_id: int) -> Distributed | Warned:
        """Plan a CREATE … AS SELECT; ``next_id`` numbers its query."""
        existing = self._catalog.source(statement.name)
        if existing is not None and statement.if_not_exists:
            return Warned(
                f"Cannot add {statement.kind.lower()} {quote(statement.name)}: "
                f"A {existing.kind.lower()} with the same name already exists."
            )
        clause = properties.check(statement.properties, as_select=True)
        key_format = clause.format("KEY_FORMAT")
        analyzed, planned = self._output(
            statement, None if key_format is None else properties.known_format(key_format)
        )
        source = analyzed.source
        from_topic = self._topics.find(source.topic)
        if from_topic is None:
            raise StatementError(f"Source topic does not exist: {source.topic}")
        name = str(statement.name)
        timestamp = self._timestamp(clause, planned)
        topic = TopicName(
            clause.text("KAFKA_TOPIC") or self._effective["ksql.output.topic.name.prefix"] + name
        )
        new_topic, clause = self._sink_topic(
            statement, clause, topic, from_topic, windowed=planned.window is not None
        )
        sink_formats = self._formats(clause, planned, source, name)
        schemas.check_formats(
            planned.schema, sink_formats.key, sink_formats.value, error=BadRequest
        )
        shown = dataclasses.replace(
            statement, properties=clause.items, query=qualified(statement.query, analyzed)
        )
        text = sql_format.create_as_select(shown)
        prefix = "CTAS" if statement.kind == "TABLE" else "CSAS"
        query = query_id(prefix, name, next_id)
        if existing is not None:
            query = self._check_existing(statement, existing, planned, topic) or query
        sink = Source(
            name=statement.name,
            kind=statement.kind,
            schema=planned.schema,
            topic=topic,
            key_format=sink_formats.key,
            value_format=sink_formats.value,
            statement=text,
            timestamp=timestamp,
            written_by_query=True,
            derived_from=analyzed.sources,
            window=planned.window,
        )
        last = with_sink(planned, name, topic, sink_formats, timestamp)
        plan = QueryPlan(query, analyzed.sources, sink.name, last)
        self._check_schema_ids(sink)
        running = self._catalog.query(query)
        if running is not None:
            upgrade.check(name, running.shape, upgrade.shape(plan))
        return Distributed(
            key=f"{statement.kind.lower()}/{quote(statement.name)}/create",
            command=Command(text, create=sink, query=plan),
            message=f"Created query with ID {query}",
            new_topic=new_topic,
            registrations=inference.registrations(sink, self._registry, only_if_missing=False),
        )

    @staticmethod
    def _timestamp(clause: properties.WithClause, planned: Planned) -> Timestamp | None:
        try:
            return schemas.timestamp_column(
                planned.schema, clause.text("TIMESTAMP"), clause.text("TIMESTAMP_FORMAT")
            )
        except StatementError as error:
            raise StatementError(_SCHEMA + error.message) from None

    def _check_schema_ids(self, sink: Source) -> None:
        """Refuse a sink whose columns are not those of the schemas that it names by id."""
        for side, format_, columns in (
            ("Key", sink.key_format, sink.schema.key),
            ("Value", sink.value_format, sink.schema.value),
        ):
            given = format_.property("schemaId")
            if given is None:
                continue
            if self._registry is None:
                raise inference.not_configured(format_.name)
            bare = format_.wrap is False and len(columns) == 1
            found = self._registry.columns(format_, sink.topic, bare=bare, schema_id=int(given))
            if bare and found is not None:  # by itself it has no name
                found = (dataclasses.replace(found[0], name=columns[0].name),)
            inference.check_against(side, columns, found, int(given))

    def _output(
        self, statement: ast.CreateAsSelect, key_format: str | None
    ) -> tuple[AnalyzedQuery, Planned]:
        try:
            analyzed = analyze(statement.query, self._catalog, self._functions, persistent=True)
            if analyzed.makes_table != (statement.kind == "TABLE"):
                got = "TABLE" if analyzed.makes_table else "STREAM"
                raise StatementError(
                    f"Invalid result type. Your SELECT query produces a {got}. "
                    f"Please use CREATE {got} AS SELECT statement instead."
                )
            if statement.query.limit is not None:
                raise NotSupported("LIMIT in CREATE … AS SELECT")
            check_partitions(analyzed.scope, analyzed.joins, self._topics)
            planned = plan_persistent(analyzed, self._functions, str(statement.name), key_format)
        except (NotSupported, BadRequest):
            raise
        except StatementError as error:
            if error.message.startswith(("Exception while", "Failed to prepare")):
                raise
            raise StatementError(_SCHEMA + error.message) from None
        return analyzed, planned

    def _check_existing(
        self,
        statement: ast.CreateAsSelect,
        existing: Source,
        planned: Planned,
        topic: TopicName,
    ) -> QueryId | None:
        """The query that is to be replaced, if one writes the source that is there."""
        if not statement.or_replace:
            raise StatementError(
                f"{_SCHEMA}Cannot add {statement.kind.lower()} '{statement.name}': "
                f"A {existing.kind.lower()} with the same name already exists"
            )
        if existing.read_only:
            raise StatementError(
                f"Cannot add {statement.kind.lower()} '{statement.name}': "
                f"CREATE OR REPLACE is not supported on source {existing.kind.lower()}s."
            )
        ddl.check_replacement(existing, statement.kind, planned.schema)
        if existing.topic != topic:
            raise ddl.not_upgradeable(existing, "topic", existing.topic, topic)
        writers = [q.id for q in self._catalog.writers(existing.name)]
        if len(writers) > 1:
            raise StatementError(
                f"REPLACE for sink {existing.name} is not supported because there are multiple "
                f"queries writing into it: [{', '.join(writers)}]"
            )
        return writers[0] if writers else None

    def insert_select(self, statement: ast.InsertSelect, next_id: int) -> Distributed:
        """Plan an INSERT INTO … SELECT; ``next_id`` numbers its query."""
        name = statement.target
        sink = self._catalog.source(name)
        if sink is None:
            raise StatementError(f"Exception while preparing statement: {name} does not exist.")
        if sink.is_table:
            raise StatementError(
                "Exception while preparing statement: INSERT INTO can only be used to insert "
                f"into a stream. {name} is a table."
            )
        if sink.read_only:
            raise StatementError(
                f"Exception while preparing statement: Cannot insert into read-only stream: {name}"
            )
        query = self._insert_id(statement, next_id)
        analyzed = analyze(statement.query, self._catalog, self._functions, persistent=True)
        if analyzed.makes_table:
            raise StatementError(
                f"Incompatible data sink and query result. Data sink ({name}) type is KSTREAM but "
                "select query result is KTABLE."
            )
        if statement.query.limit is not None:
            raise NotSupported("LIMIT in INSERT INTO … SELECT")
        check_partitions(analyzed.scope, analyzed.joins, self._topics)
        planned = plan_persistent(analyzed, self._functions, str(name), sink.key_format.name)
        if planned.schema != sink.schema:
            raise StatementError(
                "Incompatible schema between results and sink.\n"
                f"Result schema is {planned.schema}\nSink schema is {sink.schema}"
            )
        if planned.window != sink.window:
            raise StatementError(
                "Incompatible windows of results and sink.\n"
                f"Result is {_shown_window(planned.window)}\n"
                f"Sink is {_shown_window(sink.window)}"
            )
        shown = dataclasses.replace(statement, query=qualified(statement.query, analyzed))
        formats = Formats(sink.key_format, sink.value_format)
        last = with_sink(planned, str(name), sink.topic, formats, sink.timestamp)
        return Distributed(
            key=f"stream/{quote(name)}/create",
            command=Command(
                sql_format.insert_select(shown),
                query=QueryPlan(query, analyzed.sources, name, last),
            ),
            message=f"Created query with ID {query}",
        )

    def _insert_id(self, statement: ast.InsertSelect, next_id: int) -> QueryId:
        given = properties.insert_query_id(statement.properties)
        if given is None:
            return QueryId(f"INSERTQUERY_{next_id}")
        query = QueryId(given.upper())
        if not _QUERY_ID.fullmatch(query):
            raise StatementError(
                f"Query IDs may contain only alphanumeric characters and '_'. Got: '{given}'"
            )
        if query.startswith(_RESERVED_IDS):
            raise StatementError(
                f"Query ID '{query}' is reserved: it must not begin with one of "
                f"{', '.join(_RESERVED_IDS)}."
            )
        if self._catalog.query(query) is not None:
            raise StatementError(f"Query ID '{query}' already exists.")
        return query

    def _sink_topic(
        self,
        statement: ast.CreateAsSelect,
        clause: properties.WithClause,
        topic: TopicName,
        origin: Topic,
        *,
        windowed: bool,
    ) -> tuple[NewTopic | None, properties.WithClause]:
        found = self._topics.find(topic)
        partitions = clause.number("PARTITIONS")
        if partitions is not None and partitions < 1:
            raise StatementError(
                f"Failed to guarantee existence of topic {topic}\n"
                "Caused by: Number of partitions was set to an invalid non-positive value."
            )
        properties.check_retention(clause, kind=statement.kind, windowed=windowed)
        given = clause.number("RETENTION_MS")
        window = statement.query.window
        kept_ms = 0 if window is None or window.retention is None else window.retention.ms
        retention = origin.retention_ms if given is None else given
        if 0 <= retention < kept_ms:
            retention = kept_ms
        policy = "compact" if statement.kind == "TABLE" else "delete"
        if windowed and statement.kind == "TABLE":
            policy = "compact,delete"
        deletes = "delete" in policy
        if found is not None:
            check_topic(
                found,
                partitions=origin.partitions if partitions is None else partitions,
                replicas=clause.number("REPLICAS") or origin.replicas,
                retention_ms=retention if deletes else None,
            )
        clause = clause.adding(
            ("CLEANUP_POLICY", policy),
            ("KAFKA_TOPIC", str(topic)),
            ("PARTITIONS", origin.partitions),
            ("REPLICAS", origin.replicas if found is None else found.replicas),
            ("RETENTION_MS", retention),
        ).replacing("RETENTION_MS", retention)
        if found is not None:
            return None, clause
        configs = [("cleanup.policy", policy)]
        if deletes:
            configs.append(("retention.ms", str(retention)))
        return (
            NewTopic(
                topic,
                clause.number("PARTITIONS") or 1,
                clause.number("REPLICAS") or -1,
                tuple(configs),
            ),
            clause,
        )

    def _formats(
        self, clause: properties.WithClause, planned: Planned, source: Source, sink: str
    ) -> Formats:
        named = clause.format("KEY_FORMAT")
        key_name = named or source.key_format.name
        if key_name == "NONE" and named is None and planned.schema.key:
            key_name = self._effective["ksql.persistence.default.format.key"]
        if not planned.schema.key:
            key_name = "NONE"
        key_name = properties.known_format(key_name)
        value_name = properties.known_format(
            clause.format("VALUE_FORMAT") or source.value_format.name
        )
        key = formats.key_format(
            key_name,
            _inherited(
                source.key_format, formats.properties_of("KEY", key_name, clause, sink), key_name
            ),
            planned.schema.key,
        )
        value = formats.value_format(
            value_name,
            clause.flag("WRAP_SINGLE_VALUE"),
            planned.schema.value,
            _inherited(
                source.value_format,
                formats.properties_of("VALUE", value_name, clause, sink),
                value_name,
            ),
        )
        return Formats(key, value)


def _inherited(source: Format, own: FormatProperties, name: str) -> FormatProperties:
    """A sink's properties with those it takes over from its source: the delimiter."""
    delimiter = source.property("delimiter")
    if name != source.name or delimiter is None or dict(own).get("delimiter") is not None:
        return own
    return (*own, ("delimiter", delimiter))


def _shown_window(window: WindowInfo | None) -> str:
    if window is None:
        return "not windowed"
    size = "" if window.size_ms is None else f" with a size of {window.size_ms} ms"
    return f"{window.kind} windowed{size}"
