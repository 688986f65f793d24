"""How fast ksqlDB servers are, on the same data and side by side with hand-written Kafka Streams.

    python benchmarks/ksqldb.py                                     a lab of its own
    python benchmarks/ksqldb.py --bootstrap HOST:PORT --ksqldb URL [--ksqldb URL]

Every line is measured in rounds: each server in turn, then the hand-written program, so that the
ratios hold even when the machine's speed drifts. The first round warms everything up and does not
count. A throughput is exact or it is no result: counts and sums are compared with what was sent.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from lab.config import Settings
from lab.embedded.fetching import outfitter
from lab.wait import wait_until

HERE = Path(__file__).parent
KEYS = 1000
PARTITIONS = 3
PROPERTIES = {
    "ksql.streams.auto.offset.reset": "earliest",
    "ksql.streams.commit.interval.ms": "500",
}


@dataclass
class Line:
    """One measured quantity: its values per system, one per round."""

    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, system: str, value: float) -> None:
        """Take a round's value."""
        self.values.setdefault(system, []).append(value)


class Data:
    """A topic of records, and what the queries must make of it."""

    def __init__(self, bootstrap: str, count: int) -> None:
        self.bootstrap = bootstrap
        self.count = count
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.topic = f"bench_{uuid.uuid4().hex[:8]}"
        self.create(self.topic)
        self.kept = 0
        self.totals: dict[str, tuple[int, int]] = {}
        self._fill()

    def create(self, topic: str, partitions: int = PARTITIONS) -> None:
        """Make a topic, and wait until clients can see it."""
        made = self.admin.create_topics([NewTopic(topic, partitions, 1)])
        made[topic].result(timeout=20)
        wait_until(f"topic {topic}", lambda: topic in self.admin.list_topics(timeout=10).topics)

    def delete(self, *topics: str) -> None:
        """Remove topics, as far as they are there."""
        with suppress(Exception):
            for deleted in self.admin.delete_topics(list(topics)).values():
                deleted.result(timeout=20)

    def _fill(self) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 20})
        for number in range(self.count):
            region = f"region-{number * 7919 % KEYS}"
            amount = number * 31 % 101
            row = {"REGION": region, "AMOUNT": amount, "NAME": f"customer {number % 5000} of many"}
            producer.produce(self.topic, key=str(number), value=json.dumps(row))
            if number % 5000 == 0:
                producer.poll(0.01)
            seen, total = self.totals.get(region, (0, 0))
            self.totals[region] = (seen + 1, total + amount)
            self.kept += amount >= 10
        if producer.flush(60):
            sys.exit("error: the broker did not take the records in a minute")

    @contextmanager
    def watch(self, topic: str) -> Iterator[Consumer]:
        """A consumer that reads a topic from its beginning."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "bench-looking",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        consumer.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        try:
            yield consumer
        finally:
            consumer.close()

    def until_copied(self, consumer: Consumer) -> float:
        """When the last of the kept records was there, by ``time.perf_counter``."""
        seen = 0
        while seen < self.kept:
            seen += sum(1 for m in consumer.consume(20_000, 0.02) if not m.error())
        if seen != self.kept:
            sys.exit(f"error: {seen} records in the sink, {self.kept} expected")
        return time.perf_counter()

    def until_counted(self, consumer: Consumer) -> float:
        """When the sink's latest rows were the exact counts and sums."""
        latest: dict[str, tuple[int, int]] = {}
        deadline = time.monotonic() + 300
        while latest != self.totals:
            if time.monotonic() > deadline:
                sys.exit("error: the exact sums were not reached within 300 s")
            for message in consumer.consume(20_000, 0.02):
                value, key = message.value(), message.key()
                if message.error() is None and value is not None and key is not None:
                    row = json.loads(value)
                    latest[key.decode().strip('"')] = (row["SEEN"], row["TOTAL"])
        return time.perf_counter()


class Ksqldb:
    """One server under measurement, over one kept-alive connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 8088)
        self._connection = http.client.HTTPConnection(*self._address, timeout=60)
        info = json.loads(self.get("/info"))["KsqlServerInfo"]
        self.name = f"{info.get('product', 'ksqlDB')} {info['version']} at {parts.netloc}"

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read()

    def post(self, path: str, body: object) -> bytes:
        """The body of an answer; a refusal ends the program."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/vnd.ksqlapi.delimited.v1"
            if path == "/query-stream"
            else "application/vnd.ksql.v1+json",
        }
        self._connection.request("POST", path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"error: {self.url} answered {answer.status} to {body}: {text.decode()[:300]}")
        return text

    def ksql(self, text: str) -> None:
        """Send statements, from the earliest records on, with the recorded commit interval."""
        self.post("/ksql", {"ksql": text, "streamsProperties": PROPERTIES})

    def drop(self, kind: str, name: str) -> None:
        """End a source's queries and remove it with its topic."""
        found = json.loads(self.post("/ksql", {"ksql": "SHOW QUERIES;"}))
        for query in found[0]["queries"]:
            if f"_{name}_" in query["id"]:
                self.ksql(f"TERMINATE {query['id']};")
        self.ksql(f"DROP {kind} IF EXISTS {name} DELETE TOPIC;")

    def push_rows(self, sql: str, rows: Callable[[bytes], None], ready: threading.Event) -> None:
        """Read a push query's lines until it ends."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        body = json.dumps({"sql": sql, "properties": {"auto.offset.reset": "latest"}})
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/vnd.ksqlapi.delimited.v1",
        }
        connection.request("POST", "/query-stream", body, headers)
        answer = connection.getresponse()
        answer.readline()
        ready.set()
        while line := answer.readline():
            rows(line)
        connection.close()

    @property
    def resident_mb(self) -> float:
        """What the process behind the port holds in memory, if it is on this machine; else 0."""
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr.port == self._address[1]:
                return float(psutil.Process(found.pid).memory_info().rss / 1e6)
        return 0.0


class ByHand:
    """The hand-written program in a Java process of its own."""

    name = "hand-written Kafka Streams"

    def __init__(self, bootstrap: str, scratch: Path) -> None:
        outfit = outfitter(Settings.from_env(), quiet=True)()
        path = outfit.class_path("ksqldb")
        java = str(outfit.java.home / "bin" / "java")
        compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
        subprocess.run(
            [
                java,
                "-cp",
                path,
                compiler,
                "-17",
                "-nowarn",
                "-classpath",
                path,
                "-d",
                str(scratch),
                str(HERE / "java" / "Limit.java"),
            ],
            check=True,
        )
        self._errors = (scratch / "hand-written.log").open("w+")
        self._process = subprocess.Popen(
            [java, "-cp", f"{scratch}:{path}", "Limit", bootstrap, str(scratch / "state")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def say(self, line: str) -> None:
        """Give a command and wait until it is done."""
        assert self._process.stdin is not None  # noqa: S101 - narrows a type
        assert self._process.stdout is not None  # noqa: S101 - narrows a type
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "done\n":
            self._errors.seek(0)
            sys.exit(f"error: the hand-written program ended:\n{self._errors.read()[-2000:]}")

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(timeout=20)
        self._errors.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker")
    parser.add_argument("--ksqldb", metavar="URL", action="append", default=[])
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if bool(options.bootstrap) != bool(options.ksqldb):
        parser.error("--bootstrap and --ksqldb belong together")
    with (
        tempfile.TemporaryDirectory(prefix="lab-bench-") as scratch,
        targets(options.bootstrap, options.ksqldb, Path(scratch)) as (bootstrap, urls),
    ):
        lines = measure(bootstrap, urls, options.records, options.rounds, Path(scratch))
    if options.json:
        print(json.dumps({n: {"unit": x.unit, "values": x.values} for n, x in lines.items()}))
    else:
        show(lines)


@contextmanager
def targets(
    bootstrap: str | None, urls: list[str], scratch: Path
) -> Iterator[tuple[str, list[str]]]:
    """The given broker and servers, or those of a lab that is stopped at the end."""
    if bootstrap:
        yield bootstrap, urls
        return
    environment = {**os.environ, "LAB_STATE_DIR": str(scratch / "lab")}
    lab = (sys.executable, "-m", "lab")
    subprocess.run([*lab, "up"], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        found = subprocess.run(
            [*lab, "env", "--json"], env=environment, check=True, capture_output=True
        )
        endpoints = json.loads(found.stdout)
        yield endpoints["LAB_BOOTSTRAP_SERVERS"], [endpoints["LAB_KSQLDB_URL"]]
    finally:
        subprocess.run([*lab, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)


def measure(
    bootstrap: str, urls: list[str], records: int, rounds: int, scratch: Path
) -> dict[str, Line]:
    """All lines."""
    lines = {
        "CSAS, filter and projection": Line("records/s"),
        "CTAS, GROUP BY, COUNT and SUM": Line("records/s"),
        "CREATE STREAM over a topic": Line("ms"),
        "statement to first row, CSAS": Line("ms"),
        "statement to first row, CTAS": Line("ms"),
        "pull query by key, p50": Line("ms"),
        "pull query by key, p99": Line("ms"),
        "INSERT INTO VALUES, p50": Line("ms"),
        "push query, record to row, p50": Line("ms"),
        "resident memory at the end": Line("MB"),
    }
    data = Data(bootstrap, records)
    few = Data(bootstrap, 2000)
    servers = [Ksqldb(url) for url in urls]
    (scratch / "classes").mkdir()
    by_hand = ByHand(bootstrap, scratch / "classes")
    try:
        for number in range(rounds + 1):
            took: dict[str, dict[str, float]] = {}
            for server in servers:
                took[server.name] = of_server(server, data, few)
            took[by_hand.name] = of_program(by_hand, data)
            if number:
                for system, values in took.items():
                    for name, value in values.items():
                        lines[name].add(system, value)
    finally:
        by_hand.close()
        data.delete(data.topic, few.topic)
    return lines


def of_server(server: Ksqldb, data: Data, few: Data) -> dict[str, float]:
    """One round on one server."""
    tag = uuid.uuid4().hex[:6].upper()
    source, small = f"SRC_{tag}", f"FEW_{tag}"
    found: dict[str, float] = {}
    declared = "(id VARCHAR KEY, region VARCHAR, amount INT, name VARCHAR)"
    for name, topic in ((source, data.topic), (small, few.topic)):
        begun = time.perf_counter()
        server.ksql(
            f"CREATE STREAM {name} {declared} WITH (KAFKA_TOPIC='{topic}', VALUE_FORMAT='JSON');"
        )
        found["CREATE STREAM over a topic"] = (time.perf_counter() - begun) * 1000

    def query(kind: str, sink: str, select: str, until: Callable[[Data, Consumer], float]) -> float:
        big = data if f"FROM {source}" in select else few
        big.create(sink)
        with big.watch(sink) as consumer:
            begun = time.perf_counter()
            server.ksql(
                f"CREATE {kind} {sink} WITH (PARTITIONS={PARTITIONS}, KAFKA_TOPIC='{sink}') "
                f"AS SELECT {select};"
            )
            return until(big, consumer) - begun

    def first(_: Data, consumer: Consumer) -> float:
        while not [m for m in consumer.consume(1, 0.05) if not m.error()]:
            pass
        return time.perf_counter()

    copy = "id, region, amount * 2 AS twice, UCASE(name) AS name FROM {} WHERE amount >= 10"
    count = "region, COUNT(*) AS seen, SUM(amount) AS total FROM {} GROUP BY region"
    for kind, label in (("STREAM", "CSAS"), ("TABLE", "CTAS")):
        sink = f"FIRST_{label}_{tag}"
        text = (copy if kind == "STREAM" else count).format(small)
        found[f"statement to first row, {label}"] = query(kind, sink, text, first) * 1000
    seconds = query("STREAM", f"COPY_{tag}", copy.format(source), Data.until_copied)
    found["CSAS, filter and projection"] = data.count / seconds
    seconds = query("TABLE", f"SUMS_{tag}", count.format(source), Data.until_counted)
    found["CTAS, GROUP BY, COUNT and SUM"] = data.count / seconds
    found |= _pulls(server, f"SUMS_{tag}")
    found["INSERT INTO VALUES, p50"] = statistics.median(
        _timed(lambda: server.ksql(f"INSERT INTO {small} VALUES ('k', 'r', 1, 'n');"), 60)
    )
    found["push query, record to row, p50"] = _push(server, few, small)
    found["resident memory at the end"] = server.resident_mb
    for kind, name in (
        ("STREAM", f"COPY_{tag}"),
        ("TABLE", f"SUMS_{tag}"),
        ("STREAM", f"FIRST_CSAS_{tag}"),
        ("TABLE", f"FIRST_CTAS_{tag}"),
    ):
        server.drop(kind, name)
    for name in (source, small):
        server.ksql(f"DROP STREAM {name};")
    return found


def _timed(action: Callable[[], object], times: int) -> list[float]:
    """How many ms each call took."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        found.append((time.perf_counter() - begun) * 1000)
    return found


def _pulls(server: Ksqldb, table: str) -> dict[str, float]:
    numbers = iter(range(KEYS))

    def pull() -> None:
        key = f"region-{next(numbers)}"
        body = {"sql": f"SELECT * FROM {table} WHERE region='{key}';", "properties": {}}
        if key.encode() not in server.post("/query-stream", body):
            sys.exit(f"error: no row for {key}")

    took = sorted(_timed(pull, 500))
    return {
        "pull query by key, p50": statistics.median(took),
        "pull query by key, p99": took[int(len(took) * 0.99)],
    }


def _push(server: Ksqldb, data: Data, stream: str) -> float:
    arrived: dict[str, float] = {}
    seen = threading.Event()
    ready = threading.Event()
    count = 100

    def row(line: bytes) -> None:
        text = line.decode()
        for name in ("warm", "mark"):
            if name in text:
                arrived[json.loads(text)[0]] = time.perf_counter()
                seen.set()

    sql = f"SELECT name FROM {stream} WHERE id = 'push' EMIT CHANGES LIMIT {count + 1};"
    reader = threading.Thread(target=server.push_rows, args=(sql, row, ready), daemon=True)
    reader.start()
    ready.wait(30)
    producer = Producer({"bootstrap.servers": data.bootstrap, "linger.ms": 0})

    def send(name: str) -> float:
        value = json.dumps({"REGION": "r", "AMOUNT": 1, "NAME": name})
        seen.clear()
        sent = time.perf_counter()
        producer.produce(data.topic, key="push", value=value)
        producer.poll(0)
        return sent

    # The query starts at the end of the topic at some moment after its header: ask until it sees.
    while not seen.is_set():
        send("warm")
        seen.wait(0.2)
    took = []
    for number in range(count):
        name = f"mark-{number}"
        sent = send(name)
        while name not in arrived and reader.is_alive():
            seen.wait(0.05)
        if name in arrived:
            took.append((arrived[name] - sent) * 1000)
    producer.flush(10)
    return statistics.median(took)


def of_program(by_hand: ByHand, data: Data) -> dict[str, float]:
    """One round of the hand-written program: the two throughputs."""
    found = {}
    for word, line, until in (
        ("copy", "CSAS, filter and projection", data.until_copied),
        ("count", "CTAS, GROUP BY, COUNT and SUM", data.until_counted),
    ):
        sink = f"hand_{word}_{uuid.uuid4().hex[:8]}"
        data.create(sink)
        with data.watch(sink) as consumer:
            begun = time.perf_counter()
            by_hand.say(f"{word} {data.topic} {sink} bench-{sink}")
            found[line] = data.count / (until(consumer) - begun)
        by_hand.say("stop")
        left = [t for t in data.admin.list_topics(timeout=10).topics if f"bench-{sink}" in t]
        data.delete(sink, *left)
    return found


def show(lines: dict[str, Line]) -> None:
    """A table for people: medians, ranges, and ratios to the last system of a line."""
    for name, line in lines.items():
        print(f"{name} ({line.unit})")
        last = list(line.values)[-1]
        for system, values in line.values.items():
            digits = 0 if max(values) > 1000 else 1
            text = f"{statistics.median(values):,.{digits}f}"
            spread = f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"
            ratios = [a / b for a, b in zip(values, line.values[last], strict=True)]
            ratio = "" if system == last else f"; {statistics.median(ratios):.2f} of {last}"
            print(f"    {system}: {text} ({spread}){ratio}")


if __name__ == "__main__":
    main()
