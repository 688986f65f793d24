"""K10. An idempotent producer may retry without writing a record twice.

Set-up    a topic; a proxy between client and broker that reads the protocol
Action    the broker's answer to a Produce request never reaches the client: once it is dropped, so
          that the client waits in vain, and once the connection is cut instead
Observed  the proxy saw the client send the same batch again, with one producer id, epoch and
          sequence; the broker answered each time; the log holds one record, in a batch so numbered
Control   enable.idempotence=false, everything else the same: the batches carry no producer id, and
          the log holds the record as often as it was sent
Limits    one producer, one partition, one record per batch; within one producer's lifetime (what
          lasts longer is K13)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lab.clients.kafka import KafkaClient
from lab.clients.names import TopicName
from lab.endpoints import Capabilities, Endpoints
from lab.evidence import claim
from lab.evidence.names import TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.replicas import batches_on_disk
from lab.evidence.workload import fetched, produce
from lab.targets.base import Target
from lab.wire.kafka_proxy import KafkaProxy, listed
from lab.wire.proxy_rules import Deed, Rule
from lab.wire.record_batch import RecordBatch
from lab.wire.requests import decode_produce

VALUE = b"pay 100 to Ann"


@dataclass(frozen=True)
class Number:
    """How a batch says whose it is and which one of theirs."""

    producer_id: int
    epoch: int
    sequence: int


@claim("K10")
def test_idempotent_producer_makes_a_retry_harmless(
    lab: Target,
    endpoints: Endpoints,
    capabilities: Capabilities,
    kafka: KafkaClient,
    topic: TopicFactory,
    evidence: Evidence,
) -> None:
    capabilities.require("proxy")

    deeds: tuple[Deed, ...] = ("drop", "cut")
    for deed in deeds:
        # Set-up
        payments, unprotected = topic(f"payments-{deed}"), topic(f"unprotected-{deed}")

        # Action
        sent, answers = produce_without_an_answer(
            endpoints, payments, deed, idempotence=True, evidence=evidence
        )

        # Observed
        how = {"drop": "the answer was dropped", "cut": "the connection was cut"}[deed]
        stored = fetched(evidence, kafka.read(payments, 0))
        evidence.observe(
            "the requests that the proxy saw, and the answers of the broker",
            {"again": len(sent) > 1, "numbers": len(set(sent)), "answered": answers > 1},
            expected={"again": True, "numbers": 1, "answered": True},
            says=f"{how}: the client sent the batch {len(sent)} times, under one number",
        )
        evidence.observe(
            "whether the batches have a producer id",
            {number.producer_id >= 0 for number in sent},
            expected={True},
            says="the number: " + ", ".join(f"{k} {v}" for k, v in asdict(sent[0]).items()),
        )
        evidence.observe(
            "the records in the log",
            [record.value for record in stored],
            expected=[VALUE],
            says="and the log holds one record",
        )
        if capabilities.broker_logs:
            evidence.observe(
                "the numbers in the batches on disk",
                [number_of(batch) for batch in batches_on_disk(lab, payments, 0)],
                expected=sent[:1],
                says="whose batch on disk has that number",
            )
        else:
            evidence.limit("the batch on disk was not looked at: log directories cannot be read")

        # Control
        sent, answers = produce_without_an_answer(
            endpoints, unprotected, deed, idempotence=False, evidence=evidence
        )
        evidence.control(
            "without idempotence: the requests, their numbers, the answers",
            {"again": len(sent) > 1, "numbers": set(sent), "answered": answers > 1},
            expected={"again": True, "numbers": {Number(-1, -1, -1)}, "answered": True},
            says=f"without idempotence ({how}) the batches carry no number",
        )
        evidence.control(
            "without idempotence: the records in the log",
            [record.value for record in kafka.read(unprotected, 0)],
            expected=[VALUE] * len(sent),
            says=f"and the log holds the record {len(sent)} times",
        )


def produce_without_an_answer(
    endpoints: Endpoints, topic: TopicName, deed: Deed, *, idempotence: bool, evidence: Evidence
) -> tuple[list[Number], int]:
    """Produce a record while the first answer to Produce is kept from the client.

    Returns the number of each batch that the client sent, and how many times the broker answered.
    """
    with KafkaProxy(endpoints.bootstrap_servers) as proxy:
        proxy.add(Rule("Produce", "answer", deed))
        config = {"enable.idempotence": idempotence, "socket.timeout.ms": 2_000}
        produce(
            evidence, KafkaClient(proxy.bootstrap_servers), topic, VALUE, partition=0, config=config
        )
        requests, answers = proxy.seen("Produce"), proxy.seen("Produce", "answer")
        evidence.record(
            "proxy",
            "saw",
            topic,
            answer=listed(sorted([*requests, *answers], key=lambda f: f.at_ns)),
        )
        assert not proxy.problems, proxy.problems
    batches = [
        batch
        for frame in requests
        for found in decode_produce(frame.body)
        for batch in found.batches
    ]
    return [number_of(batch) for batch in batches], len(answers)


def number_of(batch: RecordBatch) -> Number:
    """Producer id, epoch and sequence of a batch."""
    return Number(batch.producer_id, batch.producer_epoch, batch.base_sequence)
