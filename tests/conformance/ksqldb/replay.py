# ruff: noqa: T201 - a command that prints
"""Replays a recorded scenario against a server and its broker.

``python tests/conformance/ksqldb/replay.py URL BOOTSTRAP [SCENARIO …]`` prints every difference;
the tests use the same functions.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import confluent_kafka.admin as kafka_admin
import httpx2
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

HERE = Path(__file__).parent
_BROKER_WAIT_SECONDS = 20
_LOG_TOPIC = "default_ksql_processing_log"


def _comparer() -> Any:
    spec = importlib.util.spec_from_file_location("ksqldb_comparer", HERE / "comparer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


comparer = _comparer()


@dataclass(frozen=True)
class Result:
    """One step's agreement."""

    step: int
    what: str
    differences: tuple[Any, ...]
    same_message: bool | None = None

    @property
    def agrees(self) -> bool:
        return not self.differences


def scenario(name: str) -> dict[str, Any]:
    """A recorded scenario."""
    data: dict[str, Any] = json.loads((HERE / "recorded" / f"ksqldb-{name}.json").read_text())
    return data


def replay(
    name: str, url: str, bootstrap: str, service_id: str, registry_url: str = ""
) -> Iterator[Result]:
    """Send each request in order and compare; look at the broker where the recording did."""
    broker = Broker(bootstrap, service_id)
    ids: dict[str, str] = {}
    with httpx2.Client(base_url=url, timeout=60) as client:
        for number, step in enumerate(scenario(name)["steps"]):
            if step.get("service") == "sr":
                yield _registry_exchange(registry_url, number, step)
            elif "request" in step:
                broker.note(_sql(step["request"].get("body")))
                yield _settled(lambda: _exchange(client, number, step, ids, service_id), step)  # noqa: B023 - called at once
            else:
                yield broker.look(number, step)


def _settled(exchange: Callable[[], Result], step: dict[str, Any]) -> Result:
    """An exchange; a pull query is sent again until its table has come as far as the recorded."""
    sql = _sql(step["request"].get("body"))
    rows = step["response"].get("lines", [])[1:]
    waits = bool(rows) and sql.startswith("SELECT") and "EMIT" not in sql
    deadline = time.monotonic() + _BROKER_WAIT_SECONDS
    while True:
        result = exchange()
        if result.agrees or not waits or time.monotonic() > deadline:
            return result


def _exchange(
    client: Any, number: int, step: dict[str, Any], ids: dict[str, str], service_id: str
) -> Result:
    request, recorded = step["request"], step["response"]
    body = request.get("body")
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    for theirs, ours in ids.items():
        data = data.replace(theirs, ours) if data else data
    what = f"{request['method']} {request['path']} {_sql(body)}"
    headers = request.get("headers") or {}
    if recorded.get("ended_by_client"):
        return _left(client, number, what, request["path"], data, headers, recorded["lines"])
    response = client.request(request["method"], request["path"], content=data, headers=headers)
    differences = []
    both_failed = recorded["status"] >= 500 and response.status_code >= 400
    if response.status_code != recorded["status"] and not both_failed:
        differences.append(comparer.Difference("status", recorded["status"], response.status_code))
    same = None
    if "lines" in recorded:
        lines = [x for x in _as_default(response.text, service_id).split("\n") if x]
        any_rows = "LIMIT" in _sql(body)
        differences += comparer.compare_lines(recorded["lines"], lines, any_rows=any_rows)
    else:
        expected = recorded.get("body")
        actual = _body(_as_default(response.text, service_id))
        differences += comparer.compare_bodies(expected, _without_strangers(expected, actual))
        if isinstance(expected, dict) and "message" in expected and isinstance(actual, dict):
            same = comparer.text(expected["message"]) == comparer.text(actual.get("message", ""))
        _learn(expected, actual, ids)
    return Result(number, what, tuple(differences), same)


def _registry_exchange(registry_url: str, number: int, step: dict[str, Any]) -> Result:
    request, recorded = step["request"], step["response"]
    response = httpx2.request(
        request["method"],
        registry_url + request["path"],
        json=request["body"],
        headers=request["headers"],
        timeout=30,
    )
    differences = []
    if response.status_code != recorded["status"]:
        differences.append(comparer.Difference("status", recorded["status"], response.status_code))
    differences += comparer.compare_bodies(
        _without_ids(recorded["body"]), _without_ids(response.json())
    )
    return Result(number, f"{request['method']} {request['path']}", tuple(differences))


def _without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """A registry's answer without the schema's id, and a JSON schema as data."""
    found = {k: v for k, v in answer.items() if k != "id"}
    schema = found.get("schema", "")
    return found | {"schema": json.loads(schema)} if schema.startswith(("{", "[")) else found


def _left(
    client: Any, number: int, what: str, path: str, data: str | None, headers: Any, lines: list[str]
) -> Result:
    """A streamed answer of which as many lines are read as were recorded."""
    with client.stream("POST", path, content=data, headers=headers) as response:
        coming = response.iter_lines()
        got = [line for _, line in zip(lines, coming, strict=False)]
    return Result(number, what, tuple(comparer.compare_lines(lines, got, any_rows=False)))


def _as_default(text: str, service_id: str) -> str:
    """An answer as the service id of the recording would have it."""
    return (
        text.replace(f"_confluent-ksql-{service_id}", "_confluent-ksql-default_")
        .replace(f"{service_id}ksql_processing_log", "default_ksql_processing_log")
        .replace(f'"{service_id}"', '"default_"')
    )


def _body(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _without_strangers(expected: Any, actual: Any) -> Any:
    """An answer of SHOW TOPICS without the topics of other tests on the same broker."""
    for wanted, got in zip(expected, actual, strict=False) if isinstance(actual, list) else ():
        if isinstance(wanted, dict) and "topics" in wanted and "topics" in got:
            names = {t["name"] for t in wanted["topics"]}
            got["topics"] = [t for t in got["topics"] if t["name"] in names]
    return actual


def _sql(body: Any) -> str:
    if isinstance(body, dict):
        return str(body.get("ksql") or body.get("sql") or "")
    return str(body or "")


def _learn(expected: Any, actual: Any, ids: dict[str, str]) -> None:
    """Later requests name queries by the ids this server gave them."""
    pattern = re.compile(r"C[ST]AS_[A-Z0-9_]+?_\d+")
    theirs = pattern.findall(json.dumps(expected))
    ours = pattern.findall(json.dumps(actual))
    pairs = zip(theirs, ours, strict=False)
    ids.update({a: b for a, b in pairs if a.rsplit("_", 1)[0] == b.rsplit("_", 1)[0]})


class Broker:
    """Looks at the broker as the recording did."""

    def __init__(self, bootstrap: str, service_id: str) -> None:
        self._bootstrap = bootstrap
        self._service_id = service_id
        self._admin = kafka_admin.AdminClient({"bootstrap.servers": bootstrap})
        self._terminated = False

    def look(self, number: int, step: dict[str, Any]) -> Result:
        if "topics" in step:
            return self._until_agreed(number, step)
        if "created" in step:
            new = kafka_admin.NewTopic(step["created"], step["partitions"], 1)  # type: ignore[attr-defined] # exported in fact
            self._admin.create_topics([new])[step["created"]].result(timeout=10)
            return Result(number, f"created {step['created']}", ())
        if "produced_to" in step:
            return self._produce(number, step)
        return self._records(number, step)

    def _produce(self, number: int, step: dict[str, Any]) -> Result:
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for key, value in step["rows"]:
            producer.produce(step["produced_to"], key=key, value=value)
        producer.flush(10)
        return Result(number, f"produced to {step['produced_to']}", ())

    def _ours(self, name: str) -> str:
        if name == _LOG_TOPIC:
            return f"{self._service_id}ksql_processing_log"
        return name.replace("_confluent-ksql-default_", f"_confluent-ksql-{self._service_id}")

    def _until_agreed(self, number: int, step: dict[str, Any]) -> Result:
        deadline = time.monotonic() + _BROKER_WAIT_SECONDS
        while True:
            result = self._topics(number, step)
            if result.agrees or time.monotonic() > deadline:
                return result

    def note(self, sql: str) -> None:
        """Remember that a query was ended: its internal topics go, sooner or later."""
        self._terminated = self._terminated or sql.startswith(("TERMINATE", "DROP"))

    def _topics(self, number: int, step: dict[str, Any]) -> Result:
        wanted = {comparer.text(t["topic"]): t for t in step["topics"]}
        found = {}
        for topic in self._admin.list_topics(timeout=10).topics:
            plain = topic.replace(f"_confluent-ksql-{self._service_id}", "_confluent-ksql-default_")
            plain = plain.replace(f"{self._service_id}ksql_processing_log", _LOG_TOPIC)
            if comparer.text(plain) in wanted:
                found[comparer.text(plain)] = topic
        differences = []
        for name, recorded in wanted.items():
            if name not in found:
                if self._terminated and name.startswith("_confluent-ksql-"):
                    continue
                differences.append(comparer.Difference(f"topic {name}", "there", "missing"))
                continue
            try:
                differences += self._topic(found[name], recorded)
            except KafkaException:
                if not (self._terminated and name.startswith("_confluent-ksql-")):
                    raise
        return Result(number, f"topics {', '.join(wanted)[:80]}", tuple(differences))

    def _topic(self, topic: str, recorded: dict[str, Any]) -> list[Any]:
        metadata = self._admin.list_topics(topic, timeout=10).topics[topic]
        resource = kafka_admin.ConfigResource(  # type: ignore[attr-defined] # exported in fact
            kafka_admin.ResourceType.TOPIC,  # type: ignore[attr-defined] # as above
            topic,
        )
        configs = next(iter(self._admin.describe_configs([resource]).values())).result()
        actual = {
            "partitions": len(metadata.partitions),
            "configs": {k: configs[k].value for k in recorded["configs"]},
        }
        expected = {"partitions": recorded["partitions"], "configs": recorded["configs"]}
        return list(comparer.compare_bodies(expected, actual))

    def _records(self, number: int, step: dict[str, Any]) -> Result:
        what = f"records of {step['records_of']}"
        stood = list(map(_record, step["records"]))
        wanted = sorted(stood)
        topic = self._find(step["records_of"])
        if topic is None:
            return Result(number, what, (comparer.Difference(what, "there", "missing"),))
        deadline = time.monotonic() + _BROKER_WAIT_SECONDS
        while True:
            read = self._read(topic)
            got = sorted(read)
            if got == wanted or not wanted or time.monotonic() > deadline:
                break
            if step.get("records") and _latest(read) == _latest(stood) and self._compacted(topic):
                got = wanted
                break
        return Result(number, what, tuple(comparer.compare_bodies(wanted, got)))

    def _compacted(self, topic: str) -> bool:
        """Whether only the last record per key counts: how many stand before it is up to timing."""
        resource = kafka_admin.ConfigResource(  # type: ignore[attr-defined] # exported in fact
            kafka_admin.ResourceType.TOPIC,  # type: ignore[attr-defined] # as above
            topic,
        )
        try:
            configs = next(iter(self._admin.describe_configs([resource]).values())).result()
        except KafkaException:  # its query has ended, and the topic with it
            return False
        return "compact" in str(configs["cleanup.policy"].value)

    def _find(self, name: str) -> str | None:
        wanted = comparer.text(self._ours(name))
        topics = self._admin.list_topics(timeout=10).topics
        return next((t for t in topics if comparer.text(t) == wanted), None)

    def _read(self, topic: str) -> list[str]:
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "looking",
                "enable.auto.commit": False,
            }
        )
        rows = []
        try:
            metadata = consumer.list_topics(topic, timeout=10).topics[topic]
            for partition in metadata.partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition))
                if low == high:
                    continue
                consumer.assign([TopicPartition(topic, partition, low)])
                while consumer.position([TopicPartition(topic, partition)])[0].offset < high:
                    message = consumer.poll(1)
                    if message is None or message.error():
                        break
                    key, value = message.key(), message.value()
                    rows.append(
                        _record(
                            {
                                "partition": partition,
                                "key_hex": None if key is None else key.hex(),
                                "value_text": None
                                if value is None
                                else value.decode(errors="replace"),
                            }
                        )
                    )
        finally:
            consumer.close()
        return rows


def _latest(records: list[str]) -> dict[tuple[int, str], str]:
    """The last value per key; the records of a topic stand in their order."""
    found = {}
    for partition, key, value in map(json.loads, records):
        found[partition, key] = value
    return {key: value for key, value in found.items() if value}


def _record(record: dict[str, Any]) -> str:
    """A record without its times, running numbers and schema ids."""
    value = re.sub(r'"(ROWTIME|SEQ)":\d+', r'"\1":0', record["value_text"] or "")
    value = re.sub(r"^\0.{4}", "(schema id)", value, flags=re.DOTALL)
    return json.dumps([record["partition"], record["key_hex"], value])


def main(arguments: list[str]) -> int:
    """Replay scenarios and print what differs."""
    url, bootstrap, service_id, *names = arguments
    for name in names or ["00-server", "01-ddl", "02-csas", "03-ctas"]:
        results = list(replay(name, url, bootstrap, service_id))
        for result in results:
            if not result.agrees:
                print(f"{name} #{result.step} {result.what[:150]}")
                for difference in result.differences[:6]:
                    print(f"    {difference}")
        told = [r.same_message for r in results if r.same_message is not None]
        print(
            f"{name}: {sum(r.agrees for r in results)}/{len(results)} agree; "
            f"error texts equal {sum(told)}/{len(told)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
