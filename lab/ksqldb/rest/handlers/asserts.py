"""ASSERT TOPIC and ASSERT SCHEMA: wait until something is there, or is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lab.ksqldb.errors import AssertionFailed, StatementError
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.rest.handlers.session import Session, entity
from lab.ksqldb.runtime.engine import Engine
from lab.ksqldb.sql import ast_admin
from lab.ksqldb.sql.ast import PropertyValue

_EVERY_SECONDS = 0.05
_TOPIC_PROPERTIES = {
    "PARTITIONS": "partitions",
    "REPLICAS": "replicas",
    "RETENTION_MS": "retention_ms",
}


def assert_topic(session: Session, statement: ast_admin.AssertTopic, text: str) -> Entity:
    """Wait for a topic, or for its end."""
    engine = session.engine
    for name, _ in statement.properties:
        if name not in _TOPIC_PROPERTIES:
            raise StatementError(f"Cannot assert unknown topic property: {name}")

    def wrong() -> str | None:
        found = engine.broker.find(statement.topic)
        if not statement.exists:
            return None if found is None else f"Topic {statement.topic} exists"
        if found is None:
            return f"Topic {statement.topic} does not exist"
        return _mismatch(statement, {p: getattr(found, a) for p, a in _TOPIC_PROPERTIES.items()})

    _until(wrong, _timeout(engine, statement.timeout_ms, "topic"), session.given_up)
    return entity("assert_topic", text, topicName=statement.topic, exists=statement.exists)


def _mismatch(statement: ast_admin.AssertTopic, actual: dict[str, PropertyValue]) -> str | None:
    wrong = [
        f"For config {name.lower()}, expected {wanted} got {actual[name]}"
        for name, wanted in statement.properties
        if str(wanted) != str(actual[name])
    ]
    if not wrong:
        return None
    return f"Mismatched configuration for topic {statement.topic}: {'; '.join(wrong)}"


def assert_schema(session: Session, statement: ast_admin.AssertSchema, text: str) -> Entity:
    """Wait for a schema in the registry, or for its end."""
    engine = session.engine
    registry = engine.schemas
    if registry is None:
        raise StatementError(
            "ASSERT SCHEMA needs a schema registry: set 'ksql.schema.registry.url'"
        )
    subject, schema_id = statement.subject, statement.schema_id
    if subject is None and schema_id is None:
        raise StatementError("ASSERT SCHEMA needs a subject, an id, or both")
    shown = f"Schema with{'' if subject is None else f' subject name {subject}'}"
    shown += "" if schema_id is None else f" id {schema_id}"

    def wrong() -> str | None:
        if registry.has(subject, schema_id) == statement.exists:
            return None
        return f"{shown} {'does not exist' if statement.exists else 'exists'}"

    _until(wrong, _timeout(engine, statement.timeout_ms, "schema"), session.given_up)
    return entity("assert_schema", text, subject=subject, id=schema_id, exists=statement.exists)


def _timeout(engine: Engine, given_ms: int | None, what: str) -> float:
    default = engine.config.effective()[f"ksql.assert.{what}.default.timeout.ms"]
    return (int(default) if given_ms is None else given_ms) / 1000


def _until(wrong: Callable[[], str | None], seconds: float, given_up: threading.Event) -> None:
    deadline = time.monotonic() + seconds
    while (reason := wrong()) is not None:
        if time.monotonic() >= deadline or given_up.is_set():
            raise AssertionFailed(reason)
        given_up.wait(_EVERY_SECONDS)
