"""Records of the command topic. The first two are from ksqlDB 7.9, their statements shortened."""

from __future__ import annotations

import json

import pytest

from lab.wire.command_topic import Command, decode, topic_of
from lab.wire.errors import DecodeError, Truncated

EARLIEST = {"ksql.streams.auto.offset.reset": "earliest"}
CREATE = "CREATE STREAM D1 (ID STRING KEY) WITH (KAFKA_TOPIC='d1', VALUE_FORMAT='JSON');"


def value(statement: str, **more: object) -> bytes:
    body = {"statement": statement, "streamsProperties": EARLIEST, "originalProperties": {}}
    return json.dumps({**body, "plan": None, "version": None, **more}).encode()


def test_a_statement_that_creates() -> None:
    found = decode(b'"stream/`D1`/create"', value(CREATE, plan={"@type": "ksqlPlanV1"}))
    assert found == Command("stream", "D1", "create", CREATE, EARLIEST, planned=True)
    assert found.subject == "stream D1 create"


def test_a_statement_that_drops_names_without_quotes() -> None:
    found = decode(b'"stream/NOPE/drop"', value("DROP STREAM IF EXISTS NOPE;"))
    assert (found.kind, found.name, found.action) == ("stream", "NOPE", "drop")
    assert not found.planned


def test_a_name_may_hold_anything() -> None:
    found = decode(json.dumps("table/`a/b``c`/create").encode(), value("CREATE …"))
    assert (found.kind, found.name, found.action) == ("table", "a/b`c", "create")


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        (b"stream/`D1`/create", value(CREATE)),
        (b'"D1"', value(CREATE)),
        (b'{"type": "stream"}', value(CREATE)),
        (b'"stream/`D1`/create"', b"CREATE STREAM"),
        (b'"stream/`D1`/create"', b"[]"),
        (b'"stream/`D1`/create"', b'{"streamsProperties": {}}'),
        (b'"stream/`D1`/create"', b'{"statement": "SHOW TOPICS;"}'),
    ],
)
def test_what_is_no_command_is_refused(key: bytes, stored: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(key, stored)


def test_a_tombstone_is_no_command() -> None:
    with pytest.raises(Truncated):
        decode(b'"stream/`D1`/create"', None)
    with pytest.raises(Truncated):
        decode(None, value(CREATE))


def test_the_topics_name() -> None:
    assert topic_of("default_") == "_confluent-ksql-default__command_topic"
