"""What addresses ask for is known in one place, handed on to children, and hidden from texts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import access
from lab.access import HttpAccess
from lab.clients.admin_requests import describe_quorum
from lab.clients.java_access import java_access
from lab.clients.kafka_border import connection
from lab.clients.ksqldb import KsqlClient
from lab.clients.schema_registry import SchemaRegistryClient
from lab.errors import CapabilityMissing

PASSWORD = 'pass"wörd\\1'
SETTINGS = {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": "lab",
    "sasl.password": PASSWORD,
    "ssl.ca.location": "/ca.pem",
}


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(access.VARIABLE, raising=False)
    yield
    access.forget_all()


def test_clients_of_a_known_address_get_its_settings_and_others_none() -> None:
    access.remember_kafka("Broker-1:9093,broker-2:9093", SETTINGS)
    assert connection("broker-2:9093")["sasl.password"] == PASSWORD
    assert connection("x:1,broker-1:9093", {"sasl.username": "own"})["sasl.username"] == "own"
    assert "security.protocol" not in connection("broker-3:9093")
    assert access.is_secured("broker-1:9093")
    assert not access.is_secured("broker-3:9093")


def test_child_processes_know_it_by_their_environment() -> None:
    access.remember_kafka("b:1", SETTINGS)
    access.remember_http("https://r:2/path", HttpAccess("u", PASSWORD))
    code = (
        "from lab import access; import json; "
        "print(json.dumps([access.kafka_settings('b:1'), access.http_access('https://r:2').basic]))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(said.stdout) == [SETTINGS, ["u", PASSWORD]]


def test_rest_clients_send_what_is_known_of_their_server() -> None:
    access.remember_http("https://k:1", HttpAccess("u", PASSWORD))
    access.remember_http("http://r:2", HttpAccess(token="t0ken-long"))
    with KsqlClient("https://K:1/") as ksqldb:
        auth = ksqldb._http.auth
        assert auth is not None
    registry = SchemaRegistryClient("http://r:2")
    assert registry._session.headers["Authorization"] == "Bearer t0ken-long"
    registry.close()


def test_a_request_of_the_labs_own_says_so_where_it_cannot_log_in() -> None:
    access.remember_kafka("b:1", {**SETTINGS, "sasl.mechanism": "GSSAPI"})
    with pytest.raises(CapabilityMissing, match="cannot log in by GSSAPI"):
        describe_quorum(["b:1"])


def test_java_clients_get_the_same_in_their_words() -> None:
    access.remember_kafka("b:1", SETTINGS)
    found = java_access("b:1").settings
    assert found["sasl.jaas.config"].endswith(
        'ScramLoginModule required username="lab" password="pass\\"wörd\\\\1";'
    )
    assert found["ssl.truststore.location"] == "/ca.pem"
    access.remember_kafka("c:1", {**SETTINGS, "ssl.certificate.location": "/me.pem"})
    with pytest.raises(CapabilityMissing, match="cannot be read"):
        java_access("c:1")


def test_secrets_are_hidden_in_every_spelling() -> None:
    access.remember_kafka("b:1", SETTINGS)
    access.remember_http("http://r:2", HttpAccess("u", "another-secret", token="t0ken-long"))
    said = f"{PASSWORD} {json.dumps(PASSWORD)} another-secret t0ken-long /ca.pem lab"
    hidden = access.redact(said + json.dumps(PASSWORD, ensure_ascii=False))
    for secret in (PASSWORD, "wörd", "w\\u00f6rd", "another-secret", "t0ken"):
        assert secret not in hidden
    assert "/ca.pem lab" in hidden
    assert PASSWORD not in repr(HttpAccess("u", PASSWORD))
