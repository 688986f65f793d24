"""Checkers of push queries: pure functions from the history to a finding."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lab.evidence.checkers import CannotTell
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.workload import INVOKE

ROW = "row"
"""A row arrived; the target is its source, the answer holds the record's ``id``."""

_SHOWN = 5


def rows_follow_records(
    history: Sequence[Entry], *, source: str, passed_over: Collection[str] = ()
) -> Finding:
    """Each record's row came after it was sent and before the next one was.

    Looks at INVOKE and ROW steps on ``source``. Records in ``passed_over`` must have no row. Says
    ``unknown`` when there is nothing to look at, or one record was sent twice.
    """
    wrong: list[str] = []
    sent: list[str] = []
    answered: set[str] = set()

    def settle() -> None:
        if sent and sent[-1] not in answered and sent[-1] not in passed_over:
            wrong.append(f"{sent[-1]} had no row before the next was sent")

    for entry in history:
        if entry.target != source or entry.action not in {INVOKE, ROW}:
            continue
        name = _id_of(entry)
        if entry.action == INVOKE:
            if name in sent:
                raise CannotTell(f"{name} was sent twice")
            settle()
            sent.append(name)
            continue
        if name in passed_over:
            wrong.append(f"a row of {name}, which the query passes over")
        elif not sent or name != sent[-1]:
            wrong.append(
                f"a row of {name} when {sent[-1] if sent else 'nothing'} was the last sent"
            )
        elif name in answered:
            wrong.append(f"a second row of {name}")
        answered.add(name)
    settle()
    wanted = [name for name in sent if name not in passed_over]
    if not wanted:
        raise CannotTell(f"no record was sent to {source}")
    if wrong:
        return Finding(
            Outcome.FAIL, f"{len(wrong)} times otherwise: {wrong[0]}", tuple(wrong[:_SHOWN])
        )
    return Finding(
        Outcome.OK, f"each of {len(wanted)} records had its row before the next was sent"
    )


def _id_of(entry: Entry) -> str:
    answer = entry.answer
    if not isinstance(answer, dict) or "id" not in answer:
        raise CannotTell(f"a step without an id: {entry.action}")
    return str(answer["id"])
