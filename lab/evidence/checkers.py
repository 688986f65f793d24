"""Pure checkers: from a history to a finding. They ask nobody and change nothing.

They look at the steps that workload.py records. A record is known by its value: a workload that
shall be checked for loss or duplicates gives every record a value of its own, and a checker that
meets two attempts with one value says ``unknown`` rather than guess.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.workload import FETCH, INVOKE, LIST_TOPICS, PRODUCE, SEARCHED, STORED

_SHOWN = 5


class CannotTell(Exception):
    """A checker's way to say that the history does not allow a finding; the reason is the text."""


@dataclass(frozen=True)
class Event:
    """A produce attempt or a fetched record. ``value`` and ``key`` are canonical text of the bytes.

    ``partition`` and ``offset`` are None for an attempt that was not acknowledged.
    """

    seq: int
    actor: str
    topic: str
    outcome: Outcome
    key: str
    value: str
    partition: int | None
    offset: int | None

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at {self.topic}-{self.partition}@{self.offset}"
        return f"{self.value}{place}"


def run_checker(
    checker: Callable[..., Finding], history: Sequence[Entry], **options: object
) -> Finding:
    """Run a checker; one that crashes, or cannot tell, finds ``unknown``, and says why."""
    try:
        return checker(history, **options)
    except CannotTell as reason:
        return Finding(Outcome.UNKNOWN, str(reason))
    except Exception as error:
        name = getattr(checker, "__name__", "checker")
        return Finding(Outcome.UNKNOWN, f"{name} crashed: {type(error).__name__}: {error}")


def lost_acknowledged(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """No acknowledged record is missing from what was fetched.

    A record that was not fetched is lost only if it is in no replica's log either: before all of
    them were searched (a SEARCHED step), or when it lies in one, the finding is ``unknown``.
    """
    acknowledged = [e for e in _attempts(history, topic) if e.outcome is Outcome.OK]
    _require_some(acknowledged, "no acknowledged record")
    seen = {event.value for event in _events(history, FETCH, topic)}
    lost = [event for event in acknowledged if event.value not in seen]
    if lost:
        stored = {event.value for event in _events(history, STORED, topic)}
        count = f"{len(lost)} of {len(acknowledged)} acknowledged records"
        searched = {entry.target for entry in history if entry.action == SEARCHED}
        if not {event.topic for event in lost} <= searched:
            raise CannotTell(f"{count} were not fetched, and no replica's log was searched")
        kept = [event for event in lost if event.value in stored]
        if kept:
            raise CannotTell(
                f"{count} were not fetched, but {len(kept)} of them lie in a replica's log,"
                f" the first: {kept[0]}"
            )
    return finding_of(
        lost,
        f"all {len(acknowledged)} acknowledged records were fetched",
        f"{len(lost)} of {len(acknowledged)} acknowledged records are missing",
    )


def duplicates(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """No record stands at more than one place of the log."""
    _attempts(history, topic)
    events = _events(history, FETCH, topic)
    _require_some(events, "nothing was fetched")
    places: dict[str, set[tuple[str, int | None, int | None]]] = {}
    for event in events:
        places.setdefault(event.value, set()).add((event.topic, event.partition, event.offset))
    doubled = [value for value, where in places.items() if len(where) > 1]
    return finding_of(
        doubled,
        f"each of {len(places)} records stands in the log once",
        f"{len(doubled)} records stand in the log more than once",
    )


def fetched_again(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """Nobody got the same offset of a partition twice."""
    events = _events(history, FETCH, topic)
    _require_some(events, "nothing was fetched")
    counts = Counter((e.actor, e.topic, e.partition, e.offset) for e in events)
    again = [
        f"{topic}-{partition}@{offset} by {actor}, {count} times"
        for (actor, topic, partition, offset), count in counts.items()
        if count > 1
    ]
    return finding_of(
        again,
        f"{len(events)} records were fetched once each",
        f"{len(again)} offsets were fetched more than once by the same reader",
    )


def reordered(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """Within a partition the log keeps the order in which each producer produced."""
    acknowledged = [e for e in _attempts(history, topic) if e.outcome is Outcome.OK]
    _require_some(acknowledged, "no acknowledged record")
    return _order(acknowledged, "produced")


def went_back(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """Within a partition the offsets that a reader gets only grow."""
    events = list(_events(history, FETCH, topic))
    _require_some(events, "nothing was fetched")
    return _order(events, "fetched")


def unexpected(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """Nothing was fetched that nobody tried to produce."""
    attempted = {event.value for event in _attempts(history, topic)}
    events = _events(history, FETCH, topic)
    _require_some(events, "nothing was fetched")
    strange = [event for event in events if event.value not in attempted]
    return finding_of(
        strange,
        f"each of {len(events)} fetched records had been produced",
        f"{len(strange)} fetched records were produced by nobody",
    )


def bytes_changed(history: Sequence[Entry], *, topic: str | None = None) -> Finding:
    """At the place that the broker acknowledged, key and value are byte for byte as produced."""
    stored = {(e.topic, e.partition, e.offset): e for e in _events(history, FETCH, topic)}
    acknowledged = [e for e in _events(history, PRODUCE, topic) if e.outcome is Outcome.OK]
    _require_some(acknowledged, "no acknowledged record")
    compared, changed = 0, []
    for event in acknowledged:
        found = stored.get((event.topic, event.partition, event.offset))
        if found is None:
            raise CannotTell(f"not fetched: {event}")
        compared += 1
        if (found.key, found.value) != (event.key, event.value):
            changed.append(f"{event} became {found.value}")
    return finding_of(
        changed,
        f"{compared} records were fetched back byte for byte",
        f"{len(changed)} of {compared} records are not what was produced",
    )


def topics_appeared(history: Sequence[Entry], *, expected: Iterable[str]) -> Finding:
    """Between the first and the last topic list exactly the ``expected`` topics appeared."""
    lists = [e for e in history if e.kind == "step" and e.action == LIST_TOPICS]
    if len(lists) < 2:
        raise CannotTell(f"{len(lists)} topic lists were recorded, two are needed")
    before, after = _names(lists[0]), _names(lists[-1])
    appeared, wanted = after - before, set(expected)
    wrong = [f"missing: {name}" for name in sorted(wanted - appeared)]
    wrong += [f"not expected: {name}" for name in sorted(appeared - wanted)]
    wrong += [f"gone: {name}" for name in sorted(before - after)]
    listed = ", ".join(sorted(appeared)) or "no topic"
    return finding_of(
        wrong, f"appeared: {listed}", f"the topics that appeared are others: {listed}"
    )


def refused_with(
    history: Sequence[Entry], *, action: str, status: int, error_code: int | None = None
) -> Finding:
    """Every answer to ``action`` has this HTTP status (and error code)."""
    answers = [e.answer for e in history if e.kind == "step" and e.action == action]
    _require_some(answers, f"no step {action!r}")
    wrong: list[object] = []
    for answer in answers:
        if not isinstance(answer, dict) or "status" not in answer:
            raise CannotTell(f"an answer without a status: {answer}")
        body = answer.get("body")
        code = body.get("error_code") if isinstance(body, dict) else None
        if answer["status"] != status or (error_code is not None and code != error_code):
            wrong.append(f"HTTP {answer['status']}, error code {code}")
    return finding_of(
        wrong,
        f"{action}: answered with HTTP {status}",
        f"{action}: {len(wrong)} of {len(answers)} answers are not HTTP {status}",
    )


def finding_of(wrong: Sequence[object], when_right: str, when_wrong: str) -> Finding:
    """Ok if nothing is wrong; otherwise a failure that shows the first of what is."""
    if not wrong:
        return Finding(Outcome.OK, when_right)
    examples = tuple(str(item) for item in wrong[:_SHOWN])
    return Finding(Outcome.FAIL, f"{when_wrong}: {'; '.join(examples)}", examples)


def _order(events: Iterable[Event], verb: str) -> Finding:
    last: dict[tuple[str, str, int | None], Event] = {}
    back: list[str] = []
    count = 0
    for event in sorted(events, key=lambda event: event.seq):
        if event.offset is None:
            raise CannotTell(f"no offset: {event}")
        count += 1
        lane = (event.actor, event.topic, event.partition)
        before = last.get(lane)
        if before is not None and before.offset is not None and event.offset <= before.offset:
            back.append(f"{event} was {verb} after {before}")
        last[lane] = event
    return finding_of(
        back,
        f"{count} records in {len(last)} sequences, each in order",
        f"{len(back)} times the order was broken",
    )


def _attempts(history: Sequence[Entry], topic: str | None) -> list[Event]:
    """Every produce attempt, once it is sure that values tell records apart.

    An attempt stands where it began, if that was recorded; one that has no end is ``unknown``.
    """
    ended = list(_events(history, PRODUCE, topic))
    begun = {event.value: event for event in _events(history, INVOKE, topic)}
    attempts = [
        replace(event, seq=begun[event.value].seq) if event.value in begun else event
        for event in ended
    ]
    values = {event.value for event in ended}
    attempts += [
        replace(event, outcome=Outcome.UNKNOWN)
        for event in begun.values()
        if event.value not in values
    ]
    twice = [value for value, n in Counter(e.value for e in attempts).items() if n > 1]
    if twice:
        raise CannotTell(f"values do not tell records apart: {twice[0]} was produced twice")
    return attempts


def _events(history: Sequence[Entry], action: str, topic: str | None) -> list[Event]:
    return list(_parse(history, action, topic))


def _parse(history: Sequence[Entry], action: str, topic: str | None) -> Iterator[Event]:
    for entry in history:
        if entry.kind != "step" or entry.action != action or topic not in {None, entry.target}:
            continue
        if not isinstance(entry.answer, dict):
            raise CannotTell(f"a {action} without a record: {entry.answer}")
        yield Event(
            seq=entry.seq,
            actor=entry.actor,
            topic=entry.target,
            outcome=entry.outcome,
            key=canonical(entry.answer.get("key")),
            value=canonical(entry.answer.get("value")),
            partition=entry.answer.get("partition"),
            offset=entry.answer.get("offset"),
        )


def canonical(encoded: object) -> str:
    """Encoded bytes as text that tells values apart."""
    if encoded is None:
        return "null"
    if isinstance(encoded, dict) and isinstance(encoded.get("hex"), str):
        return f"0x{encoded['hex']}"
    return json.dumps(encoded, sort_keys=True)


def _names(entry: Entry) -> set[str]:
    if not isinstance(entry.answer, list):
        raise CannotTell(f"a topic list that is none: {entry.answer}")
    return {str(name) for name in entry.answer}


def _require_some(found: Sequence[object], otherwise: str) -> None:
    if not found:
        raise CannotTell(otherwise)
