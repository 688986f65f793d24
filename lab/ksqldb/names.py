"""Names and ids as types, so that one is not taken for another."""

from __future__ import annotations

import re
from collections.abc import Iterable
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

_NOT_IN_TOPICS = re.compile(r"[^A-Za-z0-9_]")
_LONGEST_PART = 100
"""So that internal topics' names, which hold a query's id, stay within Kafka's 249 signs."""


def query_id(kind: str, source: str, number: int) -> QueryId:
    """A query's id: its kind, the source that it is for, and a number.

    Groups and internal topics are named after it, so what topics' names cannot hold becomes ``_``.
    """
    part = _NOT_IN_TOPICS.sub("_", source)[:_LONGEST_PART]
    return QueryId(f"{kind}_{part}_{number}")


def same_id(wanted: str, ids: Iterable[QueryId]) -> QueryId | None:
    """The one of ``ids`` that is meant: unquoted ids come in upper case."""
    found = [i for i in ids if i.upper() == wanted.upper()]
    exact = QueryId(wanted)
    return exact if exact in found else next(iter(found), None)
