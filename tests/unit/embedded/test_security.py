"""A secure lab's certificates, files and properties."""

from __future__ import annotations

import datetime
import json
import ssl
import tomllib
from pathlib import Path

import pytest

from lab.embedded import certificates, security
from lab.embedded.broker import nodes_from, server_properties
from lab.external.parsing import described


def test_security_is_made_once_private_and_trusted_by_its_own_authority(tmp_path: Path) -> None:
    folder = tmp_path / "secure"
    made = security.ensure(folder, "127.0.0.1")
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    context = ssl.create_default_context(cafile=str(made.ca_file))
    context.load_cert_chain(made.key_file("broker"))
    assert set(made.passwords) == {"admin", "guest", "broker"}
    assert len(set(made.passwords.values())) == 3
    assert not any(password in repr(made) for password in made.passwords.values())
    before = made.ca_file.read_bytes()
    again = security.ensure(folder, "127.0.0.1")
    assert (again, again.ca_file.read_bytes()) == (made, before)


def test_certificates_that_run_out_are_renewed_and_passwords_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "VALID_DAYS", 3)
    first = security.ensure(tmp_path / "secure", "127.0.0.1")
    certificates.write_private(first.ca_file, certificates.new_authority("x", days=3).pem)
    monkeypatch.undo()
    second = security.ensure(tmp_path / "secure", "127.0.0.1")
    assert second.passwords == first.passwords
    in_a_year = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=365)
    for file in (second.ca_file, second.key_file("broker"), second.key_file("ksqldb")):
        assert certificates.expires(file) > in_a_year


def test_a_secure_node_opens_no_plain_listener(tmp_path: Path) -> None:
    made = security.ensure(tmp_path / "secure", "127.0.0.1")
    nodes = nodes_from({"broker-1": 20001, "controller-1": 20002}, 1)
    found = server_properties(
        nodes[0], nodes, host="127.0.0.1", log_dir=tmp_path / "log", security=made
    )
    assert "PLAINTEXT" not in found["listeners"] + found["listener.security.protocol.map"]
    assert found["listener.name.controller.ssl.client.auth"] == "required"
    assert found["allow.everyone.if.no.acl.found"] == "false"
    assert made.passwords["guest"] not in json.dumps(found)
    assert "ANONYMOUS" not in found["super.users"]
    plain = server_properties(nodes[0], nodes, host="127.0.0.1", log_dir=tmp_path / "log")
    assert plain["listeners"].startswith("PLAINTEXT://")
    assert not any("ssl" in key or "sasl" in key or "auth" in key for key in plain)


def test_the_written_descriptions_can_be_used_as_they_are(tmp_path: Path) -> None:
    made = security.ensure(tmp_path / "secure", "127.0.0.1")
    urls = {"schema_registry": "http://127.0.0.1:1", "ksqldb": "https://127.0.0.1:2"}
    security.describe_targets(made, "127.0.0.1:3", urls)
    admin = tomllib.loads((made.folder / "admin.toml").read_text("utf-8"))
    found = described("admin", admin, "file")
    assert (found.kafka.user, found.kafka.tls) == ("admin", True)
    assert found.ksqldb is not None
    assert found.ksqldb.password is not None
    assert found.schema_registry is not None
    assert found.schema_registry.user is None
    guest = described("guest", tomllib.loads((made.folder / "guest.toml").read_text()), "file")
    assert (guest.prefix, guest.ksqldb) == ("guest-", None)
