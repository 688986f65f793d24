"""Nodes that speak to each other over TLS, as users."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx2
from support.certificates import PASSWORD, certificate
from support.ksqldb_server import Server, until
from support.ports import next_port

KEYS = [f"k{n}" for n in range(16)]
SECRET = "between-nodes-1"


def count_by_key(server: Server, name: str) -> str:
    """Have the cluster count, with records of all keys; the pull query of all counts."""
    server.ksql(
        f"CREATE STREAM {name} (ID INT KEY, G STRING) WITH (KAFKA_TOPIC='{name}', PARTITIONS=4,"
        f" VALUE_FORMAT='JSON'); CREATE TABLE {name}_T AS SELECT G, COUNT(*) AS N FROM {name}"
        " GROUP BY G;"
    )
    server.ksql("".join(f"INSERT INTO {name} VALUES ({n}, '{k}');" for n, k in enumerate(KEYS)))
    return f"SELECT G, N FROM {name}_T;"


def test_nodes_with_tls_users_and_a_listener_of_their_own(
    make_server: Callable[..., Server], tmp_path: Path, name: str
) -> None:
    """The second node's password for others is wrong, the first one's is right."""
    files = certificate(tmp_path)
    users = tmp_path / "users.properties"
    users.write_text(f"node: {SECRET},nodes\n")
    nodes: list[Server] = []
    internal: list[int] = []
    for number, password in enumerate((SECRET, "wrong")):
        service_id = nodes[0].service_id if nodes else None
        server = make_server(service_id=service_id)
        internal.append(next_port())
        config = tmp_path / f"{number}.properties"
        config.write_text(
            f"ksql.internal.listener=https://127.0.0.1:{internal[-1]}\n"
            f"ssl.keystore.location={files.pkcs12}\nssl.keystore.password={PASSWORD}\n"
            f"ssl.truststore.location={files.authority}\nssl.truststore.type=PEM\n"
            f"authentication.method=BASIC\nauthentication.users.file={users}\n"
            f"ksql.internal.basic.auth.user.info=node:{password}\n"
        )
        server.configured(config)
        server.client = {"auth": ("node", SECRET)}
        server.start()
        nodes.append(server)
    first, second = nodes
    hosts = {f"127.0.0.1:{port}" for port in internal}
    select = count_by_key(first, name)
    expected = [[key, 1] for key in sorted(KEYS)]

    def answering() -> set[str]:
        body = {"ksql": select, "requestProperties": {"request.ksql.debug.request": True}}
        answer = first.post("/query", body)
        if answer.status_code != 200:
            return set()
        rows = [row for row in answer.json() if "sourceHost" in row]
        return {f"{r['sourceHost']['host']}:{r['sourceHost']['port']}" for r in rows}

    until(lambda: answering() == hosts, "rows of both nodes", 60)
    until(lambda: sorted(first.select(select)) == expected, "all rows", 60)
    # What marks requests of nodes means nothing where clients are served.
    marks = {
        "request.ksql.internal.request": True,
        "request.ksql.query.pull.skip.forwarding": True,
        "request.ksql.query.pull.partition": "0",
    }
    for path, text in (("/query-stream", "sql"), ("/query", "ksql")):
        marked = first.post(path, {text: select, "requestProperties": marks}).text
        assert all(f'"{key}",1' in marked for key in KEYS), marked
    shown = first.post("/ksql", {"ksql": "SHOW QUERIES;", "requestProperties": marks}).json()
    assert shown[0]["queries"][0]["statusCount"] == {"RUNNING": 2}
    by_nodes = httpx2.post(
        f"https://127.0.0.1:{internal[0]}/ksql",
        json={"ksql": "SHOW QUERIES;", "requestProperties": marks},
        verify=ssl.create_default_context(cafile=str(files.authority)),
        auth=("node", SECRET),
    ).json()
    assert by_nodes[0]["queries"][0]["statusCount"] == {"RUNNING": 1}
    refused = second.post("/query-stream", {"sql": select})
    assert (refused.status_code, refused.json()["error_code"]) == (503, 50300)
    assert f"127.0.0.1:{internal[0]}: Unauthorized" in refused.json()["message"]
    for server in nodes:
        told = server.log.read_text() + str(server.ksql("SHOW PROPERTIES;"))
        assert SECRET not in told
        for path in ("/heartbeat", "/lag"):
            refused = server.post(path, {})
            assert (refused.status_code, refused.json()["error_code"]) == (400, 40000)
