"""What a push query leaves is removed, in an order in which it cannot come back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from lab.ksqldb.jvm.errors import JavaFault
from lab.ksqldb.runtime import transient
from lab.ksqldb.runtime.transient import TransientQueries


class Played:
    """A push query whose application ends at the third request, and its broker."""

    id = "transient_1"
    group = "g"

    def __init__(self) -> None:
        self.done: list[str] = []
        self.ends_at = 3

    def stop(self) -> bool:
        self.done.append("stop")
        return self.done.count("stop") >= self.ends_at

    def delete_prefixed(self, prefix: str) -> None:
        self.done.append(f"topics {prefix}")

    def delete_group(self, group: str) -> None:
        self.done.append(f"group {group}")
        if self.done.count(f"group {group}") == 1:
            raise JavaFault("GroupNotEmptyException", "still there")
        raise JavaFault("GroupIdNotFoundException", "never was")


def cleaned(played: Played, monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[str]:
    monkeypatch.setattr(transient, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(transient, "_CLEAN_SECONDS", seconds)
    queries: Any = object.__new__(TransientQueries)
    queries._broker = played
    queries._closing = threading.Event()
    queries._clean(played)
    return played.done


def test_topics_go_when_nothing_can_make_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    done = cleaned(Played(), monkeypatch, 60)
    assert done == ["stop", "stop", "stop", "topics g-", "group g", "group g"]


def test_an_application_that_does_not_end_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played()
    played.ends_at = 99
    assert cleaned(played, monkeypatch, 0.0) == ["stop", "stop", "topics g-", "group g"]
