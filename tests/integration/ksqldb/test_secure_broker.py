"""A server that reaches its broker over TLS, with a user and password, by properties alone."""

from __future__ import annotations

from pathlib import Path

from support.certificates import PASSWORD, certificate
from support.ksqldb_server import Server, until
from support.ports import next_port
from support.scratch_broker import scratch_broker

from lab.embedded.outfit import Outfit

SECRET = "broker-secret-9"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def test_sasl_over_tls(outfit: Outfit, build_dir: Path, tmp_path: Path, name: str) -> None:
    files = certificate(tmp_path)
    port = next_port()
    secured = "listener.name.secured"
    more = {
        "listeners": f"SECURED://127.0.0.1:{port}",
        "advertised.listeners": f"SECURED://127.0.0.1:{port}",
        "listener.security.protocol.map": "SECURED:SASL_SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        f"{secured}.sasl.enabled.mechanisms": "PLAIN",
        f"{secured}.plain.sasl.jaas.config": f'{_PLAIN} user_lab="{SECRET}";',
        f"{secured}.ssl.keystore.type": "PKCS12",
        f"{secured}.ssl.keystore.location": str(files.pkcs12),
        f"{secured}.ssl.keystore.password": PASSWORD,
    }
    config = tmp_path / "ksql-server.properties"
    config.write_text(
        f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n"
        f'sasl.jaas.config={_PLAIN} username="lab" password="{SECRET}";\n'
        f"ksql.streams.ssl.truststore.type=PEM\n"
        f"ksql.streams.ssl.truststore.location={files.authority}\n"
    )
    folder = tmp_path / "server"
    folder.mkdir()
    with scratch_broker(outfit, tmp_path / "broker", more):
        server = Server(folder, f"127.0.0.1:{port}", outfit.class_path("ksqldb"), build_dir)
        server.configured(config)
        try:
            server.start()
            server.ksql(
                f"CREATE STREAM {name} (id VARCHAR KEY, v INT) "
                f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON', PARTITIONS=1);"
                f"CREATE TABLE {name}_T AS SELECT id, SUM(v) AS s FROM {name} GROUP BY id;"
                f"INSERT INTO {name} VALUES ('a', 1); INSERT INTO {name} VALUES ('a', 2);"
            )
            pulled = f"SELECT * FROM {name}_T WHERE id = 'a';"
            until(lambda: server.select(pulled) == [["a", 3]], "the aggregate's row")
            pushed = f"SELECT v FROM {name} EMIT CHANGES LIMIT 2;"
            assert server.select(pushed) == [[1], [2]]
            told = server.post("/ksql", {"ksql": "SHOW PROPERTIES;"}).text
            assert SECRET not in told + server.log.read_text()
        finally:
            server.kill()
