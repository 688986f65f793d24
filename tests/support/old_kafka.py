"""A broker of Apache Kafka 2.0 with its ZooKeeper: what clusters were, and some still are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.config import Settings
from lab.embedded.broker import LIGHT_JVM, render_properties
from lab.embedded.download import fetch
from lab.embedded.jars import JarCache, parse_lock
from lab.embedded.outfit import Outfit
from lab.embedded.process import Child, ProcessSpec, kill_all, spawn
from lab.embedded.resolve import repository_url
from lab.errors import LabError
from lab.wait import wait_until

from .ports import next_port

LOCK = Path(__file__).with_name("old_kafka.lock.json")


@contextmanager
def old_broker(outfit: Outfit, folder: Path) -> Iterator[str]:
    """Start both in ``folder``, give the broker's address once it listens, kill them."""
    artifacts = parse_lock(LOCK.read_text("utf-8")).sets["old-kafka"]
    settings = Settings.from_env()
    jars = JarCache(settings.cache_dir)
    if missing := jars.missing(artifacts):
        fetch(
            jars,
            missing,
            repository=lambda: repository_url(settings.maven_mirror),
            local_repository=settings.maven_local,
            progress=lambda _artifact, _bytes: None,
        )
    folder.mkdir(parents=True)
    keeper, broker = next_port(), next_port()
    configurations = {
        "zookeeper": {
            "dataDir": str(folder / "zookeeper"),
            "clientPort": str(keeper),
            "clientPortAddress": "127.0.0.1",
        },
        "broker": {
            "broker.id": "1",
            "listeners": f"PLAINTEXT://127.0.0.1:{broker}",
            "zookeeper.connect": f"127.0.0.1:{keeper}",
            "log.dirs": str(folder / "data"),
            "log.cleaner.dedupe.buffer.size": "4194304",
        },
    }
    main = {
        "zookeeper": "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        "broker": "kafka.Kafka",
    }
    children: list[Child] = []

    def listening(name: str, sign: bytes) -> None:
        file = folder / f"{name}.properties"
        file.write_text(render_properties(configurations[name]))
        argv = (str(outfit.java.java), "-Xmx256m", *LIGHT_JVM, "-Dzookeeper.jmx.log4j.disable=true")
        spec = ProcessSpec(name, (*argv, "-cp", jars.class_path(artifacts), main[name], str(file)))
        child = spawn(spec, instance=f"tests-{folder}", run_dir=folder, log_dir=folder)
        children.append(child)

        def give_up() -> None:
            if child.exit_code() is not None:
                raise LabError(f"the old {name} ended:\n{child.log.read_text()[-2000:]}")

        wait_until(
            f"the old {name} says {sign.decode()}",
            lambda: sign in child.log.read_bytes(),
            timeout_seconds=90,
            give_up=give_up,
        )

    try:
        listening("zookeeper", b"binding to port")
        listening("broker", b"[KafkaServer id=1] started")
        yield f"127.0.0.1:{broker}"
    finally:
        kill_all([child.record for child in children])
        for child in children:
            child.release()
