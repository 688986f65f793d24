"""Statements about sources and types to commands."""

from __future__ import annotations

from lab.ksqldb.analysis import ddl, inference
from lab.ksqldb.analysis.topics import Topics
from lab.ksqldb.catalog import Catalog, Source
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import QueryId, query_id
from lab.ksqldb.plan.internal import source_step
from lab.ksqldb.plan.steps import Command, QueryPlan, RegisteredType
from lab.ksqldb.runtime import guards
from lab.ksqldb.runtime.planned import Distributed, Warned
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql import format as sql_format
from lab.ksqldb.sql.identifiers import quote, write


class DdlPlanning:
    """Plans statements against a catalog and topics."""

    def __init__(
        self,
        catalog: Catalog,
        topics: Topics,
        functions: Registry,
        effective: dict[str, str],
        registry: inference.Schemas | None = None,
    ) -> None:
        self._catalog = catalog
        self._topics = topics
        self._functions = functions
        self._effective = effective
        self._registry = registry

    def create_source(self, statement: ast.CreateSource, next_id: int) -> Distributed | Warned:
        """Plan a CREATE STREAM or CREATE TABLE; ``next_id`` numbers a source table's query."""
        made = ddl.create_source(
            statement, self._catalog, self._topics, self._default_formats(), self._registry
        )
        if isinstance(made, ddl.Exists):
            return Warned(made.message)
        kind = statement.kind.lower()
        query = None
        if made.source.read_only and guards.is_on(
            self._effective, "ksql.source.table.materialization.enabled"
        ):
            query = _materialization(made.source, next_id)
        return Distributed(
            key=f"{kind}/{quote(statement.name)}/create",
            command=Command(made.statement, create=made.source, query=query),
            message=(
                f"{statement.kind.capitalize()} created"
                if query is None
                else f"Created query with ID {query.id}"
            ),
            new_topic=made.new_topic,
            registrations=inference.registrations(
                made.source, self._registry, only_if_missing=True
            ),
        )

    def _default_formats(self) -> dict[str, str]:
        found = {"KEY_FORMAT": self._effective["ksql.persistence.default.format.key"]}
        value = self._effective.get("ksql.persistence.default.format.value")
        return found if value is None else found | {"VALUE_FORMAT": value}

    def alter(self, statement: ast_admin.Alter) -> Distributed:
        """Plan an ALTER STREAM or ALTER TABLE."""
        source = ddl.alter(statement, self._catalog)
        return Distributed(
            f"{statement.kind.lower()}/{statement.name}/alter",
            Command(sql_format.alter(statement), create=source),
            f"{statement.kind.capitalize()} altered",
        )

    def drop(self, statement: ast.Drop) -> Distributed:
        """Plan a DROP STREAM or DROP TABLE."""
        source = ddl.check_drop(statement, self._catalog)
        exists = " IF EXISTS" if statement.if_exists else ""
        text = f"DROP {statement.kind}{exists} {write(statement.name)};"
        key = f"{statement.kind.lower()}/{statement.name}/drop"
        if source is None:
            message = f"Source {quote(statement.name)} does not exist."
            return Distributed(key, Command(text), message)
        own = [q.id for q in self._catalog.writers(source.name) if q.creates_sink]
        own += [q.id for q in self._catalog.materializers(source.name) if q.materializes]
        _refuse_used(source, self._catalog, own)
        return Distributed(
            key,
            Command(text, drop=source.name, terminate=tuple(own)),
            f"Source {quote(source.name)} (topic: {source.topic}) was dropped.",
            old_topic=source.topic if statement.delete_topic else None,
            old_subjects=inference.subjects(source) if statement.delete_topic else (),
        )

    def create_type(self, statement: ast_admin.CreateType) -> Distributed:
        """Plan a CREATE TYPE."""
        name = statement.name
        known = self._catalog.types().get(name)
        key = f"type/{name}/create"
        text = f"CREATE TYPE {write(name)} AS {sql_format.type_text(statement.type)};"
        if known is not None:
            if not statement.if_not_exists:
                raise StatementError(
                    f"Cannot register custom type '{name}' "
                    f"since it is already registered with type: {known}"
                )
            return Distributed(
                key, Command(text), f"{name} is already registered with type {known}"
            )
        return Distributed(
            key,
            Command(text, register=RegisteredType(name, statement.type)),
            f"Registered custom type with name '{name}' and SQL type {statement.type}",
        )

    def drop_type(self, statement: ast.DropType) -> Distributed:
        """Plan a DROP TYPE."""
        name = statement.name
        key = f"type/{name}/drop"
        exists = " IF EXISTS" if statement.if_exists else ""
        text = f"DROP TYPE{exists} {write(name)};"
        if name not in self._catalog.types():
            if not statement.if_exists:
                raise StatementError(f"Type {name} does not exist.")
            return Distributed(key, Command(text), f"Type '{name}' does not exist")
        return Distributed(key, Command(text, drop_type=name), f"Dropped type '{name}'")


def _materialization(source: Source, next_id: int) -> QueryPlan | None:
    """The query that keeps a source table's rows."""
    if not source.is_table:
        return None
    query = query_id("CST", source.name, next_id)
    return QueryPlan(query, (source.name,), None, source_step(source), source.name)


def _refuse_used(source: Source, catalog: Catalog, own: list[QueryId]) -> None:
    readers = [q.id for q in catalog.readers(source.name) if q.id not in own]
    writers = [q.id for q in catalog.writers(source.name) if q.id not in own]
    if not readers and not writers:
        return
    told = []
    if readers:
        told.append(f"The following queries read from this source: [{', '.join(readers)}].\n")
    if writers:
        told.append(f"The following queries write into this source: [{', '.join(writers)}].\n")
    raise StatementError(
        f"Cannot drop {source.name}.\n{''.join(told)}"
        f"You need to terminate them before dropping {source.name}."
    )
