"""The AST of statements about types, topics, connectors, variables and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice

from lab.ksqldb.names import SourceName
from lab.ksqldb.sql.ast import ColumnDefinition, Properties, SourceKind, Statement
from lab.ksqldb.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class CreateType(Statement):
    """CREATE TYPE."""

    name: str
    type: SqlType
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class Alter(Statement):
    """ALTER STREAM or ALTER TABLE … ADD COLUMN."""

    kind: SourceKind
    name: SourceName
    columns: tuple[ColumnDefinition, ...]


@dataclass(frozen=True, slots=True)
class AlterSystem(Statement):
    """ALTER SYSTEM: a property for all that follow."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class AssertTopic(Statement):
    """ASSERT [NOT EXISTS] TOPIC; without ``timeout_ms`` the server's default."""

    topic: str
    properties: Properties
    timeout_ms: int | None
    exists: bool


@dataclass(frozen=True, slots=True)
class AssertSchema(Statement):
    """ASSERT [NOT EXISTS] SCHEMA."""

    subject: str | None
    schema_id: int | None
    timeout_ms: int | None
    exists: bool


@dataclass(frozen=True, slots=True)
class Define(Statement):
    """DEFINE a variable."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Undefine(Statement):
    """UNDEFINE a variable."""

    name: str


@dataclass(frozen=True, slots=True)
class DescribeAll(Statement):
    """DESCRIBE STREAMS or DESCRIBE TABLES."""

    what: str
    extended: bool


ConnectorKind = Choice["SOURCE", "SINK"]


@dataclass(frozen=True, slots=True)
class CreateConnector(Statement):
    """CREATE SOURCE CONNECTOR or CREATE SINK CONNECTOR."""

    kind: ConnectorKind
    name: str
    properties: tuple[tuple[str, str], ...]
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class DropConnector(Statement):
    """DROP CONNECTOR."""

    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class DescribeConnector(Statement):
    """DESCRIBE CONNECTOR."""

    name: str


@dataclass(frozen=True, slots=True)
class ShowConnectors(Statement):
    """SHOW [SOURCE | SINK] CONNECTORS."""

    kind: ConnectorKind | None


@dataclass(frozen=True, slots=True)
class ShowConnectorPlugins(Statement):
    """SHOW CONNECTOR PLUGINS."""


@dataclass(frozen=True, slots=True)
class Print(Statement):
    """PRINT a topic; ``interval`` prints every so many records only."""

    topic: str
    from_beginning: bool
    interval: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class RunScript(Statement):
    """RUN SCRIPT."""

    path: str
