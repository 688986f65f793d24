"""Basic authentication and TLS of the server, and what must not be told of them."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil
import pytest
from support.certificates import PASSWORD, certificate
from support.ksqldb_server import Server

from lab.clients.errors import KsqlRefused, Unreachable
from lab.clients.ksqldb import KsqlClient

SECRET = "wonder-land-7"
DIGEST = "MD5:c87a8ca60f0891b79d192fa86f019916"  # of "builder"


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def test_users_and_tls(make_server: Callable[..., Server], tmp_path: Path, name: str) -> None:
    """One server: an https listener with a PKCS12 store, and three kinds of users."""
    files = certificate(tmp_path)
    users = tmp_path / "users.properties"
    users.write_text(f"alice: {SECRET},admin\nbob: {DIGEST},developer\neve: pw,guest\n")
    server = make_server()
    config = tmp_path / "ksql-server.properties"
    config.write_text(
        f"listeners=https://127.0.0.1:{server.port}\n"
        f"ssl.keystore.location={files.pkcs12}\nssl.keystore.password={PASSWORD}\n"
        f"authentication.method=BASIC\nauthentication.roles=admin,developer\n"
        f"authentication.users.file={users}\nauthentication.realm=lab\n"
        "authentication.skip.paths=/info*\n"
        "ksql.schema.registry.url=http://someone:hidden-1@127.0.0.1:1\n"
        "ksql.schema.registry.basic.auth.user.info=someone:hidden-2\n"
    )
    server.configured(config, scheme="https")
    context = trusting(files.authority)
    server.client = {"verify": context}
    server.start()
    _check_refusals(server)
    server.client = {"verify": context, "auth": ("alice", SECRET)}
    _check_http2(server, context)
    columns = "(id VARCHAR KEY, v INT)"
    made = server.ksql(
        f"CREATE STREAM {name} {columns} WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', "
        f"PARTITIONS=1); INSERT INTO {name} VALUES ('a', 1); SHOW PROPERTIES;"
    )
    shown = json.dumps(made)
    told = {p["name"] for p in made[-1]["properties"]}
    assert "authentication.method" in told
    assert "ssl.keystore.password" not in told
    assert server.select(f"SELECT * FROM {name};") == [["a", 1]]
    _check_own_clients(server, files.authority, name)
    process = psutil.Process(server.pid)
    visible = " ".join(process.cmdline()) + shown + server.log.read_text()
    for secret in (SECRET, DIGEST, PASSWORD, "hidden-1", "hidden-2"):
        assert secret not in visible
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"http://127.0.0.1:{server.port}/info", timeout=5)


def _check_refusals(server: Server) -> None:
    assert server.get("/healthcheck").status_code == 200
    assert server.get("/v1/metadata/id").status_code == 200
    assert server.get("/info").status_code == 200, "a path that is skipped"
    unauthorized = {"@type": "generic_error", "error_code": 40100, "message": "Unauthorized"}
    wrong = (None, ("alice", "no"), ("nobody", SECRET), ("bob", DIGEST), ("alice", ""))
    for auth in wrong:
        answer = httpx2.post(
            f"{server.url}/ksql", json={"ksql": "SHOW STREAMS;"}, auth=auth, **server.client
        )
        assert (answer.status_code, answer.json()) == (401, unauthorized)
        assert answer.headers["www-authenticate"] == 'Basic realm="lab"'
    garbled = {"Authorization": "Basic %%%"}
    assert httpx2.get(f"{server.url}/x", headers=garbled, **server.client).status_code == 401
    forbidden = httpx2.post(f"{server.url}/ksql", auth=("eve", "pw"), **server.client)
    assert (forbidden.status_code, forbidden.json()["error_code"]) == (403, 40300)
    good = httpx2.get(f"{server.url}/status", auth=("bob", "builder"), **server.client)
    assert good.status_code == 200


def _check_own_clients(server: Server, authority: Path, name: str) -> None:
    address = server.url.removeprefix("https://")
    with KsqlClient(f"https://alice:{SECRET}@{address}", ca_file=authority) as client:
        assert client.pull(f"SELECT * FROM {name};").rows == (("a", 1),)
        assert SECRET not in client.url
    with KsqlClient(server.url, ca_file=authority) as client, pytest.raises(KsqlRefused) as no:
        client.queries()
    assert (no.value.status, no.value.error_code) == (401, 40100)
    with KsqlClient(server.url, auth=("alice", SECRET)) as client, pytest.raises(Unreachable):
        client.info()
    arguments = ["ksql", "--url", server.url, "--user", "alice", "--ca", str(authority)]
    shell = subprocess.run(
        [sys.executable, "-m", "lab", *arguments, "-e", f"DESCRIBE {name};"],
        env=os.environ | {"LAB_KSQLDB_PASSWORD": SECRET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (shell.returncode, shell.stderr) == (0, "")
    assert "INTEGER" in shell.stdout


def _check_http2(server: Server, context: ssl.SSLContext) -> None:
    with httpx2.Client(http2=True, verify=context, auth=("alice", SECRET)) as client:
        answer = client.get(f"{server.url}/status")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
