"""The processing log of a ksqlDB server, read from its topic.

Source: ksqlDB's reference, "Processing log": a JSON object per entry, whose ``message`` has a type
and, by that type, one member with the particulars.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import TopicName
from lab.clients.records import StoredRecord
from lab.evidence.checkers import CannotTell, finding_of
from lab.evidence.model import Finding

UNREADABLE, UNPROCESSED, UNSENT = 0, 1, 2

_MEMBERS = {
    UNREADABLE: "deserializationError",
    UNPROCESSED: "recordProcessingError",
    UNSENT: "productionError",
}


@dataclass(frozen=True)
class LogEntry:
    """One entry. ``topic`` and ``part`` ("key", "value") are known of unreadable records.

    ``record`` are the bytes that could not be read, None where the server does not show them.
    """

    logger: str
    kind: int
    says: str
    cause: tuple[str, ...] = ()
    topic: str = ""
    part: str = ""
    record: bytes | None = None


def log_topic(ksqldb: KsqlClient) -> TopicName | None:
    """The topic under the stream KSQL_PROCESSING_LOG; None where there is no such stream."""
    try:
        found = ksqldb.execute("DESCRIBE KSQL_PROCESSING_LOG;")[0].data.get("sourceDescription")
    except KsqlRefused:
        return None
    return TopicName(str(found["topic"])) if isinstance(found, dict) else None


def is_written(kafka: KafkaClient, log: TopicName) -> bool:
    """Whether anything was ever written into it: a stream over it is no sign that a server does."""
    return kafka.has_topic(log) and sum(kafka.end_offsets(log).values()) > 0


def entry(record: StoredRecord) -> LogEntry | None:
    """A record of the log as an entry; None for what has not its form."""
    try:
        match json.loads(record.value or b""):
            case {"logger": str(logger), "message": {"type": int(kind), **members}}:
                found = members.get(_MEMBERS.get(kind, ""))
            case _:
                return None
    except ValueError:
        return None
    told = found if isinstance(found, dict) else {}
    causes = told.get("cause")
    return LogEntry(
        logger,
        kind,
        str(told.get("errorMessage") or ""),
        tuple(map(str, causes)) if isinstance(causes, list) else (),
        str(told.get("topic") or ""),
        str(told.get("target") or ""),
        _bytes(told.get("recordB64")),
    )


def each_reported(
    entries: Iterable[LogEntry], *, topic: str, query: str, unreadable: list[tuple[str, bytes]]
) -> Finding:
    """A query's entries about a topic are those of its unreadable records, one for each.

    ``unreadable`` are the parts ("key", "value") and bytes of the records, in their order. A server
    that does not show bytes is judged by the number and the parts.
    """
    told = [e for e in entries if e.kind == UNREADABLE and e.topic == topic and query in e.logger]
    if not told:
        raise CannotTell(f"the processing log has no entry of {query} about {topic}")
    wrong = []
    if len(told) != len(unreadable):
        wrong.append(f"{len(told)} entries about {len(unreadable)} unreadable records")
    left = list(told)
    for part, data in unreadable:
        match = next((e for e in left if e.part.lower() == part and e.record in {None, data}), None)
        if match is None:
            wrong.append(f"no entry about the {part} {data!r}")
        else:
            left.remove(match)
    return finding_of(
        wrong,
        f"{len(told)} entries, one for each record that could not be read",
        "the entries are not those of the unreadable records",
    )


def _bytes(text: object) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
