"""The recorded scenarios, replayed against a server of this project.

What differs is listed in known_differences.json, each with its reason. An exchange that is not
listed must agree; one that is listed must differ still, unless it is listed as one that may agree.
The scenarios name their topics, so they must not run beside each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import admin as kafka_admin

from .replay import Result, replay

SCENARIOS = (
    *("00-server", "01-ddl", "02-csas", "03-ctas", "04-windows", "05-joins"),
    *("07-formats", "08-bad-records", "09-inserts-stream"),
)
REGISTRY_SCENARIOS = ("06-sr-avro", "06-sr-json_sr", "06-sr-protobuf")
TOPICS = (
    *("bad", "c1", "C1_EAST", "d1", "t1", "T1_BY_REGION", "w1", "W_T", "W_H", "W_S", "W_F"),
    *("f_k", "f_d", "f_n", "f_j", "f_m", "f_bad", "F_G", "F_G2", "b1", "B1_OUT"),
    "i1",
    *("j_o", "j_p", "j_u", "j_v", "j_w", "j_x", "J_ST", "J_SS", "J_TT", "J_FK", "J_RK"),
)

KNOWN: dict[tuple[str, int], dict[str, Any]] = {
    (item["scenario"], item["step"]): item
    for item in json.loads(Path(__file__).with_name("known_differences.json").read_text("utf-8"))
}


@pytest.fixture
def clean_broker(bootstrap: str) -> None:
    """A broker without the topics of the scenarios."""
    admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
    left = [t for t in TOPICS if t in admin.list_topics(timeout=10).topics]
    for deleted in admin.delete_topics(left).values() if left else ():
        deleted.result(timeout=10)


@pytest.mark.xdist_group("ksqldb-scenarios")
@pytest.mark.usefixtures("clean_broker")
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_agrees_with_the_real_ksqldb(
    name: str, make_server: Callable[[], Any], bootstrap: str
) -> None:
    server = make_server()
    server.start()
    compare(name, replay(name, server.url, bootstrap, server.service_id))


@pytest.mark.xdist_group("schema-registry")
@pytest.mark.parametrize("name", REGISTRY_SCENARIOS)
def test_scenario_with_a_registry_agrees_with_the_real_ksqldb(
    name: str, make_server: Callable[..., Any], bootstrap: str, registry_url: str
) -> None:
    server = make_server(f"ksql.schema.registry.url={registry_url}")
    server.start()
    compare(name, replay(name, server.url, bootstrap, server.service_id, registry_url))


def compare(name: str, results: Iterator[Result]) -> None:
    """Fail with the differences that are not known, and with known ones that are none any more."""
    failures = []
    for result in results:
        known = KNOWN.get((name, result.step))
        if result.agrees and known is not None and not known.get("may_agree"):
            failures.append(f"#{result.step} {result.what} agrees now: take it off the list")
        if not result.agrees and known is None:
            shown = "\n    ".join(map(str, result.differences[:5]))
            failures.append(f"#{result.step} {result.what}\n    {shown}")
    assert not failures, "\n".join(failures)


def test_every_known_difference_has_a_reason() -> None:
    assert all(len(item["reason"]) > 5 for item in KNOWN.values())
