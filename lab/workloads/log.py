"""What a large workload did and saw, kept beside the history in a file of the same form.

A history is flushed line by line; ten thousands of records are gathered and written at the end.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from lab.clients.records import StoredRecord
from lab.evidence.encoding import encode
from lab.evidence.history import Clock, utc
from lab.evidence.model import Entry, Outcome
from lab.evidence.workload import FETCH, SEARCHED, STORED
from lab.wire.record_batch import Record


class WorkloadLog:
    """Gathers entries; safe for threads. ``save`` writes them as lines of JSON."""

    _clock = Clock()

    def __init__(self, test: str = "") -> None:
        self._test = test
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    @property
    def entries(self) -> list[Entry]:
        """What was logged so far."""
        with self._lock:
            return list(self._entries)

    def add(
        self,
        actor: str,
        action: str,
        target: str,
        answer: object,
        outcome: Outcome = Outcome.OK,
    ) -> None:
        """Log one step; ``answer`` is encoded."""
        seq = self._clock.tick()
        encoded = encode(answer)
        entry = Entry(
            seq, utc(seq), self._test, "main", "step", actor, action, target, outcome, encoded
        )
        with self._lock:
            self._entries.append(entry)

    def fetched(self, records: Iterable[StoredRecord], *, actor: str = "reader") -> None:
        """Log that ``actor`` got these records, in this order."""
        for record in records:
            place = {"partition": record.partition, "offset": record.offset}
            self.add(
                actor, FETCH, record.topic, {**place, "key": record.key, "value": record.value}
            )

    def found_in_segments(
        self, topic: str, partition: int, records: Iterable[Record], *, replica: str
    ) -> None:
        """Log that these records lie in the segments of ``replica``."""
        for record in records:
            place = {"partition": partition, "offset": record.offset}
            self.add(replica, STORED, topic, {**place, "key": record.key, "value": record.value})

    def searched(self, topic: str) -> None:
        """Log that every segment of the topic was searched."""
        self.add("experiment", SEARCHED, topic, None)

    def save(self, path: Path) -> Path:
        """Write the log, and return where."""
        with path.open("w", encoding="utf-8") as file:
            for entry in self.entries:
                file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        return path
