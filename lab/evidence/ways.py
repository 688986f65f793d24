"""The way of one record through the topics of a query: recorded as steps, and judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.clients.tail import Arrival
from lab.evidence.checkers import CannotTell, finding_of
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.workload import PRODUCE, Recording

WRITE = "write"
"""A record came to a topic; ``at_ns`` in the answer is when a reader that waited for it got it."""


@dataclass(frozen=True)
class Place:
    """Where a record stands, with its timestamp in ms."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


def record_arrival(
    evidence: Recording, arrival: Arrival, *, actor: str, action: str = WRITE
) -> Entry:
    """Record that ``actor`` wrote the record that has come."""
    record = arrival.record
    return evidence.record(
        actor,
        action,
        record.topic,
        answer={
            "partition": record.partition,
            "offset": record.offset,
            "key": record.key,
            "value": record.value,
            "timestamp_ms": record.timestamp_ms,
            "at_ns": arrival.at_ns,
        },
    )


def one_way(
    history: Sequence[Entry],
    *,
    source: str,
    through: Sequence[str],
    names: Mapping[str, str] | None = None,
) -> Finding:
    """One record of ``source`` led to exactly one in each topic of ``through``.

    All of those stand in one partition, since they have one key, and have the timestamp of the
    source's record. ``names`` are what topics are called in the finding.
    """
    called = names or {}
    produced = [place for place in _places(history, PRODUCE) if place.topic == source]
    if len(produced) != 1:
        raise CannotTell(f"{len(produced)} records were produced to {source}, not one")
    written = _places(history, WRITE)
    found = {topic: [place for place in written if place.topic == topic] for topic in through}
    wrong: list[str] = []
    for topic, places in found.items():
        if len(places) != 1:
            wrong.append(f"{len(places)} records came to {called.get(topic, topic)}, not one")
    places = [place for each in found.values() for place in each]
    if len({place.partition for place in places}) > 1:
        wrong.append(f"they lie in different partitions: {_listed(places, called)}")
    late = [place for place in places if place.timestamp_ms != produced[0].timestamp_ms]
    wrong += [
        f"{_text(place, called)} has the timestamp {place.timestamp_ms},"
        f" the source's record {produced[0].timestamp_ms}"
        for place in late
    ]
    way = _listed([*produced, *places], called)
    return finding_of(wrong, way, f"not one way: {way}")


def _places(history: Iterable[Entry], action: str) -> list[Place]:
    found = []
    for entry in history:
        if entry.kind != "step" or entry.action != action or entry.outcome is not Outcome.OK:
            continue
        match entry.answer:
            case {
                "partition": int(partition),
                "offset": int(offset),
                "timestamp_ms": int(timestamp),
            }:
                found.append(Place(entry.target, partition, offset, timestamp))
            case _:
                raise CannotTell(f"a {action} without a place: {entry.answer}")
    return found


def _listed(places: Sequence[Place], called: Mapping[str, str]) -> str:
    return " → ".join(_text(place, called) for place in places)


def _text(place: Place, called: Mapping[str, str]) -> str:
    name = called.get(place.topic, place.topic)
    return f"{name}, partition {place.partition}, offset {place.offset}"
