"""Q15. The guarantee exactly_once_v2 keeps a query exact over crashes of the server.

Set-up    two pairs of queries over the same topic, each a stream that passes every record on and a
          table that counts them; one pair with processing.guarantee exactly_once_v2, the other with
          at_least_once, and otherwise set alike: they commit every three seconds, nothing is cached
Action    round by round records are produced at a steady pace and the server is killed with -9 at a
          random moment, while there is work in the sinks that was not committed; it is started
          again, and everything is waited for
Observed  for readers of committed data each record is in the output of exactly_once_v2 once, and
          its counts are exact: the latest in the sink, those of the pull query, and none came twice
Control   the at_least_once pair, over the same crashes, loses nothing, has records twice, and
          counts too high
Limits    one server, whose disk survives the crashes; the brokers stay up: what they do when they
          crash is K04's
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

import pytest

from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import PartitionId, QueryId, SourceName, TopicName
from lab.clients.records import StoredRecord
from lab.evidence import claim
from lab.evidence.exactness import EXACT_COPIES, EXACT_COUNTS, Copies, Counts, copies, counts
from lab.evidence.faults import Faults
from lab.evidence.names import SourceFactory, TopicFactory
from lab.evidence.recorder import Evidence
from lab.evidence.scale import Scale
from lab.evidence.servers import own_server
from lab.evidence.tables import Cell
from lab.evidence.workload import wait_until_settled
from lab.targets.base import Target
from lab.wait import wait_until
from lab.workloads.load import SAFE, Load
from lab.workloads.log import WorkloadLog

PARTITIONS = 3
PER_SECOND = 600
COMMIT_INTERVAL_MS = 3_000
EXACTLY, AT_LEAST = "exactly_once_v2", "at_least_once"
PATIENCE_SECONDS = 180
"""A group may wait for a killed member's session, a reader for its transaction, to time out."""


def properties(guarantee: str) -> Mapping[str, str]:
    """What the statements are run with: the same but for the guarantee."""
    return {
        "ksql.streams.auto.offset.reset": "earliest",
        "ksql.streams.processing.guarantee": guarantee,
        "ksql.streams.commit.interval.ms": str(COMMIT_INTERVAL_MS),
        # The setting's name until Kafka 3.4, and since.
        "ksql.streams.cache.max.bytes.buffering": "0",
        "ksql.streams.statestore.cache.max.bytes": "0",
    }


@claim("Q15")
@pytest.mark.disruptive
def test_exactly_once_is_exact_over_crashes(
    lab: Target,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    topic: TopicFactory,
    source_name: SourceFactory,
    evidence: Evidence,
    faults: Faults,
    scale: Scale,
) -> None:
    faults.require("kill", "restart", "transactions")
    node = own_server(lab)
    # A server takes longer to come back than a client that K13 kills.
    crashes, chance = max(1, scale.crashes // 2), scale.chance("Q15")
    per_round = max(500, scale.records * 5 // 2 // crashes)

    # Set-up
    source, lines = topic("lines", partitions=PARTITIONS), source_name("lines")
    ksqldb.execute(
        f"CREATE STREAM {lines} (line VARCHAR) WITH (KAFKA_TOPIC='{source}', VALUE_FORMAT='KAFKA');"
    )
    pairs = {
        guarantee: started(evidence, kafka, ksqldb, source_name, lines, guarantee)
        for guarantee in (EXACTLY, AT_LEAST)
    }
    truth = Output(kafka, source)

    # Action
    rounds = []
    for n in range(crashes):
        marks = [query.mark(source) for query in pairs[AT_LEAST]]
        killed_at = ahead = 0
        for part in count():
            load = load_of(kafka, source, f"line-{n}-{part}", per_round)
            with load:
                load.wait_for(chance.randint(per_round // 5, per_round * 3 // 5))
                ahead = once_ahead(pairs[AT_LEAST], marks, source, load)
                killed_at = load.acknowledged
                if ahead:
                    faults.kill(node)
                load.finish()
            if ahead:
                break
        begun = time.monotonic()
        faults.restart(node)
        back_seconds = round(time.monotonic() - begun, 1)
        for query in (*pairs[EXACTLY], *pairs[AT_LEAST]):
            query.wait_until_done(source)
        truth.read()
        seen = {guarantee: compared(truth, pair) for guarantee, pair in pairs.items()}
        rounds.append(Round(killed_at, ahead, back_seconds, len(truth.records), seen))
        evidence.record("experiment", "compares after a crash", node, answer=rounds[-1])
    exact, loose = rounds[-1].seen[EXACTLY], rounds[-1].seen[AT_LEAST]
    lay_out(evidence, rounds)

    # Observed
    evidence.observe(
        "the records passed on with exactly_once_v2, after each crash",
        [each.seen[EXACTLY].copies for each in rounds],
        expected=[EXACT_COPIES] * crashes,
        says=f"exactly_once_v2, {crashes} crashes, {len(truth.records)} records: each of them is in"
        " the output once",
    )
    evidence.observe(
        "the counts with exactly_once_v2, after each crash",
        [each.seen[EXACTLY].counts for each in rounds],
        expected=[EXACT_COUNTS] * crashes,
        says=f"exactly_once_v2: the counts by key are exact, and none of {exact.updates} updates"
        " came twice",
    )
    evidence.observe(
        "the pull query's answer with exactly_once_v2",
        pulled(ksqldb, pairs[EXACTLY][1].sink),
        expected=by_last_digit(truth),
        says="exactly_once_v2: a pull query answers with the exact counts",
    )

    # Control
    evidence.control(
        "the at_least_once pair over the same crashes",
        {
            "missing": loose.copies.missing + loose.counts.low,
            "doubled": loose.copies.doubled > 0,
            "counted too high": loose.counts.high > 0,
        },
        expected={"missing": 0, "doubled": True, "counted too high": True},
        says=f"at_least_once, the same crashes: {loose.copies.doubled} records are in the output"
        f" again, and the counts are too high by {loose.counts.high}",
    )


class Output:
    """What readers of committed data get of a topic, read on from time to time."""

    def __init__(self, kafka: KafkaClient, topic: TopicName) -> None:
        self.topic = topic
        self.records: list[StoredRecord] = []
        self._kafka = kafka
        self._next: dict[PartitionId, int] = {}

    def read(self) -> None:
        """Read what came since."""
        wait_until_settled(self._kafka, self.topic, timeout_seconds=PATIENCE_SECONDS)
        for partition in range(self._kafka.describe_topic(self.topic).partitions):
            place = PartitionId(partition)
            start = self._next.get(place, 0)
            more = self._kafka.read(self.topic, partition, start=start, committed=True)
            self.records += more
            if more:
                self._next[place] = more[-1].offset + 1


@dataclass(frozen=True)
class Mark:
    """How far a query was at a time: records in its sink, records of the source committed."""

    written: int
    committed: int


class Query:
    """A persistent query, its consumer group and its sink."""

    def __init__(self, kafka: KafkaClient, query: QueryId, sink: SourceName) -> None:
        self.sink = sink
        self.output = Output(kafka, TopicName(sink))
        self._kafka = kafka
        self._group = wait_until(
            f"a group of {query}",
            lambda: next((g for g in kafka.groups() if g.endswith(query)), None),
            timeout_seconds=60,
        )

    def mark(self, source: TopicName) -> Mark:
        """How far the query is; what its sink has, committed or not."""
        committed = self._kafka.committed(self._group).values()
        return Mark(
            sum(self._kafka.end_offsets(self.sink).values()),
            sum(each.offset for each in committed if each.topic == source),
        )

    def is_done(self, source: TopicName) -> bool:
        """Whether the query has committed the end of all that it reads."""
        committed = {p: each.offset for p, each in self._kafka.committed(self._group).items()}
        topics = {source} | {topic for topic, _ in committed}
        return all(
            committed.get((topic, partition)) == end
            for topic in topics
            for partition, end in self._kafka.end_offsets(topic).items()
            if end
        )

    def wait_until_done(self, source: TopicName) -> None:
        """Wait until that is so."""
        wait_until(
            f"{self._group} has committed everything",
            partial(self.is_done, source),
            timeout_seconds=PATIENCE_SECONDS,
            every_seconds=0.3,
        )


Pair = tuple[Query, Query]
"""The query that passes records on, and the one that counts them."""


@dataclass(frozen=True)
class Compared:
    """A pair's outputs against the source; ``updates`` is how many counts were written."""

    copies: Copies
    counts: Counts
    updates: int


@dataclass(frozen=True)
class Round:
    """A crash: when it was, what was ahead of the last commit, and what came of it."""

    killed_at: int
    ahead: int
    back_seconds: float
    records: int
    seen: Mapping[str, Compared]


def started(
    evidence: Evidence,
    kafka: KafkaClient,
    ksqldb: KsqlClient,
    source_name: SourceFactory,
    lines: SourceName,
    guarantee: str,
) -> Pair:
    """Start the two queries with this guarantee."""
    passed, counted = (source_name(f"{kind}_{guarantee}") for kind in ("passed", "counted"))
    statements = {
        passed: f"CREATE STREAM {passed} WITH (VALUE_FORMAT='KAFKA') AS SELECT line FROM {lines}"
        " EMIT CHANGES;",
        counted: f"CREATE TABLE {counted} WITH (VALUE_FORMAT='JSON') AS"
        f" SELECT SUBSTRING(line, LEN(line)) AS digit, COUNT(*) AS n FROM {lines}"
        " GROUP BY SUBSTRING(line, LEN(line)) EMIT CHANGES;",
    }
    made = {
        sink: evidence.act(
            "user",
            f"{statement} -- {guarantee}",
            sink,
            partial(ksqldb.start_query, statement, properties=properties(guarantee)),
        )
        for sink, statement in statements.items()
    }
    return Query(kafka, made[passed], passed), Query(kafka, made[counted], counted)


def load_of(kafka: KafkaClient, source: TopicName, prefix: str, records: int) -> Load:
    """A load of so many records, each of which is acknowledged in the end."""
    return Load(
        kafka.connection(SAFE),
        source,
        WorkloadLog(),
        count=records,
        per_second=PER_SECOND,
        prefix=prefix,
    )


def once_ahead(pair: Pair, before: Sequence[Mark], source: TopicName, load: Load) -> int:
    """How many records both sinks got beyond the last commit, once there are any in each.

    0 if the load ended, and all of it was committed, before that was seen.
    """

    def ahead() -> tuple[int] | None:
        over = load.ended
        now = [query.mark(source) for query in pair]
        beyond = [
            (mark.written - then.written) - (mark.committed - then.committed)
            for mark, then in zip(now, before, strict=True)
        ]
        if min(beyond) > 0:
            return (sum(beyond),)
        done = over and all(query.is_done(source) for query in pair)
        return (0,) if done else None

    (found,) = wait_until(
        "both sinks are ahead of what is committed",
        ahead,
        timeout_seconds=PATIENCE_SECONDS,
        every_seconds=0.02,
    )
    return found


def compared(truth: Output, pair: Pair) -> Compared:
    """The pair's outputs, read on, against the source."""
    passed, counted = (query.output for query in pair)
    passed.read()
    counted.read()
    updates = [
        (record.key or b"", int(json.loads(record.value or b"{}")["N"]))
        for record in counted.records
    ]
    return Compared(
        copies(
            Counter(record.value or b"" for record in truth.records),
            Counter(record.value or b"" for record in passed.records),
        ),
        counts({digit.encode(): n for digit, n in by_last_digit(truth).items()}, updates),
        len(updates),
    )


def by_last_digit(truth: Output) -> dict[str, int]:
    """The counts as they must be."""
    return dict(Counter((record.value or b"")[-1:].decode() for record in truth.records))


def pulled(ksqldb: KsqlClient, table: SourceName) -> dict[str, int]:
    """The counts that a pull query answers with."""
    rows = ksqldb.pull(f"SELECT digit, n FROM {table};").rows
    return {str(digit): int(str(n)) for digit, n in rows}


def lay_out(evidence: Evidence, rounds: Sequence[Round]) -> None:
    """Crash by crash, what both guarantees made of the records so far."""
    evidence.table(
        "Crashes of the server",
        [
            "Crash",
            "Records before it, of its round",
            "In at_least_once's sinks beyond the last commit",
            "Back after",
            "Records so far",
            "exactly_once_v2: copies, counts",
            "at_least_once: copies, counts",
        ],
        [
            [
                str(n),
                str(each.killed_at),
                str(each.ahead),
                f"{each.back_seconds} s",
                str(each.records),
                *(told(each.seen[guarantee]) for guarantee in (EXACTLY, AT_LEAST)),
            ]
            for n, each in enumerate(rounds, 1)
        ],
        "Both pairs read the same topic and lived through the same crashes; what is off is summed"
        " up from the first crash on",
    )


def told(seen: Compared) -> Cell:
    """What is off, in a cell."""
    off = {
        "missing": seen.copies.missing,
        "from nowhere": seen.copies.strange,
        "again": seen.copies.doubled,
        "counted too low": seen.counts.low,
        "counted too high": seen.counts.high,
        "updates again": seen.counts.repeated,
    }
    text = ", ".join(f"{n} {what}" for what, n in off.items() if n)
    return Cell(text or "exact", "no" if text else "yes")
