"""A ksqlDB-compatible server as a process, and a client of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition, admin

from lab.wait import wait_until

from .ports import next_port

READY_SECONDS = 120


def until(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Wait until a condition gives something true; the last thing seen is in the error."""
    return wait_until(what, condition, timeout_seconds=seconds, every_seconds=0.02)


class Server:
    """A server process and a client of it."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        classpath: str,
        build_dir: Path,
        *properties: str,
        service_id: str | None = None,
    ) -> None:
        """``properties`` are NAME=VALUE; servers with one service id are nodes of one cluster."""
        self.bootstrap = bootstrap
        self.state_dir = folder / "state"
        self.service_id = service_id or f"t{uuid.uuid4().hex[:10]}_"
        self.port = next_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.client: dict[str, Any] = {}
        """What every call of HTTP is given besides: ``verify``, ``auth``."""
        self._arguments = [
            sys.executable,
            "-m",
            "lab.ksqldb",
            f"--bootstrap-servers={bootstrap}",
            f"--listen=127.0.0.1:{self.port}",
            f"--service-id={self.service_id}",
            f"--state-dir={self.state_dir}",
            f"--build-dir={build_dir}",
            f"--classpath={classpath}",
            "--property=ksql.streams.commit.interval.ms=200",
            *(f"--property={p}" for p in properties),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def configured(self, file: Path, *, scheme: str = "http") -> None:
        """Have it read a file of properties."""
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._arguments.append(f"--config={file}")

    def start(self, *, wait: bool = True) -> None:
        """Start, and wait until it says that it is healthy."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._arguments, stdout=log, stderr=log)
        if wait:
            until(self._healthy, f"the health of {self.url}, see {self.log}", READY_SECONDS)

    def _healthy(self) -> bool:
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            pytest.fail(f"the server ended with {code}:\n{self.log.read_text()[-2000:]}")
        try:
            answer = httpx2.get(f"{self.url}/healthcheck", timeout=2, **self.client).json()
        except (httpx2.HTTPError, ValueError):
            return False
        return bool(answer["isHealthy"])

    def stop(self) -> int:
        """Stop it politely; its exit code."""
        return self.end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill it."""
        return self.end(signal.SIGKILL)

    def end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait(timeout=20)
        self._process = None
        return code

    def wait_until_committed(self) -> None:
        """Wait until every running query has committed what its topics hold.

        What a query at least once had not committed when it is killed, it does again.
        """
        until(lambda: not self._uncommitted(), "the commits of every query")

    def _uncommitted(self) -> list[str]:
        client = admin.AdminClient({"bootstrap.servers": self.bootstrap})
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "looking"})
        behind = []
        try:
            for query in self.ksql("SHOW QUERIES EXTENDED;")[0]["queryDescriptions"]:
                if query["state"] != "RUNNING":
                    continue
                group = query["consumerGroupId"]
                asked = [ConsumerGroupTopicPartitions(group)]
                found = client.list_consumer_group_offsets(asked)[group].result(timeout=10)
                committed = {(p.topic, p.partition): p.offset for p in found.topic_partitions}
                inner = [
                    topic
                    for topic in client.list_topics(timeout=10).topics
                    if topic.startswith(f"{group}-") and topic.endswith("-repartition")
                ]
                for topic in (*self._read_by(query), *inner):
                    for number in client.list_topics(topic, timeout=10).topics[topic].partitions:
                        place = TopicPartition(topic, number)
                        end = reader.get_watermark_offsets(place, timeout=10)[1]
                        if end > max(committed.get((topic, number), 0), 0):
                            behind.append(f"{group} {topic}-{number}")
        finally:
            reader.close()
        return behind

    def _read_by(self, query: dict[str, Any]) -> list[str]:
        sources = self.ksql("".join(f"DESCRIBE `{name}` EXTENDED;" for name in query["sources"]))
        return [source["sourceDescription"]["topic"] for source in sources]

    def ksql(self, text: str, **properties: str) -> Any:
        """Send statements; the answer's body. A refusal fails the test."""
        response = self.post("/ksql", {"ksql": text, "streamsProperties": _earliest(properties)})
        assert response.status_code == 200, response.text
        return response.json()

    def refusal(self, text: str) -> Any:
        """Send a statement that must be refused; the error body."""
        response = self.post("/ksql", {"ksql": text, "streamsProperties": {}})
        assert response.status_code == 400, response.text
        return response.json()

    def select(self, text: str, **properties: str) -> list[Any]:
        """The rows of a query that ends by itself."""
        response = self.post("/query-stream", {"sql": text, "properties": _earliest(properties)})
        assert response.status_code == 200, response.text
        lines = [x for x in response.text.split("\n") if x]
        return [json.loads(x) for x in lines[1:]]

    def get(self, path: str) -> Any:
        """A request without a body."""
        return httpx2.get(self.url + path, timeout=30, **self.client)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """A request with a JSON body."""
        return httpx2.post(self.url + path, json=body, headers=headers, timeout=30, **self.client)


def _earliest(properties: dict[str, str]) -> dict[str, str]:
    return {"auto.offset.reset": "earliest"} | properties
