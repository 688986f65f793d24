"""Topics of sources and sinks: what is made, and which existing ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from lab.ksqldb.analysis.topics import Topic, check_topic
from lab.ksqldb.catalog import Catalog
from lab.ksqldb.config import DEFAULTS
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import TopicName
from lab.ksqldb.runtime.planned import Distributed
from lab.ksqldb.runtime.planning import Planning

if TYPE_CHECKING:
    from lab.ksqldb.sql import ast

Parse = Callable[[str], "ast.Statement"]

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
HOUR_MS = 3_600_000


class SomeTopics:
    """Topics by name; every other name is that of the sources' topic, kept for an hour."""

    def __init__(self, *topics: Topic) -> None:
        self.topics = {topic.name: topic for topic in topics}

    def find(self, name: str) -> Topic | None:
        if name.isupper():
            return self.topics.get(TopicName(name))
        return Topic(TopicName(name), partitions=3, replicas=1, retention_ms=HOUR_MS)


def sink(partitions: int = 3, replicas: int = 1, retention_ms: int = HOUR_MS) -> Topic:
    return Topic(TopicName("X"), partitions, replicas, retention_ms)


@pytest.fixture
def plan(statement: Parse, catalog: Catalog) -> Callable[..., Distributed]:
    """Plans a statement over the sources of the catalog, beside some topics."""

    def planned(text: str, *topics: Topic) -> Distributed:
        planning = Planning(catalog, SomeTopics(*topics), builtin(), dict(DEFAULTS), None)
        found = planning.plan(statement(text), 1)
        assert isinstance(found, Distributed)
        return found

    return planned


@pytest.mark.parametrize(
    ("text", "configs"),
    [
        (
            "CREATE STREAM X AS SELECT * FROM S;",
            {"cleanup.policy": "delete", "retention.ms": str(HOUR_MS)},
        ),
        (
            "CREATE STREAM X WITH (RETENTION_MS=5000) AS SELECT * FROM S;",
            {"cleanup.policy": "delete", "retention.ms": "5000"},
        ),
        (
            "CREATE TABLE X AS SELECT ID, COUNT(*) FROM S GROUP BY ID;",
            {"cleanup.policy": "compact"},
        ),
        (
            (
                "CREATE TABLE X AS SELECT ID, COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 HOUR)"
                " GROUP BY ID;"
            ),
            {"cleanup.policy": "compact,delete", "retention.ms": str(HOUR_MS)},
        ),
        (
            (
                "CREATE TABLE X AS SELECT ID, COUNT(*) FROM S"
                " WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 4 DAYS) GROUP BY ID;"
            ),
            {"cleanup.policy": "compact,delete", "retention.ms": str(4 * DAY_MS)},
        ),
        (
            (
                f"CREATE TABLE X WITH (RETENTION_MS={WEEK_MS}) AS SELECT ID, COUNT(*) FROM S"
                " WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 4 DAYS) GROUP BY ID;"
            ),
            {"cleanup.policy": "compact,delete", "retention.ms": str(WEEK_MS)},
        ),
    ],
)
def test_a_sink_is_made_like_its_source_and_kept_by_its_kind(
    plan: Callable[..., Distributed], text: str, configs: dict[str, str]
) -> None:
    made = plan(text).new_topic
    assert made is not None
    assert (made.partitions, made.replicas, dict(made.configs)) == (3, 1, configs)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("CREATE STREAM X AS SELECT * FROM S;", sink()),
        ("CREATE STREAM X AS SELECT * FROM S;", sink(replicas=3)),
        ("CREATE STREAM X WITH (PARTITIONS=2) AS SELECT * FROM S;", sink(partitions=2)),
        ("CREATE STREAM X WITH (RETENTION_MS=5000) AS SELECT * FROM S;", sink(retention_ms=5000)),
        (
            "CREATE TABLE X AS SELECT ID, COUNT(*) FROM S GROUP BY ID;",
            sink(retention_ms=WEEK_MS),
        ),
    ],
)
def test_a_sink_that_is_there_is_taken_if_it_fits(
    plan: Callable[..., Distributed], text: str, topic: Topic
) -> None:
    assert plan(text, topic).new_topic is None


@pytest.mark.parametrize(
    ("text", "topic", "says"),
    [
        (
            "CREATE STREAM X AS SELECT * FROM S;",
            sink(partitions=2),
            (
                r"expects 3 partitions \(topic has 2\), 1 replication factor \(topic has 1\), and "
                r"3600000 retention \(topic has 3600000\)\."
            ),
        ),
        (
            "CREATE STREAM X WITH (PARTITIONS=2) AS SELECT * FROM S;",
            sink(),
            r"expects 2 partitions \(topic has 3\)",
        ),
        (
            "CREATE STREAM X WITH (REPLICAS=3) AS SELECT * FROM S;",
            sink(),
            r"3 replication factor \(topic has 1\)",
        ),
        (
            "CREATE STREAM X AS SELECT * FROM S;",
            sink(retention_ms=WEEK_MS),
            r"3600000 retention \(topic has 604800000\)",
        ),
        (
            "CREATE TABLE X AS SELECT ID, COUNT(*) FROM S GROUP BY ID;",
            sink(partitions=6),
            r"expects 3 partitions \(topic has 6\)",
        ),
        (
            "CREATE STREAM N (A INT) WITH (KAFKA_TOPIC='X', VALUE_FORMAT='JSON', RETENTION_MS=1);",
            sink(),
            r"and 1 retention \(topic has 3600000\)",
        ),
        (
            "CREATE TABLE X WITH (RETENTION_MS=5000) AS SELECT ID, COUNT(*) FROM S GROUP BY ID;",
            None,
            "RETENTION_MS. Non-windowed tables do not support retention",
        ),
        (
            (
                "CREATE TABLE N (K INT PRIMARY KEY, A INT) WITH (KAFKA_TOPIC='X', PARTITIONS=1,"
                " VALUE_FORMAT='JSON', RETENTION_MS=5000);"
            ),
            None,
            "RETENTION_MS. Non-windowed tables do not support retention",
        ),
        (
            "CREATE STREAM X WITH (CLEANUP_POLICY='compact') AS SELECT * FROM S;",
            None,
            "Users can't set the CLEANUP_POLICY config manually",
        ),
        (
            (
                "CREATE STREAM N (A INT) WITH (KAFKA_TOPIC='X', PARTITIONS=1, VALUE_FORMAT='JSON',"
                " CLEANUP_POLICY='delete');"
            ),
            None,
            "Users can't set the CLEANUP_POLICY config manually",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    plan: Callable[..., Distributed], text: str, topic: Topic | None, says: str
) -> None:
    with pytest.raises(StatementError, match=says):
        plan(text, *([] if topic is None else [topic]))


def test_what_is_not_asked_for_is_not_compared() -> None:
    check_topic(sink(), partitions=None, replicas=None, retention_ms=None)
    check_topic(sink(replicas=3), partitions=3, replicas=2, retention_ms=HOUR_MS)
    with pytest.raises(StatementError, match=r"2 replication factor \(topic has 1\)"):
        check_topic(sink(), partitions=None, replicas=2, retention_ms=None)
