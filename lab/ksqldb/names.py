"""Names and ids as types, so that one is not taken for another."""

from __future__ import annotations

from typing import NewType

SourceName = NewType("SourceName", str)
"""The name of a stream or table, in the case the catalog keeps."""

ColumnName = NewType("ColumnName", str)
"""A column's name, in the case the schema keeps."""

TopicName = NewType("TopicName", str)
"""The name of a Kafka topic."""

QueryId = NewType("QueryId", str)
"""``CSAS_…``, ``CTAS_…``, ``transient_…`` or ``query_…``."""

ServiceId = NewType("ServiceId", str)
"""What separates the state of one ksqlDB cluster from another's on the same broker."""
