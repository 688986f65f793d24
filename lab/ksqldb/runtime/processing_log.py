"""The stream over the processing log, as ksqlDB declares it at its first start."""

from __future__ import annotations

from lab.ksqldb.catalog import Column, Format, Schema, Source
from lab.ksqldb.names import ColumnName, SourceName, TopicName
from lab.ksqldb.sql.format import type_text
from lab.ksqldb.sql.identifiers import write
from lab.ksqldb.sql.types import BIGINT, INTEGER, STRING, SqlType, array, struct

_DESERIALIZATION = struct(
    ("TARGET", STRING),
    ("ERRORMESSAGE", STRING),
    ("RECORDB64", STRING),
    ("CAUSE", array(STRING)),
    ("topic", STRING),
)
_PROCESSING = struct(("ERRORMESSAGE", STRING), ("RECORD", STRING), ("CAUSE", array(STRING)))
_SERIALIZATION = struct(
    ("TARGET", STRING),
    ("ERRORMESSAGE", STRING),
    ("RECORD", STRING),
    ("CAUSE", array(STRING)),
    ("topic", STRING),
)
_THREAD = struct(("ERRORMESSAGE", STRING), ("THREADNAME", STRING), ("CAUSE", array(STRING)))
_MESSAGE = struct(
    ("TYPE", INTEGER),
    ("DESERIALIZATIONERROR", _DESERIALIZATION),
    ("RECORDPROCESSINGERROR", _PROCESSING),
    ("PRODUCTIONERROR", struct(("ERRORMESSAGE", STRING))),
    ("SERIALIZATIONERROR", _SERIALIZATION),
    ("KAFKASTREAMSTHREADERROR", _THREAD),
)
_COLUMNS: tuple[tuple[str, SqlType], ...] = (
    ("LOGGER", STRING),
    ("LEVEL", STRING),
    ("TIME", BIGINT),
    ("MESSAGE", _MESSAGE),
)


def processing_log_source(topic: TopicName) -> Source:
    """The stream KSQL_PROCESSING_LOG."""
    name = SourceName("KSQL_PROCESSING_LOG")
    columns = ", ".join(f"{write(n)} {type_text(t)}" for n, t in _COLUMNS)
    return Source(
        name=name,
        kind="STREAM",
        schema=Schema((), tuple(Column(ColumnName(n), t) for n, t in _COLUMNS)),
        topic=topic,
        key_format=Format("KAFKA"),
        value_format=Format("JSON"),
        statement=(
            f"CREATE STREAM {name} ({columns}) WITH (CLEANUP_POLICY='delete', "
            f"KAFKA_TOPIC='{topic}', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON');"
        ),
    )
