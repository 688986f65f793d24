"""Statements that several experiments begin with, so that they mean the same everywhere."""

from __future__ import annotations

from lab.clients.names import SourceName, TopicName


def stream_of_orders(name: SourceName, topic: TopicName) -> str:
    """Orders in JSON: a text for a key, a region and a whole amount."""
    return (
        f"CREATE STREAM {name} (id VARCHAR KEY, region VARCHAR, amount INT)"
        f" WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
    )


def table_of_users(name: SourceName, topic: TopicName) -> str:
    """Users in JSON: a text for a key, and an age."""
    return (
        f"CREATE TABLE {name} (id VARCHAR PRIMARY KEY, age INT)"
        f" WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
    )
