"""Descriptions of external targets: what is taken, what is refused, and what is never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import InvalidSetting, LabError, UsageError
from lab.external import store
from lab.external.entering import kafka_settings
from lab.external.ledger import Ledger
from lab.external.parsing import described
from lab.external.secrets import Secret, from_option

SECRET = 'sëcret "quoted" \\ p4ss'
SCRAM = {
    "bootstrap_servers": "a:9093,b:9093",
    "ca_file": "/ca.pem",
    "sasl_mechanism": "SCRAM-SHA-512",
    "user": "lab",
    "password": SECRET,
}


def test_sasl_over_tls_becomes_the_clients_settings(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    target = described("t", {"kafka": {**SCRAM, "ca_file": str(ca)}}, "here")
    found = kafka_settings(target.kafka)
    assert found["security.protocol"] == "SASL_SSL"
    assert found["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (found["sasl.username"], found["sasl.password"]) == ("lab", SECRET)
    assert found["ssl.ca.location"] == str(ca)
    assert "ssl.endpoint.identification.algorithm" not in found


def test_an_api_key_is_plain_over_tls() -> None:
    kafka = {"bootstrap_servers": "a:9092", "api_key": "KEY", "api_secret": SECRET}
    found = kafka_settings(described("t", {"kafka": kafka}, "here").kafka)
    assert found["security.protocol"] == "SASL_SSL"
    assert (found["sasl.mechanism"], found["sasl.username"]) == ("PLAIN", "KEY")


def test_oauthbearer_gets_its_tokens_by_oidc() -> None:
    kafka = {
        "bootstrap_servers": "a:9092",
        "tls": True,
        "sasl_mechanism": "OAUTHBEARER",
        "token_url": "https://idp/token",
        "client_id": "me",
        "client_secret": {"env": "IDP_SECRET"},
        "settings": {"socket.timeout.ms": 9000, "sasl.oauthbearer.extensions": "a=b"},
    }
    part = described("t", {"kafka": kafka}, "here").kafka
    with pytest.raises(InvalidSetting, match="IDP_SECRET is not set"):
        kafka_settings(part)


@pytest.mark.parametrize(
    ("data", "setting"),
    [
        ({}, "kafka.bootstrap_servers"),
        ({"kafka": {"bootstrap_servers": "no-port"}}, "kafka.bootstrap_servers"),
        ({"kafka": {"bootstrap_servers": "a:99999"}}, "kafka.bootstrap_servers"),
        ({"kafka": {**SCRAM, "sasl_mechanism": "GSSAPI"}}, "kafka.sasl_mechanism"),
        ({"kafka": {**SCRAM, "passwort": SECRET}}, "kafka.passwort"),
        ({"kafka": {**SCRAM, "password": ""}}, "kafka.password"),
        ({"kafka": {**SCRAM, "password": {"env": 1}}}, "kafka.password"),
        ({"kafka": {**SCRAM, "api_secret": SECRET}}, "kafka.api_secret"),
        ({"kafka": {**SCRAM, "tls": "yes"}}, "kafka.tls"),
        ({"kafka": {**SCRAM, "tls": False}}, "kafka.tls"),
        ({"kafka": {"bootstrap_servers": "a:1", "user": "u"}}, "kafka.sasl_mechanism"),
        ({"kafka": {"bootstrap_servers": "a:1", "key_file": "k"}}, "kafka.certificate_file"),
        ({"kafka": {**SCRAM, "settings": {"security.protocol": "SSL"}}}, "kafka.settings"),
        ({"kafka": SCRAM, "ksqldb": {"url": "ftp://x"}}, "ksqldb.url"),
        ({"kafka": SCRAM, "ksqldb": {"url": f"http://u:{SECRET}@x"}}, "ksqldb.url"),
        ({"kafka": SCRAM, "ksqldb": {"url": "http://x", "user": "u"}}, "ksqldb.user"),
        ({"kafka": SCRAM, "prefix": "Lab"}, "prefix"),
        ({"kafka": SCRAM, "prefix": ""}, "prefix"),
        ({"kafka": SCRAM, "allow": ["everything"]}, "allow"),
        ({"kafka": SCRAM, "registry": {}}, "registry"),
    ],
)
def test_a_mistake_is_named_by_its_setting_and_without_secrets(
    data: dict[str, Any], setting: str
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        described("t", data, "here")
    assert caught.value.setting.startswith(setting)
    assert SECRET not in f"{caught.value}{caught.value.hint}{caught.value!r}"


def test_what_is_saved_is_read_again_and_private(tmp_path: Path) -> None:
    data = {"prefix": "team-", "allow": ["disruptive"], "kafka": {**SCRAM, "settings": {"a": "b"}}}
    path = store.save(tmp_path, data, "prod")
    assert path.stat().st_mode & 0o777 == 0o600
    found = store.load(tmp_path, "prod", {})
    assert found == described("prod", data, str(path))
    assert found.kafka.password == Secret("kept", value=SECRET)
    with pytest.raises(UsageError, match="already"):
        store.save(tmp_path, data, "prod")


def test_a_file_with_secrets_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = store.save(tmp_path, {"kafka": SCRAM}, "prod")
    path.chmod(0o640)
    with pytest.raises(InvalidSetting, match="others than its owner"):
        store.load(tmp_path, "prod", {})
    elsewhere = {"kafka": {**SCRAM, "password": {"env": "PW"}}}
    store.save(tmp_path, elsewhere, "prod", replace=True).chmod(0o644)
    assert store.load(tmp_path, "prod", {}).kafka.password == Secret("env", "PW")


def test_a_broken_file_is_told_by_its_line_alone(tmp_path: Path) -> None:
    path = store.file_of(tmp_path, "prod")
    path.parent.mkdir()
    path.write_text(f'[kafka]\npassword = "{SECRET}\n')
    path.chmod(0o600)
    with pytest.raises(InvalidSetting, match="line 2") as caught:
        store.load(tmp_path, "prod", {})
    assert "p4ss" not in str(caught.value)


def test_secrets_are_not_shown_by_any_form_of_a_description(tmp_path: Path) -> None:
    settings = {"ssl.key.password": SECRET}
    ksqldb = {"url": "https://k", "user": "u", "password": SECRET}
    data = {"kafka": {**SCRAM, "settings": settings}, "ksqldb": ksqldb}
    store.save(tmp_path, data, "prod")
    target = store.load(tmp_path, "prod", {})
    for text in (repr(target), str(target), str(store.shown(target)), f"{target.kafka.password}"):
        assert "p4ss" not in text


def test_variables_describe_a_target_of_their_own(tmp_path: Path) -> None:
    env = {
        "LAB_EXTERNAL_KAFKA_BOOTSTRAP_SERVERS": "a:9092",
        "LAB_EXTERNAL_KAFKA_SASL_MECHANISM": "PLAIN",
        "LAB_EXTERNAL_KAFKA_USER": "u",
        "LAB_EXTERNAL_KAFKA_PASSWORD": SECRET,
        "LAB_EXTERNAL_KAFKA_TLS": "true",
        "LAB_EXTERNAL_SCHEMA_REGISTRY_URL": "https://r",
        "LAB_EXTERNAL_PREFIX": "me-",
        "LAB_EXTERNAL_ALLOW": "disruptive,multi-broker",
    }
    for name in ("env", "default"):
        found = store.load(tmp_path, name, env)
        assert (found.name, found.prefix, found.kafka.tls) == ("env", "me-", True)
        assert found.schema_registry is not None
        assert found.allow == {"disruptive", "multi-broker"}
    assert store.names(tmp_path, env) == ["env"]
    assert store.names(tmp_path, {}) == []
    with pytest.raises(UsageError):
        store.load(tmp_path, "env", {})
    with pytest.raises(InvalidSetting, match="LAB_EXTERNAL_KAFKAA_X"):
        store.load(tmp_path, "env", {**env, "LAB_EXTERNAL_KAFKAA_X": "1"})


def test_a_secret_on_the_command_line_is_refused_without_being_repeated() -> None:
    assert from_option("kafka.password", "env:PW") == Secret("env", "PW")
    assert from_option("kafka.password", "prompt") is None
    with pytest.raises(InvalidSetting) as caught:
        from_option("kafka.password", SECRET)
    assert SECRET not in f"{caught.value}{caught.value.hint}"


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    file = tmp_path / "pw"
    file.write_text(f"{SECRET}\n")
    assert Secret("file", str(file)).resolve("s") == SECRET
    file.write_text("\n")
    with pytest.raises(InvalidSetting, match="is empty"):
        Secret("file", str(file)).resolve("s")
    with pytest.raises(InvalidSetting, match="cannot be read"):
        Secret("file", str(tmp_path / "none")).resolve("s")


def test_a_description_with_an_open_ledger_is_not_forgotten(tmp_path: Path) -> None:
    path = store.save(tmp_path, {"kafka": SCRAM}, "prod")
    ledger = Ledger(path.with_suffix(".ledger"))
    ledger.note("topic", "lab-x", "run")
    with pytest.raises(LabError, match="ledger"):
        store.remove(tmp_path, "prod")
    ledger.strike(ledger.entries())
    store.remove(tmp_path, "prod")
    assert store.names(tmp_path, {}) == []
