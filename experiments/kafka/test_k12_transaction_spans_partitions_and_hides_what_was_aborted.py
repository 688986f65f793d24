"""K12. A transaction covers several partitions and topics, and readers of committed data do not see
what was aborted.

Set-up    two topics with three partitions in all, and a transactional producer
Action    one transaction over all three is committed, one is aborted, one is left open for a while;
          then a producer that commits and aborts in turn is killed with SIGKILL at random points,
          again and again, and each time started anew under its transactional id
Observed  read_committed gets the committed records of all three partitions and no others; while a
          transaction is open the last stable offset stands before its first record; each partition
          holds a control batch per transaction; the coordinator's log in __transaction_state says
          the same; of every interrupted transaction all records are seen or none
Control   a reader of uncommitted data gets the aborted records
Limits    one transactional id; what happens when a coordinator dies is not part of this
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from confluent_kafka import Producer

from lab.clients.kafka import KafkaClient
from lab.clients.kafka_border import border
from lab.clients.names import TopicName
from lab.endpoints import Capabilities
from lab.evidence import claim
from lab.evidence.checkers import run_checker
from lab.evidence.history import read_history
from lab.evidence.model import Entry, Outcome
from lab.evidence.names import TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.replicas import batches_on_disk
from lab.evidence.scale import Scale
from lab.evidence.transaction_checkers import aborted_seen, lost_committed, torn
from lab.evidence.workload import wait_until_settled
from lab.targets.base import Target
from lab.wire import transaction_state
from lab.wire.control_records import kind_of
from lab.wire.java_hash import partition_of_group
from lab.workloads import transactions
from lab.workloads.log import WorkloadLog
from lab.workloads.program import KILLED, Program

TRANSACTION_LOG = TopicName("__transaction_state")
COMMITTED = "reader of committed data"
UNCOMMITTED = "reader of uncommitted data"

Place = tuple[TopicName, int]


@claim("K12")
def test_transaction_spans_partitions_and_hides_what_was_aborted(
    lab: Target,
    capabilities: Capabilities,
    kafka: KafkaClient,
    topic: TopicFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    capabilities.require("transactions")

    # Set-up
    accounts, journal = topic("accounts", partitions=2), topic("journal")
    places: list[Place] = [(accounts, 0), (accounts, 1), (journal, 0)]
    transactional_id = unique.of("payments")
    with border("create a transactional producer"):
        producer = Producer(kafka.connection({"transactional.id": transactional_id}))
        producer.init_transactions(60)

    # Action
    write(producer, "committed", places, evidence)
    evidence.act("producer", "commit", "transaction 1", partial(producer.commit_transaction, 60))
    write(producer, "aborted", places, evidence)
    evidence.act("producer", "abort", "transaction 2", partial(producer.abort_transaction, 60))
    for name in (accounts, journal):
        wait_until_settled(kafka, name)
    ends_before = [kafka.end_offset(*place) for place in places]
    write(producer, "open", places, evidence)

    # Observed
    while_open = {
        "last stable": [kafka.stable_offset(*place) for place in places],
        "end": [kafka.end_offset(*place) for place in places],
        "seen": [values(kafka, place, committed=True) for place in places],
    }
    evidence.act("producer", "commit", "transaction 3", partial(producer.commit_transaction, 60))
    for name in (accounts, journal):
        wait_until_settled(kafka, name)
    evidence.observe(
        "offsets and committed records while a transaction is open",
        while_open,
        expected={
            "last stable": ends_before,
            "end": [end + 1 for end in ends_before],
            "seen": [["committed"]] * 3,
        },
        says=f"while one was open the last stable offset stood at {ends_before[0]}, the end at"
        f" {ends_before[0] + 1}; readers of committed data got no further",
    )
    evidence.observe(
        "what read_committed gets from the three partitions in the end",
        [values(kafka, place, committed=True) for place in places],
        expected=[["committed", "open"]] * 3,
        says="two topics, three partitions: the committed records are in all, the aborted in none",
    )
    evidence.observe(
        "the states of the transactional id in the coordinator's log",
        states_of(kafka, transactional_id, evidence),
        expected=["CompleteCommit", "CompleteAbort", "CompleteCommit"],
        says=f"{TRANSACTION_LOG} says the same, and lists all three partitions",
    )
    if capabilities.broker_logs:
        evidence.observe(
            "the control batches in each partition",
            [markers_in(lab, place) for place in places],
            expected=[["commit", "abort", "commit"]] * 3,
            says="each partition holds the control batches commit, abort, commit",
        )
    else:
        evidence.limit("control batches were not looked at: log directories cannot be read")

    # Control
    evidence.control(
        "what a reader of uncommitted data gets",
        [values(kafka, place, committed=False) for place in places],
        expected=[["committed", "aborted", "open"]] * 3,
        says="a reader of uncommitted data gets the aborted records too",
    )

    # Action, again and again
    targets = [topic("accounts-2", partitions=2), topic("journal-2")]
    history = killed_at_random(kafka, targets, unique.of("killed"), evidence, scale)
    log = WorkloadLog()
    for name in targets:
        wait_until_settled(kafka, name)
        log.fetched(kafka.read_all(name, committed=True), actor=COMMITTED)
        log.fetched(kafka.read_all(name), actor=UNCOMMITTED)
    log.save(evidence.folder / f"{unique.of('seen')}.jsonl")
    history = [*history, *log.entries]

    # Observed
    for checker in (torn, aborted_seen, lost_committed):
        found = run_checker(checker, history, reader=COMMITTED)
        evidence.observe(
            f"{checker.__name__}, after {scale.crashes} crashes",
            finding=found,
            says=f"after {scale.crashes} crashes: {found.says}",
        )

    # Control
    found = run_checker(aborted_seen, history, reader=UNCOMMITTED)
    evidence.control(
        "the same checker on the reader of uncommitted data",
        found.outcome,
        expected=Outcome.FAIL,
        says=f"for a reader of uncommitted data it finds: {found.says.partition(':')[0]}",
    )


def write(producer: Producer, value: str, places: Sequence[Place], evidence: Evidence) -> None:
    """Begin a transaction and write one record to each place; nothing is ended."""
    with border(f"write {value!r}"):
        producer.begin_transaction()
        for topic, partition_id in places:
            producer.produce(topic, value.encode(), partition=partition_id)
        left = producer.flush(30)
    evidence.record("producer", "write to three partitions", value, answer={"unsent": left})


def values(kafka: KafkaClient, place: Place, *, committed: bool) -> list[str]:
    """The values that a reader gets from one partition."""
    return [(record.value or b"").decode() for record in kafka.read(*place, committed=committed)]


def states_of(kafka: KafkaClient, transactional_id: str, evidence: Evidence) -> list[str]:
    """How each of the id's transactions ended, from the coordinator's log.

    Only those whose preparing record lists three partitions are counted.
    """
    partition_id = partition_of_group(
        transactional_id, kafka.describe_topic(TRANSACTION_LOG).partitions
    )
    ended, prepared = [], 0
    for record in kafka.read(TRANSACTION_LOG, partition_id):
        if transaction_state.decode_key(record.key or b"") != transactional_id:
            continue
        found = transaction_state.decode_value(record.value or b"")
        evidence.record(TRANSACTION_LOG, "holds", transactional_id, answer=found)
        if found.state in {"PrepareCommit", "PrepareAbort"}:
            prepared = sum(len(partitions) for _, partitions in found.partitions)
        elif found.state in {"CompleteCommit", "CompleteAbort"} and prepared == 3:
            ended.append(found.state)
    return ended


def markers_in(lab: Target, place: Place) -> list[str]:
    """The transaction markers of a partition, on the first broker that has it."""
    batches = batches_on_disk(lab, *place)
    return [kind_of(r) for b in batches if b.control for r in b.records or ()]


def killed_at_random(
    kafka: KafkaClient,
    targets: Sequence[TopicName],
    transactional_id: str,
    evidence: Evidence,
    scale: Scale,
) -> list[Entry]:
    """Run the transactional producer and kill it, once per crash; then let it end by itself."""
    chance = scale.chance("K12")
    log = evidence.folder / f"{transactional_id}.jsonl"
    places = [(targets[0], 0), (targets[0], 1), (targets[1], 0)]
    for run in range(scale.crashes + 1):
        crash: dict[str, object] = {}
        if run < scale.crashes:
            point = chance.choice(transactions.POINTS)
            delay_ms = round(chance.uniform(0.1, 15), 1) if point == "ending" else 0
            crash = {"point": point, "nth": chance.randint(1, 4), "delay_ms": delay_ms}
        options = transactions.Options(
            kafka.bootstrap_servers, places, transactional_id, run, 12, str(log), crash
        )
        with Program(
            transactions.__name__, vars(options), errors=log.with_suffix(".err")
        ) as program:
            program.must_end_with(KILLED if crash else 0)
        evidence.record("producer", "kill -9" if crash else "ended", transactional_id, answer=crash)
    return list(read_history(log))
