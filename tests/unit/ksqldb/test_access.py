"""Listeners, files of properties, users, TLS settings, and what is secret."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
from support.certificates import certificate

from lab.ksqldb import listeners, property_file
from lab.ksqldb.config import ServerConfig
from lab.ksqldb.errors import StartError
from lab.ksqldb.names import ServiceId
from lab.ksqldb.rest import authentication, tls
from lab.ksqldb.secrets import is_secret, shown


def config(**properties: str) -> ServerConfig:
    named = {name.replace("__", "."): value for name, value in properties.items()}
    return ServerConfig("b:1", "127.0.0.1", 1, ServiceId("s_"), Path("/s"), properties=named)


def test_listeners() -> None:
    found = listeners.parse("http://127.0.0.1:80, HTTPS://[::1]:443/,http://:8088")
    assert [str(one) for one in found] == [
        "http://127.0.0.1:80",
        "https://[::1]:443",
        "http://0.0.0.0:8088",
    ]
    assert [one.secure for one in found] == [False, True, False]


@pytest.mark.parametrize("text", ["", "127.0.0.1:80", "ftp://x:1", "http://x", "http://x:70000"])
def test_what_is_no_listener(text: str) -> None:
    with pytest.raises(StartError, match="listeners:"):
        listeners.parse(text)


def test_property_files(tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text("# c\n! d\n\na=1\nb : x=y:z\n c.d = one \\\n   two\ne=\n")
    assert property_file.read(file) == {"a": "1", "b": "x=y:z", "c.d": "one two", "e": ""}
    file.write_text("password-without-a-sign\n")
    with pytest.raises(StartError, match="not NAME=VALUE"):
        property_file.read(file)
    with pytest.raises(StartError, match="cannot be read"):
        property_file.read(tmp_path / "none")


@pytest.mark.parametrize(
    "name",
    [
        "ssl.keystore.password",
        "ksql.streams.sasl.jaas.config",
        "ksql.schema.registry.basic.auth.user.info",
        "ssl.keystore.key",
        "ksql.streams.sasl.oauthbearer.client.credentials.client.secret",
    ],
)
def test_what_is_secret(name: str) -> None:
    assert is_secret(name)


def test_what_is_not() -> None:
    assert not is_secret("ksql.persistence.default.format.key.x")
    assert not is_secret("ksql.streams.auto.offset.reset")
    assert shown("http://a:b@h:1/x,http://h2") == "http://h:1/x,http://h2"


def test_settings_of_the_listeners_and_of_kafka_are_told_apart() -> None:
    made = config(
        security__protocol="SASL_SSL",
        sasl__jaas__config="j",
        ksql__streams__ssl__truststore__location="/kafka",
        ssl__truststore__location="/own",
        listeners="https://x:1",
        authentication__method="BASIC",
    )
    for settings in (made.client_settings(), made.streams_settings({})):
        assert settings["security.protocol"] == "SASL_SSL"
        assert settings["sasl.jaas.config"] == "j"
        assert settings["ssl.truststore.location"] == "/kafka"
        assert "listeners" not in settings
        assert "authentication.method" not in settings


def test_tls(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    own = {"ssl.keystore.location": str(files.pem)}
    asking = {
        "ssl.client.authentication": "REQUIRED",
        "ssl.truststore.location": str(files.authority),
        "ssl.enabled.protocols": "TLSv1.3",
    }
    assert tls.context(own).verify_mode == ssl.CERT_NONE
    made = tls.context(own | asking)
    assert (made.verify_mode, made.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_3)


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({}, "ssl.keystore.location is needed"),
        ({"ssl.keystore.location": "/nowhere"}, "No such file"),
        ({"ssl.keystore.location": "CA"}, "no key with its certificate"),
        ({"ssl.keystore.location": "PEM", "ssl.keystore.type": "BCFKS"}, "none of PEM, JKS"),
        ({"ssl.keystore.location": "PEM", "ssl.enabled.protocols": "SSLv3"}, "SSLV3"),
        ({"ssl.keystore.location": "PEM", "ssl.client.auth": "true"}, "ssl.truststore.location"),
        ({"ssl.keystore.location": "PEM", "ssl.client.authentication": "MAYBE"}, "MAYBE"),
    ],
)
def test_tls_that_cannot_be(tmp_path: Path, properties: dict[str, str], said: str) -> None:
    files = certificate(tmp_path)
    known = {"CA": str(files.authority), "PEM": str(files.pem)}
    with pytest.raises(StartError, match=said):
        tls.context({name: known.get(value, value) for name, value in properties.items()})


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"authentication.method": "DIGEST"}, "neither NONE nor BASIC"),
        ({"authentication.method": "BASIC"}, "needs authentication.users.file"),
        ({"authentication.method": "BASIC", "authentication.users.file": "/no"}, "cannot be read"),
    ],
)
def test_authentication_that_cannot_be(properties: dict[str, str], said: str) -> None:
    with pytest.raises(StartError, match=said):
        authentication.protected(_nobody, properties)


async def _nobody(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive, send


def test_passwords_in_forms_that_are_not_supported_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("a: OBF:1x\n")
    with pytest.raises(StartError, match="neither plain nor MD5"):
        authentication.users(file)


def test_websockets_are_refused_as_requests_are() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    known = {"a": authentication.User("p", frozenset())}
    basic = authentication.Basic(_nobody, known, ["*"], "r", [])
    wrong = base64.b64encode(b"a:q")
    scope = {
        "type": "websocket",
        "path": "/ws/query",
        "headers": [(b"authorization", b"Basic " + wrong)],
    }

    async def receive() -> Any:
        raise AssertionError

    asyncio.run(basic(scope, receive, send))
    assert [m["type"] for m in sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert sent[0]["status"] == 401
