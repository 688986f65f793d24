"""What the answers are worth when the server is killed and its local state is lost."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from support.ksqldb_server import Server, until

KEYS = 37
RECORDS = 12_000


def produce(bootstrap: str, topic: str, numbers: range) -> None:
    """One record per number, grouped under one of some keys."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    for number in numbers:
        value = json.dumps({"GRP": f"g{number % KEYS}", "N": number})
        producer.produce(topic, value=value, partition=number % 3)
        producer.poll(0)
    assert producer.flush(30) == 0


def read_committed(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes | None]]:
    """Every committed record of a topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "looking",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    found: list[tuple[bytes | None, bytes | None]] = []
    try:
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
        ended: set[int] = set()
        while len(ended) < len(partitions):
            message = consumer.poll(10)
            assert message is not None, f"no end of {topic} seen"
            if message.error():
                ended.add(message.partition() or 0)
            else:
                found.append((message.key(), message.value()))
    finally:
        consumer.close()
    return found


def create(server: Server, name: str) -> None:
    server.ksql(
        f"CREATE STREAM {name} (grp VARCHAR, n INT) WITH (KAFKA_TOPIC='{name}', "
        "VALUE_FORMAT='JSON', PARTITIONS=3);"
        f"CREATE STREAM {name}_COPY AS SELECT n, grp FROM {name};"
        f"CREATE TABLE {name}_SUMS AS SELECT grp, COUNT(*) AS seen, SUM(n) AS total "
        f"FROM {name} GROUP BY grp;"
    )


def expected() -> dict[str, tuple[int, int]]:
    sums = {f"g{k}": (0, 0) for k in range(KEYS)}
    for number in range(RECORDS):
        seen, total = sums[f"g{number % KEYS}"]
        sums[f"g{number % KEYS}"] = (seen + 1, total + number)
    return sums


def test_exactly_once_is_exact_under_kills(make_server: Callable[..., Server], name: str) -> None:
    server = make_server("ksql.streams.processing.guarantee=exactly_once_v2")
    server.start()
    create(server, name)
    half = RECORDS // 2

    def copied() -> int:
        return len(read_committed(server.bootstrap, f"{name}_COPY"))

    def more_than(count: int) -> bool:
        return copied() > count

    for part in range(2):
        before = copied()
        produce(server.bootstrap, name, range(part * half, (part + 1) * half))
        until(partial(more_than, before), "some of the part in the sink", 30)
        server.kill()
        server.start()

    def sums() -> dict[str, tuple[int, int]]:
        rows = server.select(f"SELECT grp, seen, total FROM {name}_SUMS;")
        return {group: (seen, total) for group, seen, total in rows}

    until(lambda: sums() == expected(), "the exact sums", 60)
    until(lambda: copied() >= RECORDS, "every record in the copy", 60)
    values = [json.loads(v) for _, v in read_committed(server.bootstrap, f"{name}_COPY") if v]
    assert [n for n, times in Counter(v["N"] for v in values).items() if times > 1] == []
    assert len(values) == RECORDS
    # A changelog of committed sums never counts a record twice on its way.
    latest = {}
    for key, value in read_committed(server.bootstrap, f"{name}_SUMS"):
        assert key is not None
        assert value is not None
        latest[key.decode()] = json.loads(value)
    assert {k: (v["SEEN"], v["TOTAL"]) for k, v in latest.items()} == expected()


def test_lost_local_state_is_rebuilt_from_the_changelog(server: Server, name: str) -> None:
    create(server, name)
    produce(server.bootstrap, name, range(300))
    pull = f"SELECT grp, seen, total FROM {name}_SUMS;"
    until(lambda: sum(r[1] for r in server.select(pull)) == 300, "every record counted")
    written = until(
        lambda: _settled(server, f"{name}_SUMS", {row[0]: row[1] for row in server.select(pull)}),
        "the last sums in the sink",
    )
    before = sorted(server.select(pull))
    server.wait_until_committed()
    server.kill()
    assert any(server.state_dir.rglob("*.sst")) or any(server.state_dir.rglob("*.log"))
    shutil.rmtree(server.state_dir)
    server.start()
    until(lambda: sorted(server.select(pull)) == before, "the same answers")
    assert len(read_committed(server.bootstrap, f"{name}_SUMS")) == written


def _settled(server: Server, topic: str, counts: dict[str, int]) -> int | None:
    """How many records the sink has once it holds the latest counts."""
    records = read_committed(server.bootstrap, topic)
    latest = {k.decode(): json.loads(v)["SEEN"] for k, v in records if k and v}
    return len(records) if latest == counts else None
