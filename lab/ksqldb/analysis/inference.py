"""Columns that a CREATE statement leaves to the schema registry, and schemas that it puts there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from lab.ksqldb.analysis import formats
from lab.ksqldb.analysis.properties import WithClause
from lab.ksqldb.catalog import Column, Format, FormatProperties, Source
from lab.ksqldb.errors import StatementError
from lab.ksqldb.names import TopicName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.identifiers import quote


@dataclass(frozen=True, slots=True)
class Registration:
    """Columns of a topic's keys or values whose schema goes to the registry."""

    topic: TopicName
    format: Format
    columns: tuple[Column, ...]
    only_if_missing: bool

    @property
    def subject(self) -> str:
        """The registry's name for the topic's schemas."""
        return subject(self.topic, is_key=self.format.is_key)


def subject(topic: str, *, is_key: bool) -> str:
    """The registry's name for the schemas of a topic's keys or values."""
    return f"{topic}-{'key' if is_key else 'value'}"


class Schemas(Protocol):
    """The schema registry as analysis sees it."""

    def columns(
        self, format_: Format, topic: str, *, bare: bool, schema_id: int | None
    ) -> tuple[Column, ...] | None:
        """The columns of the latest schema, or of that id; None when there is none.

        Raises:
            StatementError: the registry cannot be asked, or the schema has no columns in SQL.
        """

    def check(self, registration: Registration) -> None:
        """Refuse columns that have no schema in their format.

        Raises:
            StatementError: with the reason.
        """


def complete(
    statement: ast.CreateSource, clause: WithClause, schemas: Schemas | None
) -> ast.CreateSource:
    """The statement with the columns that the registry knows, where it names none.

    Raises:
        StatementError: the registry has no such schema, or cannot be asked.
    """
    keys = [c for c in statement.columns if c.role in {"KEY", "PRIMARY KEY"}]
    values = [c for c in statement.columns if c.role == "VALUE"]
    for side, given in (("KEY", keys), ("VALUE", values)):
        if clause.number(f"{side}_SCHEMA_ID") is not None and given:
            raise StatementError(
                f"Table elements and {side}_SCHEMA_ID cannot both exist for create statement."
            )
    role: ast.ColumnRole = "PRIMARY KEY" if statement.kind == "TABLE" else "KEY"
    found_keys = [] if keys else _inferred("KEY", role, clause, statement, schemas)
    found_values = [] if values else _inferred("VALUE", "VALUE", clause, statement, schemas)
    if not found_keys and not found_values:
        return statement
    columns = (*found_keys, *statement.columns, *found_values)
    names = [c.name for c in columns]
    twice = sorted({quote(n) for n in names if names.count(n) > 1})
    if twice:
        raise StatementError(
            f"Duplicate column names: {', '.join(twice)}. The schema's names are compared in upper "
            "case, unless it is named by id."
        )
    return dataclasses.replace(statement, columns=columns)


def _inferred(
    side: str,
    role: ast.ColumnRole,
    clause: WithClause,
    statement: ast.CreateSource,
    schemas: Schemas | None,
) -> list[ast.ColumnDefinition]:
    name = clause.format(f"{side}_FORMAT") or ""
    if not formats.uses_registry(name):
        return []
    if schemas is None:
        raise not_configured(name)
    properties = formats.properties_of(side, name, clause, statement.name)
    is_key = side == "KEY"
    ability = formats.ABILITIES[name]
    bare = ability.bare if is_key else clause.flag("WRAP_SINGLE_VALUE") is False
    topic = clause.text("KAFKA_TOPIC") or ""
    schema_id = clause.number(f"{side}_SCHEMA_ID")
    format_ = Format(name, not bare, _named(properties, clause, side), is_key)
    columns = schemas.columns(format_, topic, bare=bare, schema_id=schema_id)
    if columns is None:
        what = f"{side.lower()}s"
        raise StatementError(
            f"Schema for message {what} on topic '{topic}' does not exist in the Schema Registry.\n"
            f"Subject: {subject(topic, is_key=is_key)}\n"
            f"Give the {side.lower()} columns in the statement, or register a schema first; "
            f"SHOW TOPICS and PRINT tell what the topic holds."
        )
    return [ast.ColumnDefinition(name=c.name, type=c.type, role=role) for c in columns]


def _named(properties: FormatProperties, clause: WithClause, side: str) -> FormatProperties:
    """The properties without the name that only what is written gets by default."""
    if clause.text(f"{side}_SCHEMA_FULL_NAME") is not None:
        return properties
    return tuple(p for p in properties if p[0] != "fullSchemaName")


def not_configured(name: str) -> StatementError:
    """The refusal of a format that needs a registry where there is none."""
    return StatementError(
        f"The {name} format needs a schema registry, but ksqlDB is not configured to use one: "
        "set ksql.schema.registry.url."
    )


def registrations(
    source: Source, schemas: Schemas | None, *, only_if_missing: bool
) -> tuple[Registration, ...]:
    """The schemas of a source that go to the registry.

    Raises:
        StatementError: there is no registry, or a schema cannot be made.
    """
    found = []
    for format_, columns in (
        (source.key_format, source.schema.key),
        (source.value_format, source.schema.value),
    ):
        if not formats.uses_registry(format_.name) or not columns:
            continue
        if schemas is None:
            raise not_configured(format_.name)
        registration = Registration(source.topic, format_, columns, only_if_missing)
        schemas.check(registration)
        found.append(registration)
    return tuple(found)


def subjects(source: Source) -> tuple[str, ...]:
    """The registry's names for the schemas of a source's topic."""
    return tuple(
        subject(source.topic, is_key=format_.is_key)
        for format_, columns in (
            (source.key_format, source.schema.key),
            (source.value_format, source.schema.value),
        )
        if formats.uses_registry(format_.name) and columns
    )


def check_against(
    side: str, columns: tuple[Column, ...], schema: tuple[Column, ...] | None, schema_id: int
) -> None:
    """Refuse a query's columns that the schema named by id does not have.

    Raises:
        StatementError: a column is missing in it, or of another type.
    """
    if schema is None:
        raise StatementError(f"Schema for id {schema_id} does not exist in the Schema Registry.")
    have = {c.name: c.type for c in schema}
    wrong = [c for c in columns if have.get(c.name) != c.type]
    if wrong:
        shown = ", ".join(f"{quote(c.name)} {c.type}" for c in wrong)
        known = ", ".join(f"{quote(c.name)} {c.type}" for c in schema)
        raise StatementError(
            f"The following {side.lower()} columns are changed, missing or reordered: [{shown}]. "
            f"Schema from schema registry is [{known}]"
        )
