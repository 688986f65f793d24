"""K13. Exactly-once is achieved by clients that use transactions, and an outdated instance is
fenced.

Set-up    a topic of three partitions with records, and a loop that consumes, transforms and
          produces, with its offsets sent within the transaction; a Kafka Streams application with
          exactly_once_v2 that does the same
Action    both are killed with SIGKILL at random points, again and again, and started anew each
          time; of the loop one instance is frozen before its commit, replaced, and let go on
Observed  for a reader of committed data the output is the input, transformed, each record exactly
          once; the outdated instance is told that it is fenced, and adds nothing
Control   the same loop without transactions, and the same application with at_least_once, write
          records twice
Limits    output and offsets are in one cluster: what a program does elsewhere is not covered by its
          transactions; output is compared once no transaction is open (those of killed instances of
          the application are aborted by the coordinator when their time is over)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lab.clients.kafka import KafkaClient
from lab.clients.names import TopicName
from lab.endpoints import Capabilities
from lab.evidence import claim
from lab.evidence.history import read_history
from lab.evidence.names import TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.workload import wait_until_settled
from lab.workloads import transform
from lab.workloads.load import SAFE, Load
from lab.workloads.log import WorkloadLog
from lab.workloads.program import KILLED, Program
from lab.workloads.streams import copy_stream
from lab.workloads.transform import transformed

PARTITIONS = 3
PER_CRASH = 60
CHUNK = 100
EXACTLY_ONCE = {"missing": 0, "doubled": 0, "strange": 0}


@claim("K13")
def test_the_loop_with_transactions(
    capabilities: Capabilities,
    kafka: KafkaClient,
    topic: TopicFactory,
    evidence: Evidence,
    scale: Scale,
) -> None:
    capabilities.require("transactions")

    # Set-up
    orders = topic("orders", partitions=PARTITIONS)
    log = WorkloadLog()
    count = PER_CRASH * (scale.crashes + 3)
    fill(kafka, orders, log, "order", count)
    loop = LoopRuns(kafka, orders, topic("shouted", partitions=PARTITIONS), evidence)
    plain = LoopRuns(kafka, orders, topic("doubled", partitions=PARTITIONS), evidence)
    chance = scale.chance("K13")

    # Action
    for _ in range(scale.crashes):
        point = chance.choice(transform.POINTS)
        delay_ms = round(chance.uniform(0.1, 15), 1) if point == "committing" else 0
        loop.killed({"point": point, "nth": chance.randint(1, 3), "delay_ms": delay_ms})
    told = loop.replaced_while_frozen()

    # Observed
    evidence.observe(
        "the output against the input",
        compared(kafka, orders, loop.sink),
        expected=EXACTLY_ONCE,
        says=f"{scale.crashes} crashes of the loop, {count} records: each is in the output exactly"
        " once",
    )
    evidence.observe(
        "what the outdated instance was told",
        {"exit": told.exit_code, "fenced": told.error in FENCED_ERRORS},
        expected={"exit": transform.FENCED, "fenced": True},
        says=f"the outdated instance was fenced: {told.error}, {told.text}",
    )

    # Control
    plain.killed({"point": "flushed", "nth": 2})
    plain.finished()
    seen = compared(kafka, orders, plain.sink)
    evidence.control(
        "the same loop without transactions, killed between flush and commit",
        {**seen, "doubled": seen["doubled"] > 0},
        expected={"missing": 0, "doubled": True, "strange": 0},
        says=f"without transactions a single crash wrote {seen['doubled']} records twice",
    )


@claim("K13")
def test_kafka_streams_with_exactly_once_v2(
    capabilities: Capabilities,
    kafka: KafkaClient,
    topic: TopicFactory,
    unique: UniqueNames,
    evidence: Evidence,
    scale: Scale,
) -> None:
    capabilities.require("transactions")

    # Set-up
    orders = topic("orders", partitions=PARTITIONS)
    crashes = scale.crashes if scale.thorough else 1
    sinks = {
        guarantee: topic(guarantee.replace("_", "-"), partitions=PARTITIONS)
        for guarantee in ("exactly_once_v2", "at_least_once")
    }

    # Action
    chance = scale.chance("K13-streams")
    log = WorkloadLog()
    for run in range(crashes + 1):
        fill(kafka, orders, log, f"order-{run}", CHUNK)
        stop_after = None if run == crashes else chance.randint(1, CHUNK)
        run_streams(kafka, orders, sinks["exactly_once_v2"], unique, evidence, stop_after, 200)

    # Observed
    evidence.observe(
        "the output against the input",
        compared(kafka, orders, sinks["exactly_once_v2"]),
        expected=EXACTLY_ONCE,
        says=f"a Kafka Streams application with exactly_once_v2, killed {crashes} time(s),"
        f" {CHUNK * (crashes + 1)} records: each is in the output exactly once",
    )

    # Control
    for stop_after in (CHUNK, CHUNK * (crashes + 1)):
        sink = sinks["at_least_once"]
        run_streams(kafka, orders, sink, unique, evidence, stop_after, 600_000)
    seen = compared(kafka, orders, sinks["at_least_once"])
    evidence.control(
        "the same application with at_least_once, killed before its commit",
        {**seen, "doubled": seen["doubled"] > 0},
        expected={"missing": 0, "doubled": True, "strange": 0},
        says=f"with at_least_once a single crash wrote {seen['doubled']} records twice",
    )


FENCED_ERRORS = ("_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "FENCED_INSTANCE_ID")


@dataclass(frozen=True)
class Told:
    """How an instance ended: its exit code, and the error that it was given."""

    exit_code: int
    error: str
    text: str


class LoopRuns:
    """Instances of the loop, one after the other, on one source and one sink."""

    def __init__(
        self, kafka: KafkaClient, source: TopicName, sink: TopicName, evidence: Evidence
    ) -> None:
        self.sink = sink
        self._kafka = kafka
        self._source = source
        self._evidence = evidence
        self._log = evidence.folder / f"{sink}.jsonl"
        self._transactional = "doubled" not in sink
        self._run = 0

    def killed(self, crash: dict[str, object]) -> None:
        """Run an instance until it kills itself."""
        with self._start(crash) as program:
            program.must_end_with(KILLED)
        self._evidence.record("loop", "kill -9", self.sink, answer=crash)

    def finished(self) -> None:
        """Run an instance until it has come to the end of the source."""
        with self._start({}) as program:
            program.must_end_with(0)
        self._evidence.record("loop", "finished", self.sink)

    def replaced_while_frozen(self) -> Told:
        """Freeze an instance before its commit, let another finish the work, let it go on."""
        with self._start({"point": "offsets", "nth": 1, "freeze": True}) as outdated:
            outdated.wait_until_frozen()
            self._evidence.record("loop", "frozen before its commit", self.sink)
            self.finished()
            outdated.resume()
            code = outdated.wait(timeout_seconds=90)
        said = [e.answer for e in read_history(self._log) if e.action == "fenced"]
        self._evidence.record("broker", "tells the outdated instance", self.sink, answer=said)
        answer = said[-1] if said and isinstance(said[-1], dict) else {}
        return Told(code, str(answer.get("name")), str(answer.get("message")))

    def _start(self, crash: dict[str, object]) -> Program:
        options = transform.Options(
            bootstrap_servers=self._kafka.bootstrap_servers,
            source=self._source,
            sink=self.sink,
            group=f"{self.sink}-group",
            partitions=PARTITIONS,
            log=str(self._log),
            run=self._run,
            transactional_id=f"{self.sink}-loop" if self._transactional else None,
            crash=crash,
        )
        self._run += 1
        return Program(transform.__name__, vars(options), errors=self._log.with_suffix(".err"))


def fill(kafka: KafkaClient, topic: TopicName, log: WorkloadLog, prefix: str, count: int) -> None:
    """Produce numbered records, each acknowledged."""
    with Load(
        kafka.connection(SAFE), topic, log, count=count, per_second=50_000, prefix=prefix
    ) as load:
        load.finish()
    assert load.acknowledged == count


def run_streams(
    kafka: KafkaClient,
    source: TopicName,
    sink: TopicName,
    unique: UniqueNames,
    evidence: Evidence,
    stop_after: int | None,
    commit_interval_ms: int,
) -> None:
    """Run the application and kill it once so many records came out, or all offsets are committed.

    What came out counts as soon as it is written, committed or not.
    """
    exactly = "exactly" in sink
    guarantee = "exactly_once_v2" if exactly else "at_least_once"
    before = written(kafka, sink)
    application_id = unique.of(guarantee.replace("_", "-"))
    with copy_stream(
        kafka.bootstrap_servers,
        source=source,
        sink=sink,
        application=application_id,
        guarantee=guarantee,
        commit_interval_ms=commit_interval_ms,
        folder=evidence.folder,
    ) as application:
        if stop_after is None:
            application.wait_until_logged(
                lambda: all_committed(kafka, application_id, source), "all offsets are committed"
            )
        else:
            application.wait_until_logged(
                lambda: written(kafka, sink) >= before + stop_after,
                f"{stop_after} records came out",
            )
    evidence.record("application", "kill -9", sink, answer={"after": stop_after})


def written(kafka: KafkaClient, topic: TopicName) -> int:
    """How many places of the topic's log are taken, by whatever."""
    return sum(kafka.end_offsets(topic).values())


def all_committed(kafka: KafkaClient, group: str, source: TopicName) -> bool:
    """Whether the group has committed the end of every partition of the source."""
    committed = {place: found.offset for place, found in kafka.committed(group).items()}
    return all(committed.get((source, n)) == end for n, end in kafka.end_offsets(source).items())


def compared(kafka: KafkaClient, source: TopicName, sink: TopicName) -> dict[str, int]:
    """The output as a reader of committed data gets it, against the transformed input."""
    wait_until_settled(kafka, sink, timeout_seconds=90)
    expected = Counter(transformed(v) for v in values(kafka, source))
    seen = Counter(values(kafka, sink))
    return {
        "missing": sum((expected - seen).values()),
        "doubled": sum((seen - expected).values()) - len(set(seen) - set(expected)),
        "strange": len(set(seen) - set(expected)),
    }


def values(kafka: KafkaClient, topic: TopicName) -> Sequence[bytes]:
    """Every committed value of the topic."""
    return [record.value or b"" for record in kafka.read_all(topic, committed=True)]
