"""What follows from a probe: capabilities with reasons, and whether the target can be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab import access
from lab.endpoints import Endpoints
from lab.errors import CapabilityMissing
from lab.external.model import Described, KafkaPart
from lab.external.probing import Brokers, Part, components
from lab.external.report import Probe, capabilities, lines
from lab.wire.api_keys import API_KEYS
from lab.wire.api_versions import Understands

TARGET = Described("t", "here", KafkaPart("a:1"))
ALL = dict.fromkeys(API_KEYS.values(), (0, 1))
BROKERS = Brokers("cluster", {1: "a:1", 2: "b:1", 3: "c:1"}, Understands(0, ALL), ("CREATE",), True)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    yield
    access.forget_all()


def test_without_being_asked_for_nothing_is_broken_and_one_broker_is_enough() -> None:
    found = capabilities(TARGET, BROKERS)
    assert (found.brokers, found.disruptive, found.name_prefix) == (1, False, "lab-")
    for name in ("kill", "pause", "restart", "disruptive", "broker_logs", "ksqldb_state"):
        with pytest.raises(CapabilityMissing, match=f"{name}: (nothing of a cluster|not asked)"):
            found.require(name)
    assert "multi-broker" in found.reasons["more_brokers"]


def test_what_is_allowed_is_offered_as_far_as_it_is_possible() -> None:
    allowed = replace(TARGET, allow=frozenset({"disruptive", "multi-broker"}))
    found = capabilities(allowed, BROKERS)
    assert (found.brokers, found.disruptive, found.kill) == (3, True, False)
    assert capabilities(allowed, replace(BROKERS, nodes={1: "a:1"})).brokers == 1


def test_what_tls_hides_and_what_old_brokers_lack_is_not_offered() -> None:
    assert capabilities(TARGET, BROKERS).proxy
    access.remember_kafka("a:1", {"security.protocol": "SSL"})
    found = capabilities(TARGET, replace(BROKERS, understands=Understands(0, {})))
    assert (found.proxy, found.transactions) == (False, False)
    assert {"proxy", "transactions"} <= set(found.reasons)


def test_a_target_with_a_problem_is_not_usable_and_says_which() -> None:
    good = Part("broker", "a:1", "Kafka broker", "4.3")
    registry = Part("schema-registry", "http://r", problem="HTTP 401", hint="Check the password.")
    probe = Probe(TARGET, Endpoints("a:1"), BROKERS, (good, registry))
    assert probe.problems == ("schema-registry: HTTP 401",)
    assert probe.to_json()["usable"] is False
    told = "\n".join(lines(probe, lambda text, **_: text))
    assert "✗ schema-registry" in told
    assert "Check the password." in told
    forbidden = replace(BROKERS, may_create_topics=False, refusal="not authorized")
    assert (
        "lab- may not be created: not authorized"
        in Probe(TARGET, Endpoints("a:1"), forbidden, (good,)).problems[0]
    )


def test_evidence_gets_each_component_once() -> None:
    parts = (
        Part("broker", "a:1", "Kafka broker", "4.3"),
        Part("ksqldb", "http://k", "ksqlDB server", "7.9.0"),
        Part("connect", "http://c", problem="gone"),
    )
    found = components(BROKERS, parts)
    assert [each.name for each in found] == ["broker-1", "broker-2", "broker-3", "ksqldb"]
