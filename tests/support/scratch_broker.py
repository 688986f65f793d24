"""A real broker for the tests of one process: Kafka alone, without registry and ksqlDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.embedded import broker
from lab.embedded.broker import Node
from lab.embedded.outfit import Outfit
from lab.embedded.process import kill_all, spawn
from lab.embedded.state import new_cluster_id
from lab.errors import LabError
from lab.readiness import broker_proven

from .ports import next_port


@contextmanager
def scratch_broker(
    outfit: Outfit,
    folder: Path,
    more: Mapping[str, str] | None = None,
    jvm_options: tuple[str, ...] = (),
) -> Iterator[str]:
    """Start a node in ``folder`` and give its address once it is ready; kill it at the end.

    ``more`` are further settings; those that it has already are continued with a comma.
    """
    node = Node(1, next_port(), next_port())
    folder.mkdir(parents=True)
    log_dir = folder / "data"
    broker.format_storage(log_dir, node.node_id, new_cluster_id(), outfit.kafka_version)
    properties = folder / "server.properties"
    settings = broker.server_properties(node, (node,), host="127.0.0.1", log_dir=log_dir)
    for name, value in (more or {}).items():
        settings[name] = f"{settings[name]},{value}" if name in settings else value
    properties.write_text(broker.render_properties(settings))
    caches = outfit.aot_caches()
    spec = broker.process_spec(
        node,
        java=outfit.java,
        class_path=outfit.class_path("kafka"),
        properties_file=properties,
        jvm_options=(*(caches["broker"].use() if caches else ()), *jvm_options),
    )
    child = spawn(spec, instance=f"tests-{folder}", run_dir=folder, log_dir=folder)

    def give_up() -> None:
        if child.exit_code() is not None:
            raise LabError(f"the scratch broker ended:\n{child.log.read_text()[-2000:]}")

    address = broker.bootstrap_servers((node,), "127.0.0.1")
    try:
        with broker_proven(address, replicas=1, timeout_seconds=60, give_up=give_up):
            pass
        yield address
    finally:
        kill_all([child.record])
        child.release()
