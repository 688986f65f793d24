"""CREATE STREAM, CREATE TABLE and DROP, checked against a catalog.

The order of the checks follows ksqlDB's: defaults for formats, then the topic, then the schema,
so that the statement shown in an answer is the one that had been completed so far.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis import formats, inference, properties, schemas
from lab.ksqldb.analysis.headers import header_columns
from lab.ksqldb.analysis.topics import NewTopic, Topics, check_topic
from lab.ksqldb.catalog import Catalog, Column, Format, Schema, Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.names import TopicName
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql import format as sql_format
from lab.ksqldb.sql.identifiers import quote


@dataclass(frozen=True, slots=True)
class CreatedSource:
    """What a CREATE statement means: the source, and the topic to be made for it."""

    statement: str
    source: Source
    new_topic: NewTopic | None


@dataclass(frozen=True, slots=True)
class Exists:
    """IF NOT EXISTS on a source that is there: nothing but a warning."""

    message: str


def create_source(
    statement: ast.CreateSource,
    catalog: Catalog,
    topics: Topics,
    default_formats: dict[str, str],
    registry: inference.Schemas | None = None,
) -> CreatedSource | Exists:
    """Check a CREATE STREAM or CREATE TABLE. ``registry`` is None where none is configured.

    Raises:
        RequestError: it is refused.
    """
    existing = catalog.source(statement.name)
    if existing is not None and statement.if_not_exists:
        kind = existing.kind.lower()
        return Exists(
            f"Cannot add {statement.kind.lower()} {quote(statement.name)}: "
            f"A {kind} with the same name already exists."
        )
    clause = properties.check(statement.properties)
    windowed = clause.text("WINDOW_TYPE") is not None
    properties.check_retention(clause, kind=statement.kind, windowed=windowed)
    topic_name = clause.text("KAFKA_TOPIC")
    if topic_name is None:
        raise StatementError(
            'Failed to prepare statement: Missing required property "KAFKA_TOPIC" which has no '
            "default value."
        )
    clause = clause.adding(*_formats(clause, default_formats))
    shown = dataclasses.replace(statement, properties=clause.items)
    try:
        key_name = properties.known_format(clause.format("KEY_FORMAT") or "")
        value_name = properties.known_format(clause.format("VALUE_FORMAT") or "")
        for side, name in (("KEY", key_name), ("VALUE", value_name)):
            formats.properties_of(side, name, clause, statement.name)
            if formats.uses_registry(name) and registry is None:
                raise inference.not_configured(name)
        shown = inference.complete(shown, clause, registry)
        statement = dataclasses.replace(statement, columns=shown.columns)
        new_topic = _topic(shown, clause, TopicName(topic_name), topics)
        policy = "compact" if statement.kind == "TABLE" else "delete"
        clause = clause.adding(("CLEANUP_POLICY", policy))
        shown = dataclasses.replace(statement, properties=clause.items)
        source = _source(shown, clause, key_name, value_name, existing)
    except StatementError as error:
        error.statement = error.statement or sql_format.create_source(shown)
        raise
    return CreatedSource(source.statement, source, new_topic)


def _formats(clause: properties.WithClause, defaults: dict[str, str]) -> list[tuple[str, str]]:
    if clause.text("FORMAT") is not None:
        return []
    missing = []
    for name in ("KEY_FORMAT", "VALUE_FORMAT"):
        if clause.text(name) is None:
            default = defaults.get(name)
            if default is None:
                raise StatementError(
                    f"Statement is missing the '{name}' property from the WITH clause. Either "
                    "provide one or set a default via the "
                    "'ksql.persistence.default.format.value' config."
                )
            missing.append((name, default))
    return missing


def _topic(
    statement: ast.CreateSource, clause: properties.WithClause, name: TopicName, topics: Topics
) -> NewTopic | None:
    found = topics.find(name)
    partitions, replicas = clause.number("PARTITIONS"), clause.number("REPLICAS")
    if found is None and partitions is None:
        example = dataclasses.replace(
            statement, properties=clause.adding(("PARTITIONS", 2), *_replicas(replicas)).items
        )
        kind = "stream/table"
        raise BadRequest(
            f"Topic '{name}' does not exist. If you want to create a new topic for the {kind} "
            "please re-run the statement providing the required 'PARTITIONS' configuration in the "
            "WITH clause (and optionally 'REPLICAS'). For example: "
            f"{sql_format.create_source(example)}"
        )
    retention = clause.number("RETENTION_MS")
    if found is not None:
        check_topic(found, partitions=partitions, replicas=replicas, retention_ms=retention)
        return None
    assert partitions is not None  # noqa: S101 - narrows a type
    if partitions < 1:
        raise StatementError(
            f"Failed to guarantee existence of topic {name}\n"
            "Caused by: Number of partitions was set to an invalid non-positive value."
        )
    policy = "compact" if statement.kind == "TABLE" else "delete"
    configs = [("cleanup.policy", policy)]
    if retention is not None:
        configs.append(("retention.ms", str(retention)))
    return NewTopic(name, partitions, -1 if replicas is None else replicas, tuple(configs))


def _replicas(replicas: int | None) -> list[tuple[str, int]]:
    return [] if replicas is None else [("REPLICAS", replicas)]


def _source(
    statement: ast.CreateSource,
    clause: properties.WithClause,
    key_name: str,
    value_name: str,
    existing: Source | None,
) -> Source:
    schema = _schema(statement)
    key = formats.key_format(
        key_name,
        formats.properties_of("KEY", key_name, clause, statement.name),
        schema.key,
    )
    value = formats.value_format(
        value_name,
        clause.flag("WRAP_SINGLE_VALUE"),
        schema.value,
        formats.properties_of("VALUE", value_name, clause, statement.name),
    )
    timestamp = schemas.timestamp_column(
        schema, clause.text("TIMESTAMP"), clause.text("TIMESTAMP_FORMAT")
    )
    schemas.check_formats(schema, key, value)
    if existing is not None:
        if not statement.or_replace:
            raise StatementError(
                f"Cannot add {statement.kind.lower()} '{statement.name}': "
                f"A {existing.kind.lower()} with the same name already exists"
            )
        if existing.read_only or statement.read_only:
            raise StatementError(
                f"Cannot add {statement.kind.lower()} '{statement.name}': "
                f"CREATE OR REPLACE is not supported on source {existing.kind.lower()}s."
            )
        if existing.written_by_query:
            raise StatementError(
                f"Cannot add {statement.kind.lower()} '{statement.name}': a query writes it; "
                "replace it with CREATE OR REPLACE … AS SELECT."
            )
        check_replacement(existing, statement.kind, schema)
        wanted = (TopicName(clause.text("KAFKA_TOPIC") or ""), key, value)
        _check_same_topic(existing, *wanted)
    window = properties.window_info(clause)
    if window is not None and not schema.key:
        raise StatementError("Windowed sources require a key column.")
    topic = clause.text("KAFKA_TOPIC")
    assert topic is not None  # noqa: S101 - narrows a type
    headers = header_columns(statement)
    return Source(
        name=statement.name,
        kind=statement.kind,
        schema=schema,
        topic=TopicName(topic),
        key_format=key,
        value_format=value,
        statement=sql_format.create_source(statement),
        timestamp=timestamp,
        read_only=statement.read_only,
        window=window,
        headers=headers,
    )


def alter(statement: ast_admin.Alter, catalog: Catalog) -> Source:
    """The source as an ALTER leaves it.

    Raises:
        StatementError: it is refused.
    """
    kind = statement.kind
    source = catalog.source(statement.name)
    if source is None:
        raise StatementError(f"Source {statement.name} does not exist.")
    if source.kind != kind:
        raise StatementError(
            f"Incompatible data source type is {source.kind}, but statement was ALTER {kind}"
        )
    if source.written_by_query:
        raise StatementError("ALTER command is not supported for CREATE ... AS statements.")
    if source.read_only:
        raise StatementError(
            f"Cannot alter {kind.lower()} '{source.name}': "
            f"ALTER operations are not supported on source {kind.lower()}s."
        )
    added = tuple(Column(c.name, c.type) for c in statement.columns)
    schemas.check_names(added)
    schema = dataclasses.replace(source.schema, value=source.schema.value + added)
    schemas.check_unique(schema.columns, "value")
    schemas.check_formats(schema, source.key_format, source.value_format)
    return dataclasses.replace(source, schema=schema)


def check_replacement(existing: Source, kind: ast.SourceKind, schema: Schema) -> None:
    """Refuse a CREATE OR REPLACE that takes something away from readers: columns come at the end.

    Raises:
        StatementError: with what differs.
    """
    if existing.kind != kind:
        raise not_upgradeable(existing, "type", existing.kind, kind)
    old, new = existing.schema, schema
    wrong = [f"{quote(c.name)} {c.type} KEY" for c in _misplaced(old.key, new.key)]
    wrong += [f"{quote(c.name)} {c.type}" for c in _misplaced(old.value, new.value)]
    if wrong or len(old.key) != len(new.key):
        raise not_upgradeable(
            existing,
            "schema",
            str(old),
            f"{new}. (The following columns are changed, missing or reordered: "
            f"[{', '.join(wrong)}])",
        )


def _misplaced(old: tuple[Column, ...], new: tuple[Column, ...]) -> list[Column]:
    return [c for i, c in enumerate(old) if i >= len(new) or new[i] != c]


def _check_same_topic(existing: Source, topic: TopicName, key: Format, value: Format) -> None:
    was = _shown_topic(existing.topic, existing.key_format, existing.value_format)
    wanted = _shown_topic(topic, key, value)
    if was != wanted:
        raise not_upgradeable(existing, "topic", was, wanted)


def _shown_topic(topic: TopicName, key: Format, value: Format) -> str:
    # One column or several: whether it is wrapped is then no choice, so that only "not" counts.
    shown = [f"{f.name} unwrapped" if f.wrap is False else f.name for f in (key, value)]
    return f"{topic} (keys {shown[0]}, values {shown[1]})"


def not_upgradeable(existing: Source, what: str, was: str, wanted: str) -> StatementError:
    """The refusal of a CREATE OR REPLACE that changes what must stay."""
    return StatementError(
        f"Cannot upgrade data source: DataSource '{quote(existing.name)}' has {what} = {was} "
        f"which is not upgradeable to {wanted}"
    )


def _schema(statement: ast.CreateSource) -> Schema:
    is_table = statement.kind == "TABLE"
    if not statement.columns:
        raise StatementError("No columns supplied.")
    for column in statement.columns:
        if column.role in {"KEY", "PRIMARY KEY"} and (column.role == "KEY") == is_table:
            wanted = "PRIMARY KEY" if is_table else "KEY"
            raise StatementError(
                f"Line: {column.at.line}, Col: {column.at.column}: Column {quote(column.name)} is "
                f"a '{column.role}' column: please use '{wanted}' for "
                f"{statement.kind.lower()}s.\n"
                "Tables have PRIMARY KEYs, which are unique and NON NULL.\n"
                "Streams have KEYs, which have no uniqueness or NON NULL constraints."
            )
    columns = tuple(Column(c.name, c.type) for c in statement.columns)
    schemas.check_names(columns)
    roles = {c.name: c.role for c in statement.columns}
    schema = Schema(
        tuple(c for c in columns if roles[c.name] in {"KEY", "PRIMARY KEY"}),
        tuple(c for c in columns if roles[c.name] == "VALUE"),
    )
    if is_table and not schema.key:
        raise StatementError("Tables require a PRIMARY KEY. Please define the PRIMARY KEY.")
    return schema


def check_drop(statement: ast.Drop, catalog: Catalog) -> Source | None:
    """The source that a DROP removes; None when IF EXISTS finds none.

    Raises:
        RequestError: it is refused.
    """
    source = catalog.source(statement.name)
    if source is None:
        if statement.if_exists:
            return None
        if statement.delete_topic:
            raise BadRequest(
                f"Could not find source to delete topic for: {statement.kind} {statement.name}"
            )
        raise StatementError(f"{statement.kind.capitalize()} {statement.name} does not exist.")
    if source.kind != statement.kind:
        raise StatementError(
            f"Incompatible data source type is {source.kind.lower()}, "
            f"but statement was DROP {statement.kind.lower()}"
        )
    if source.read_only and statement.delete_topic:
        raise StatementError(f"Cannot delete topic for read-only source: {source.name}")
    derived = catalog.derived_sources(source.name)
    if derived:
        raise StatementError(
            f"Cannot drop {source.name}.\nThe following streams and/or tables read from this "
            f"source: [{', '.join(sorted(derived))}].\n"
            f"You need to drop them before dropping {source.name}."
        )
    return source
