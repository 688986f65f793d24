"""Waiting for named conditions."""

from __future__ import annotations

import pytest

from lab.errors import ConditionTimeout
from lab.wait import wait_until


def test_the_first_truthy_value_is_returned() -> None:
    values = iter([None, 0, "", "there"])
    assert wait_until("it is there", lambda: next(values), every_seconds=0) == "there"


def test_a_timeout_names_the_condition_and_the_last_observation() -> None:
    with pytest.raises(ConditionTimeout, match=r"the moon is green: .* \(last seen: 0\)"):
        wait_until("the moon is green", lambda: 0, timeout_seconds=0)


def test_expected_exceptions_count_as_not_yet_and_are_the_last_observation() -> None:
    def fail() -> bool:
        raise ValueError("no moon")

    with pytest.raises(ConditionTimeout, match="no moon"):
        wait_until("there is a moon", fail, timeout_seconds=0, ignore=(ValueError,))
    with pytest.raises(ValueError, match="no moon"):
        wait_until("there is a moon", fail, timeout_seconds=0)


def test_waiting_ends_when_it_has_become_pointless() -> None:
    def give_up() -> None:
        raise RuntimeError("it died")

    with pytest.raises(RuntimeError, match="it died"):
        wait_until("it is up", lambda: None, give_up=give_up)
