"""Pure checkers of transactions: from a history to a finding.

Produce steps of a transaction name it (``transaction`` in the answer); its end is a COMMIT or ABORT
step whose target is that name. A transaction without an end, or with one of unknown outcome, may
have ended either way, but for all its records alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.evidence.checkers import CannotTell, canonical, finding_of
from lab.evidence.model import Entry, Finding, Outcome
from lab.evidence.workload import ABORT, COMMIT, FETCH, INVOKE, PRODUCE


@dataclass
class _Transaction:
    values: set[str] = field(default_factory=set)
    end: str = ""  # COMMIT, ABORT, or empty where nobody can tell


def aborted_seen(history: Sequence[Entry], *, reader: str) -> Finding:
    """``reader`` got no record of a transaction that was aborted."""
    transactions, seen = _transactions(history), _seen_by(history, reader)
    aborted = {name: found for name, found in transactions.items() if found.end == ABORT}
    if not aborted:
        raise CannotTell("no transaction was aborted")
    wrong = [
        f"{value} of {name}"
        for name, transaction in aborted.items()
        for value in sorted(transaction.values & seen)
    ]
    return finding_of(
        wrong,
        f"no record of {len(aborted)} aborted transactions was seen",
        f"{len(wrong)} records of aborted transactions were seen",
    )


def lost_committed(history: Sequence[Entry], *, reader: str) -> Finding:
    """``reader`` got every record of every transaction whose commit was acknowledged."""
    transactions, seen = _transactions(history), _seen_by(history, reader)
    committed = {name: found for name, found in transactions.items() if found.end == COMMIT}
    if not committed:
        raise CannotTell("no transaction was committed")
    wrong = [
        f"{value} of {name}"
        for name, transaction in committed.items()
        for value in sorted(transaction.values - seen)
    ]
    return finding_of(
        wrong,
        f"every record of {len(committed)} committed transactions was seen",
        f"{len(wrong)} records of committed transactions were not seen",
    )


def torn(history: Sequence[Entry], *, reader: str) -> Finding:
    """Of every transaction ``reader`` got all records or none, however it ended."""
    transactions, seen = _transactions(history), _seen_by(history, reader)
    if not transactions:
        raise CannotTell("no transaction was recorded")
    wrong = [
        f"{len(transaction.values & seen)} of {len(transaction.values)} records of {name}"
        for name, transaction in transactions.items()
        if transaction.values & seen and transaction.values - seen
    ]
    return finding_of(
        wrong,
        f"each of {len(transactions)} transactions was seen whole or not at all",
        f"{len(wrong)} transactions were seen in part",
    )


def _transactions(history: Sequence[Entry]) -> Mapping[str, _Transaction]:
    transactions: dict[str, _Transaction] = {}
    for entry in history:
        if entry.kind != "step":
            continue
        if entry.action in {INVOKE, PRODUCE} and isinstance(entry.answer, dict):
            name = entry.answer.get("transaction")
            if name is not None:
                transaction = transactions.setdefault(str(name), _Transaction())
                transaction.values.add(canonical(entry.answer.get("value")))
        elif entry.action in {COMMIT, ABORT} and entry.outcome is Outcome.OK:
            transactions.setdefault(entry.target, _Transaction()).end = entry.action
    return transactions


def _seen_by(history: Sequence[Entry], reader: str) -> set[str]:
    return {
        canonical(entry.answer.get("value"))
        for entry in history
        if entry.kind == "step"
        and entry.action == FETCH
        and entry.actor == reader
        and isinstance(entry.answer, dict)
    }
