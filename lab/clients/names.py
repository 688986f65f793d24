"""Names and ids as types of their own: a subject is not a topic, an id is not a version."""

from __future__ import annotations

from typing import Literal, NewType

TopicName = NewType("TopicName", str)
PartitionId = NewType("PartitionId", int)
Offset = NewType("Offset", int)
GroupName = NewType("GroupName", str)

SubjectName = NewType("SubjectName", str)
SchemaId = NewType("SchemaId", int)
"""The global id of a schema, as it stands in records."""
SchemaVersion = NewType("SchemaVersion", int)
"""A schema's number within one subject."""

SourceName = NewType("SourceName", str)
"""A stream or a table of ksqlDB."""
QueryId = NewType("QueryId", str)
ServiceId = NewType("ServiceId", str)
"""ksqlDB's service id as ``/info`` reports it, with whatever separator the server put behind it."""

SchemaType = Literal["AVRO", "PROTOBUF", "JSON"]
CompatibilityLevel = Literal[
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
]
