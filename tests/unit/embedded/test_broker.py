"""A node's configuration and storage, as pure functions give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.embedded import broker
from lab.embedded.broker import Node
from lab.embedded.jars import load_lock
from lab.embedded.jre import JavaRuntime

ONE = (Node(1, 20001, 20002),)
THREE = (Node(1, 20001, 20004), Node(2, 20002, 20005), Node(3, 20003, 20006))
VERSION = load_lock().versions["Apache Kafka"]


def properties(node: Node, nodes: tuple[Node, ...]) -> dict[str, str]:
    return broker.server_properties(node, nodes, host="127.0.0.1", log_dir=Path("/data"))


def test_every_listener_is_on_loopback() -> None:
    for key in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        for part in properties(THREE[0], THREE)[key].split(","):
            assert "127.0.0.1:" in part


def test_one_node_replicates_nothing() -> None:
    found = properties(ONE[0], ONE)
    assert found["offsets.topic.replication.factor"] == "1"
    assert found["transaction.state.log.min.isr"] == "1"
    assert found["controller.quorum.voters"] == "1@127.0.0.1:20002"


def test_three_nodes_are_a_quorum_and_replicate_internal_topics() -> None:
    found = properties(THREE[1], THREE)
    assert found["node.id"] == "2"
    assert found["controller.quorum.voters"] == (
        "1@127.0.0.1:20004,2@127.0.0.1:20005,3@127.0.0.1:20006"
    )
    assert found["transaction.state.log.replication.factor"] == "3"
    assert found["transaction.state.log.min.isr"] == "2"


def test_storage_is_formatted_once(tmp_path: Path) -> None:
    log_dir = tmp_path / "data"
    broker.format_storage(log_dir, 3, "a-cluster-id-22-chars.", VERSION)
    meta = (log_dir / "meta.properties").read_text()
    assert "cluster.id=a-cluster-id-22-chars.\n" in meta
    assert "node.id=3\n" in meta
    assert "version=1\n" in meta
    broker.format_storage(log_dir, 3, "another", VERSION)
    assert (log_dir / "meta.properties").read_text() == meta
    assert (log_dir / "bootstrap.checkpoint").stat().st_size > 100


def test_the_package_has_the_storage_template_of_the_pinned_version(tmp_path: Path) -> None:
    broker.format_storage(tmp_path, 1, "x", VERSION)
    content = (tmp_path / "bootstrap.checkpoint").read_bytes()
    for feature in (b"metadata.version", b"group.version", b"transaction.version"):
        assert feature in content


def test_a_path_with_a_backslash_survives_the_properties_format() -> None:
    assert broker.render_properties({"log.dirs": "C:\\data"}) == "log.dirs=C:\\\\data\n"


@pytest.mark.parametrize("options", [(), ("-XX:AOTCache=/c.aot",)])
def test_the_argument_list_is_plain(options: tuple[str, ...]) -> None:
    spec = broker.process_spec(
        ONE[0],
        java=JavaRuntime(Path("/jre"), "25.0.2", 25),
        class_path="/a.jar:/b.jar",
        properties_file=Path("/run/broker-1.properties"),
        jvm_options=options,
    )
    assert spec.name == "broker-1"
    assert spec.argv[0] == "/jre/bin/java"
    assert spec.argv[-2:] == ("kafka.Kafka", "/run/broker-1.properties")
    assert set(options) <= set(spec.argv)
