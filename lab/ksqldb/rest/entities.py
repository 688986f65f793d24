"""The shapes of REST answers. Names and order of members are the protocol's."""

from __future__ import annotations

from typing import Any

from lab.ksqldb.catalog import Column, Schema, Source
from lab.ksqldb.runtime.persistent import PersistentQuery
from lab.ksqldb.runtime.transient import PushQuery
from lab.ksqldb.sql.types import Array, Decimal, Map, SqlType, Struct

Entity = dict[str, Any]


def type_entity(type_: SqlType) -> Entity:
    """A type as DESCRIBE shows it."""
    fields = None
    member = None
    match type_:
        case Struct(fields=members):
            fields = [{"name": f.name, "schema": type_entity(f.type)} for f in members]
        case Array(item=item):
            member = type_entity(item)
        case Map(value=value):
            member = type_entity(value)
    entity: Entity = {"type": type_.base.value, "fields": fields, "memberSchema": member}
    if isinstance(type_, Decimal):
        entity["parameters"] = {"precision": type_.precision, "scale": type_.scale}
    return entity


def fields(schema: Schema) -> list[Entity]:
    """A schema's columns, keys marked."""
    return [{**_field(c), "type": "KEY"} for c in schema.key] + [_field(c) for c in schema.value]


def source_fields(source: Source) -> list[Entity]:
    """A source's columns, keys and headers marked."""
    shown = fields(source.schema)
    for column in source.headers:
        entity = {**_field(Column(column.name, column.type)), "type": "HEADER"}
        shown.append(entity if column.header is None else entity | {"headerKey": column.header})
    return shown


def _field(column: Column) -> Entity:
    return {"name": column.name, "schema": type_entity(column.type)}


def running_query(query: PersistentQuery | PushQuery) -> Entity:
    """A query as SHOW QUERIES lists it."""
    sink = query.sink if isinstance(query, PersistentQuery) else None
    return {
        "queryString": query.statement,
        "sinks": [] if sink is None else [sink.name],
        "sinkKafkaTopics": [] if sink is None else [sink.topic],
        "id": query.id,
        "statusCount": {query.state: 1},
        "queryType": "PERSISTENT" if isinstance(query, PersistentQuery) else "PUSH",
        "state": query.state,
    }


def source_info(source: Source) -> Entity:
    """A source as SHOW STREAMS and SHOW TABLES list it."""
    return {
        "type": source.kind,
        "name": source.name,
        "topic": source.topic,
        "keyFormat": source.key_format.name,
        "valueFormat": source.value_format.name,
        "isWindowed": source.window is not None,
    }


def status(key: str, message: str, query: str | None, text: str, offset: int) -> Entity:
    """What became of a distributed statement."""
    return {
        "@type": "currentStatus",
        "statementText": text,
        "commandId": key,
        "commandStatus": {"status": "SUCCESS", "message": message, "queryId": query},
        "commandSequenceNumber": offset,
        "warnings": [],
    }


def error(code: int, message: str, statement: str | None, done: list[Entity]) -> Entity:
    """An error body: with a statement it is a statement error."""
    if statement is None:
        return {"@type": "generic_error", "error_code": code, "message": message}
    return {
        "@type": "statement_error",
        "error_code": code,
        "message": message,
        "statementText": statement,
        "entities": done,
    }
