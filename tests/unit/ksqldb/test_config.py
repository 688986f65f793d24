"""What Kafka Streams applications are set to."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.ksqldb.config import ServerConfig
from lab.ksqldb.names import ServiceId

TUNED = "consumer.heartbeat.interval.ms"


def settings(properties: dict[str, str], overrides: dict[str, str]) -> dict[str, str]:
    made = ServerConfig(
        "b:1", "127.0.0.1", 8088, ServiceId("s_"), Path("state"), properties=properties
    )
    return made.streams_settings(overrides)


def test_threads_learn_soon_of_their_tasks() -> None:
    assert settings({}, {})[TUNED] == "500"


@pytest.mark.parametrize("name", [TUNED, "heartbeat.interval.ms"])
@pytest.mark.parametrize("prefix", ["", "ksql.streams."])
def test_users_settings_win_with_and_without_a_prefix(name: str, prefix: str) -> None:
    for found in (settings({prefix + name: "700"}, {}), settings({}, {prefix + name: "700"})):
        assert found[name] == "700"
        assert found.get(TUNED, "700") == "700"
