"""Several nodes of one cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx2
from support.ksqldb_server import Server

EACH = 30


def sources(server: Server) -> dict[str, str]:
    """The streams of a node, with their statements."""
    answer = server.ksql("SHOW STREAMS EXTENDED;")[0]["sourceDescriptions"]
    return {s["name"]: s["statement"] for s in answer}


def test_statements_sent_to_both_nodes_reach_both_once(
    make_server: Callable[..., Server], name: str
) -> None:
    first = make_server()
    first.start()
    second = make_server(service_id=first.service_id)
    second.start()
    first.ksql(f"CREATE STREAM {name} (K INT KEY, V INT) WITH (KAFKA_TOPIC='{name}',"
               " PARTITIONS=1, VALUE_FORMAT='JSON');")  # fmt: skip

    answers: dict[str, Any] = {}

    def send(server: Server, source: str) -> None:
        with_ = f"WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='JSON')"
        statement = f"CREATE STREAM {source} (K INT KEY, V INT) {with_};"
        try:
            answers[f"{source} {server.port}"] = server.post(
                "/ksql", {"ksql": statement, "streamsProperties": {}}
            )
        except httpx2.HTTPError as error:
            answers[f"{source} {server.port}"] = error

    def run(server: Server, prefix: str) -> None:
        for n in range(EACH):
            send(server, f"{name}_{prefix}{n}")
            if n % 10 == 0:  # the same name from both: one of them is refused
                send(server, f"{name}_BOTH{n}")

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, "A"), (second, "B"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = [key for key, a in answers.items() if a.status_code != 200]
    assert len(refused) == EACH // 10, [answers[k].text for k in refused]
    assert all("already exists" in answers[key].text for key in refused)
    done = [a.json()[0] for a in answers.values() if a.status_code == 200]
    number = max(entity["commandSequenceNumber"] for entity in done)
    for node in (first, second):
        after = {"ksql": "SHOW STREAMS;", "streamsProperties": {}, "commandSequenceNumber": number}
        assert node.post("/ksql", after).status_code == 200
    assert sources(first) == sources(second)
    assert len([s for s in sources(first) if s.startswith(f"{name}_")]) == 2 * EACH + EACH // 10
