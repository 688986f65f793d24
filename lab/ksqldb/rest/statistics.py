"""What this node's queries have read from a topic and written to it, as DESCRIBE EXTENDED tells."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.ksqldb.jvm.queries import Traffic
from lab.ksqldb.names import TopicName
from lab.ksqldb.rest.entities import Entity
from lab.ksqldb.runtime.engine import Engine

_DEPRECATED = (
    "The statistics field is deprecated and will be removed in a future version of ksql. "
    "Please update your client to the latest version and use statisticsMap instead.\n"
)


def of_topic(engine: Engine, topic: TopicName) -> tuple[str, list[Entity]]:
    """The figures as text and as data; neither when nothing was read or written."""
    through = sum((q.app.traffic(topic) for q in engine.persistent.all()), Traffic())
    figures: list[tuple[str, float, str]] = []
    if through.sent > 0:
        figures += [
            ("messages-per-sec", through.sent_rate, f"{through.sent_rate:.2f}"),
            ("total-messages", through.sent, f"{through.sent:.0f}"),
        ]
    if through.read > 0:
        figures += [
            ("consumer-messages-per-sec", through.read_rate, f"{through.read_rate:.2f}"),
            ("consumer-total-messages", through.read, f"{through.read:.0f}"),
            ("consumer-total-bytes", through.read_bytes, f"{through.read_bytes:.0f}"),
        ]
    if not figures:
        return "", []
    text, entities = _told(engine, figures, engine.broker.latest_time(topic), "last-message")
    return _DEPRECATED + text, entities


def errors_of_topic(engine: Engine, topic: TopicName) -> tuple[str, list[Entity]]:
    """The records of a topic that this node's queries could not read, as text and as data."""
    found = engine.persistent.unread(topic)
    if found is None:
        return "", []
    rate, count, last_ms = found
    figures = [
        ("consumer-failed-messages", count, f"{count:.0f}"),
        ("consumer-failed-messages-per-sec", rate, f"{rate:.2f}"),
    ]
    return _told(engine, figures, int(last_ms), "last-failed")


def _told(
    engine: Engine, figures: list[tuple[str, float, str]], latest_ms: int, last: str
) -> tuple[str, list[Entity]]:
    latest = datetime.fromtimestamp(max(latest_ms, 0) / 1000, UTC)
    shown = f"{latest:%Y-%m-%dT%H:%M:%S}.{max(latest_ms, 0) % 1000:03d}Z"
    parts = [(name, text) for name, _, text in figures] + [(last, shown)]
    text = " ".join(f"{name:>16}: {value:>9}" for name, value in parts).strip()
    host = engine.config.address
    entities = [
        {"name": name, "host": host, "value": value, "timestamp": latest_ms}
        for name, value, _ in figures
    ]
    return text, entities
