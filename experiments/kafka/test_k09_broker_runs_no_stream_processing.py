"""K09. The broker itself processes no streams.

Set-up    a stream and, in ksqlDB, a query that writes every value in upper case to a sink topic
Action    ksqlDB is killed; records are produced to the source; ksqlDB is started again
Observed  while ksqlDB is dead the source grows and the sink stands still, for many times as long as
          it needed before; once ksqlDB is back the sink catches up, although nobody produced
Control   while ksqlDB runs, before and after, the sink follows the source
Limits    one query; ksqlDB may write again what it had not committed when it was killed, so that
          different items are compared; that the sink would never move without ksqlDB is concluded
          from its standing still for several times the usual delay
"""

from __future__ import annotations

import json
import time

import pytest

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import TopicName
from lab.errors import ConditionTimeout
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.servers import own_server
from lab.evidence.workload import produce
from lab.targets.base import Target
from lab.wait import wait_until

STILL_SECONDS = 3.0


@claim("K09")
@pytest.mark.disruptive
def test_broker_runs_no_stream_processing(
    lab: Target,
    faults: Faults,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")
    processor = own_server(lab)

    # Set-up
    orders_topic, orders, shouted = topic("orders"), source_name("orders"), source_name("shouted")
    ksqldb.execute(
        f"CREATE STREAM {orders} (item VARCHAR)"
        f" WITH (KAFKA_TOPIC='{orders_topic}', VALUE_FORMAT='JSON');"
    )
    statement = f"CREATE STREAM {shouted} AS SELECT UCASE(item) AS item FROM {orders} EMIT CHANGES;"
    evidence.act("user", statement, shouted, lambda: ksqldb.start_query(statement))
    sink = TopicName(shouted)

    # Control
    delays = []
    for item in ("apple", "pear"):
        begun = time.monotonic()
        buy(item, orders_topic, kafka, evidence)
        items_once({item.upper()}, sink, kafka)
        delays.append(round(time.monotonic() - begun, 2))
    running = items_in(sink, kafka)

    # Action
    faults.kill(processor)
    for item in ("plum", "fig", "cherry"):
        buy(item, orders_topic, kafka, evidence)
    still = stays_at(2, sink, kafka)
    source_while_dead = kafka.end_offset(orders_topic)
    sink_while_dead = items_in(sink, kafka)
    faults.restart(processor)
    caught_up = items_once({"PLUM", "FIG", "CHERRY"}, sink, kafka)

    # Observed
    evidence.observe(
        "the source and the sink while ksqlDB was dead",
        {"source": source_while_dead, "sink": sink_while_dead, "stood still": still},
        expected={"source": 5, "sink": ["APPLE", "PEAR"], "stood still": True},
        says=f"ksqlDB dead: the source grew from 2 to 5, the sink stood still for {STILL_SECONDS:g}"
        " s",
    )
    evidence.observe(
        "the sink once ksqlDB is back, with nobody producing",
        caught_up,
        expected={"APPLE", "PEAR", "PLUM", "FIG", "CHERRY"},
        says="ksqlDB back: the sink caught up",
    )

    # Control
    buy("grape", orders_topic, kafka, evidence)
    evidence.control(
        "the sink while ksqlDB runs, before and after",
        [running, "GRAPE" in items_once({"GRAPE"}, sink, kafka)],
        expected=[["APPLE", "PEAR"], True],
        says=f"while ksqlDB runs the sink follows, after {delays[-1]} s",
    )


def buy(item: str, topic: TopicName, kafka: KafkaClient, evidence: Evidence) -> None:
    """Produce one order."""
    produce(evidence, kafka, topic, json.dumps({"item": item}).encode())


def items_in(sink: TopicName, kafka: KafkaClient) -> list[str]:
    """What the sink has now."""
    if not kafka.has_topic(sink):
        return []
    return [json.loads(record.value or b"{}")["ITEM"] for record in kafka.read_all(sink)]


def items_once(awaited: set[str], sink: TopicName, kafka: KafkaClient) -> set[str]:
    """The sink's different items once these are among them. Raises ConditionTimeout."""

    def probe() -> set[str] | None:
        found = set(items_in(sink, kafka))
        return found if awaited <= found else None

    return wait_until(f"{sorted(awaited)} in {sink}", probe, timeout_seconds=60)


def stays_at(count: int, sink: TopicName, kafka: KafkaClient) -> bool:
    """Whether the sink gets no further record for a while."""
    try:
        wait_until(
            f"more than {count} records in {sink}",
            lambda: len(items_in(sink, kafka)) > count,
            timeout_seconds=STILL_SECONDS,
        )
    except ConditionTimeout:
        return True
    return False
