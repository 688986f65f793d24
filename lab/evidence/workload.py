"""Steps that checkers understand: produce, fetch, list topics; done and recorded in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from lab.clients.errors import ClientError, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.names import TopicName
from lab.clients.records import Acknowledged, Headers, StoredRecord
from lab.evidence.model import Entry, Outcome
from lab.evidence.names import UniqueNames
from lab.wait import wait_until

INVOKE = "invoke"
"""A produce attempt begins. Without a PRODUCE step of the same value nobody knows how it ended."""
PRODUCE = "produce"
FETCH = "fetch"
STORED = "stored"
"""A record was found in a replica's log segments, whether or not it is delivered to readers."""
SEARCHED = "search segments"
"""All segments of the target were searched; STORED steps are what was found."""
COMMIT = "commit"
ABORT = "abort"
"""The end of a transaction; the target is its name, the outcome may be unknown."""
LIST_TOPICS = "list topics"


class Recording(Protocol):
    """What is needed of the ``evidence`` fixture here."""

    def record(
        self,
        actor: str,
        action: str,
        target: str = "",
        *,
        answer: object = None,
        outcome: Outcome | str = Outcome.OK,
    ) -> Entry:
        """Append a step."""
        ...


def produce(
    evidence: Recording,
    kafka: KafkaClient,
    topic: str,
    value: bytes | None,
    *,
    key: bytes | None = None,
    partition: int | None = None,
    timestamp_ms: int | None = None,
    headers: Headers = (),
    config: Mapping[str, str | int | float | bool] | None = None,
    actor: str = "producer",
) -> Acknowledged:
    """Produce one record, record the attempt and the broker's answer, and return the answer.

    Raises what the client raises, after recording it: Unreachable leaves the attempt ``unknown``.
    """
    attempt = {"key": key, "value": value}
    try:
        acknowledged = kafka.produce(
            topic,
            value,
            key=key,
            partition=partition,
            timestamp_ms=timestamp_ms,
            headers=headers,
            config=config,
        )
    except ClientError as error:
        outcome = Outcome.UNKNOWN if isinstance(error, Unreachable) else Outcome.FAIL
        answer = {**attempt, "error": error}
        evidence.record(actor, PRODUCE, topic, answer=answer, outcome=outcome)
        raise
    evidence.record(
        actor,
        PRODUCE,
        topic,
        answer={
            **attempt,
            "partition": acknowledged.partition,
            "offset": acknowledged.offset,
            "timestamp_ms": acknowledged.timestamp_ms,
        },
    )
    return acknowledged


def fetched(
    evidence: Recording, records: Iterable[StoredRecord], *, actor: str = "reader"
) -> list[StoredRecord]:
    """Record that ``actor`` got these records, in this order, and return them."""
    listed = list(records)
    for record in listed:
        evidence.record(
            actor,
            FETCH,
            record.topic,
            answer={
                "partition": record.partition,
                "offset": record.offset,
                "key": record.key,
                "value": record.value,
                "timestamp_ms": record.timestamp_ms,
            },
        )
    return listed


def list_topics(evidence: Recording, kafka: KafkaClient, names: UniqueNames) -> set[TopicName]:
    """The topics whose names were made by this test or derived from such, internal ones too.

    Recorded as seen now. The restriction keeps other experiments on the same cluster out of the
    picture.
    """
    found = set(filter(names.mine, kafka.topics()))
    evidence.record("broker", LIST_TOPICS, names.token, answer=found)
    return found


def wait_for_records(kafka: KafkaClient, topic: str, *, timeout_seconds: float = 60.0) -> None:
    """Wait until the topic exists and something was written to it. Raises ConditionTimeout."""

    def written() -> int:
        return kafka.has_topic(topic) and sum(kafka.end_offsets(topic).values())

    wait_until(f"records in {topic}", written, timeout_seconds=timeout_seconds, every_seconds=0.2)


def wait_until_settled(kafka: KafkaClient, topic: str, *, timeout_seconds: float = 60.0) -> None:
    """Wait until every transaction on the topic has ended for its readers.

    A commit or abort is answered before its markers are written to all partitions. Raises
    ConditionTimeout.
    """

    def settled() -> bool:
        ends = kafka.end_offsets(topic)
        return all(kafka.stable_offset(topic, n) >= end for n, end in ends.items())

    wait_until(f"no transaction is open on {topic}", settled, timeout_seconds=timeout_seconds)
