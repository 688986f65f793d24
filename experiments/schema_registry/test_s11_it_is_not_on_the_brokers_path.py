"""S11. The registry is not on the broker's path.

Set-up    a topic whose value subject holds a schema; a registry-aware client that has written and
          read one value, so that it has the schema in its cache; another with an empty cache
Action    kill -9 the registry, later pause it; meanwhile write and read raw bytes, with the cached
          client and with one whose cache is empty, and try to register a schema; in a second test
          kill -9 it amid 500 concurrent registrations and start it again
Observed  raw bytes and the cached client's values are acknowledged and read as before, and nothing
          about the topic or the brokers changes; the client with the empty cache fails by itself:
          refused connection when the registry is dead, its own time-out when it is silent; none of
          its values reaches the topic; after the restart every acknowledged registration is there
          under its id, no id stands for two schemas, and the levels are as they were
Control   with the registry back the same client with an empty cache writes and reads, the schema is
          registered; the kill did leave registrations without an answer, not all of which had been
          made, and a schema that nobody registered is not found
Limits    one registry process with its own database; a cluster of registries is not looked at
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import get_args

import pytest

from lab.clients.errors import ClientError, RegistryNotFound, Unreachable
from lab.clients.kafka import KafkaClient
from lab.clients.names import CompatibilityLevel, SchemaId, SubjectName
from lab.clients.registry_aware import AvroValues, Choices
from lab.clients.schema_registry import SchemaRegistryClient
from lab.evidence import claim
from lab.evidence.faults import Faults
from lab.evidence.names import SubjectFactory, TopicFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.wait import wait_until

REGISTRY = "schema-registry"
AN_ORDER = {"id": 7}
LOOKS_UP = Choices()
IMPATIENT = Choices(timeout_seconds=2.0)
"""Clients that look their own schema up; the one waits two seconds for an answer, no more."""

TIMED_OUT = re.compile(r"timed ?out", re.IGNORECASE)

REGISTRATIONS = 500
CLIENTS = 8
KILLED_AFTER = 150
LEVELS: tuple[CompatibilityLevel, ...] = get_args(CompatibilityLevel)


def order(mark: str, default: int = 0) -> str:
    """A schema of orders; those with different defaults are different, and compatible."""
    fields = [{"name": "id", "type": "int"}, {"name": "n", "type": "int", "default": default}]
    return json.dumps({"type": "record", "name": f"Order_{mark}", "fields": fields})


@claim("S11")
@pytest.mark.disruptive
def test_the_registry_is_not_on_the_brokers_path(
    kafka: KafkaClient,
    registry: SchemaRegistryClient,
    faults: Faults,
    topic: TopicFactory,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    faults.require("kill", "pause", "restart")

    # Set-up
    orders, name = topic("orders"), subject("orders-value")
    schema, unknown = order(unique.token), order(unique.token, default=1)
    registry.register(name, schema)
    cached = AvroValues(registry.url, orders, schema, LOOKS_UP)
    cached.produce(kafka, AN_ORDER)
    stored = kafka.read(orders, 0)[0].value or b""
    cached.deserialize(stored)

    def outcome(who: str, what: str, call: Callable[[], object]) -> str:
        """ "done", or what the client said when no answer came."""
        try:
            evidence.act(who, what, orders, call)
        except Unreachable as error:
            return "its own time-out" if TIMED_OUT.search(str(error)) else "no connection"
        return "done"

    def everybody(choices: Choices = LOOKS_UP) -> dict[str, str]:
        """What comes of what each client does, one after the other."""
        seconds = choices.timeout_seconds
        with (
            AvroValues(registry.url, orders, schema, choices) as fresh,
            closing(SchemaRegistryClient(registry.url, timeout_seconds=seconds)) as steward,
        ):
            return {
                "raw bytes": outcome(
                    "raw client", "produce", lambda: kafka.produce(orders, b"raw bytes")
                ),
                "write, cached": outcome(
                    "cached client", "produce", lambda: cached.produce(kafka, AN_ORDER)
                ),
                "read, cached": outcome(
                    "cached client", "deserialize", lambda: cached.deserialize(stored)
                ),
                "write, empty cache": outcome(
                    "client with an empty cache", "produce", lambda: fresh.produce(kafka, AN_ORDER)
                ),
                "read, empty cache": outcome(
                    "client with an empty cache", "deserialize", lambda: fresh.deserialize(stored)
                ),
                "register a schema": outcome(
                    "application", "register", lambda: steward.register(name, unknown)
                ),
            }

    going_on = dict.fromkeys(("raw bytes", "write, cached", "read, cached"), "done")
    failing = ("write, empty cache", "read, empty cache", "register a schema")
    state_before = broker_state(kafka, orders)

    # Action
    end_before = kafka.end_offset(orders)
    faults.kill(REGISTRY)
    killed = everybody()
    end_killed = kafka.end_offset(orders)
    state_killed = broker_state(kafka, orders)
    faults.restart(REGISTRY)
    kept = (registry.versions(name), registry.lookup(name, schema).version)
    faults.pause(REGISTRY)
    paused = everybody(IMPATIENT)
    end_paused = kafka.end_offset(orders)
    faults.resume(REGISTRY)

    # Observed
    evidence.observe(
        "with the registry killed",
        killed,
        expected=going_on | dict.fromkeys(failing, "no connection"),
        says="registry killed: raw and cached clients went on, an empty cache got no connection",
    )
    evidence.observe(
        "with the registry paused",
        paused,
        expected=going_on | dict.fromkeys(failing, "its own time-out"),
        says="registry paused: the same, and an empty cache ran into its own time-out",
    )
    evidence.observe(
        "records that reached the topic, killed and paused",
        (end_killed - end_before, end_paused - end_killed),
        expected=(2, 2),
        says="each time the two records of raw and cached client reached the topic, no other",
    )
    evidence.observe(
        "topic and brokers while the registry was dead",
        state_killed,
        expected=state_before,
        says="nothing about the topic or the brokers changed",
    )
    evidence.observe(
        "the subject after the restart",
        kept,
        expected=([1], 1),
        says="after the restart the subject was there as before",
    )

    # Control
    evidence.control(
        "with the registry back",
        everybody(),
        expected=dict.fromkeys((*going_on, *failing), "done"),
        says="registry back: everybody went on, and the schema was registered",
    )
    evidence.control(
        "the schema that could not be registered",
        registry.versions(name),
        expected=[1, 2],
        says="as version 2",
    )
    cached.close()
    evidence.table(
        "Who goes on without the registry",
        ["", "killed", "paused"],
        [[what, killed[what], paused[what]] for what in killed],
        "What came of each attempt; with the registry back each was done",
    )


@dataclass
class Registrations:
    """Schemas on their way into the registry: which were acknowledged, which got no answer."""

    registry_url: str
    evidence: Evidence
    acknowledged: dict[str, SchemaId] = field(default_factory=dict)
    unanswered: list[tuple[str, str]] = field(default_factory=list)

    def start(
        self, pool: ThreadPoolExecutor, wanted: Sequence[tuple[str, str]]
    ) -> list[Future[None]]:
        """Register (subject, schema) pairs, each client a share of them."""
        return [pool.submit(self._register, wanted[n::CLIENTS]) for n in range(CLIENTS)]

    def _register(self, share: Sequence[tuple[str, str]]) -> None:
        client = SchemaRegistryClient(self.registry_url)
        for name, schema in share:
            try:
                given = client.register(name, schema)
            except ClientError as error:
                self.evidence.record(
                    "application", "register", name, answer=error, outcome="unknown"
                )
                self.unanswered.append((name, schema))
            else:
                self.acknowledged[schema] = given
        client.close()


@claim("S11")
@pytest.mark.disruptive
def test_what_was_registered_survives_a_kill(
    registry: SchemaRegistryClient,
    faults: Faults,
    subject: SubjectFactory,
    unique: UniqueNames,
    evidence: Evidence,
) -> None:
    faults.require("kill", "restart")

    # Set-up
    levels = {subject(f"{level.lower()}-value"): level for level in LEVELS}
    for name, level in levels.items():
        registry.set_level(level, name)
    names = list(levels)
    wanted = [(names[n % len(names)], order(unique.token, n)) for n in range(REGISTRATIONS)]
    made = Registrations(registry.url, evidence)

    # Action
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = made.start(pool, wanted)
        wait_until(
            f"{KILLED_AFTER} registrations are acknowledged",
            lambda: len(made.acknowledged) >= KILLED_AFTER,
            timeout_seconds=60,
        )
        faults.kill(REGISTRY)
        for each in running:
            each.result()
    before = dict(made.acknowledged)
    counts = {"acknowledged": len(before), "without an answer": len(made.unanswered)}
    evidence.record("application", "count the registrations", answer=counts)
    faults.restart(REGISTRY)
    survivors = standing(registry, names)
    evidence.record("registry", "count what survived", answer=len(survivors))
    with ThreadPoolExecutor(CLIENTS) as pool:
        again, made.unanswered = made.unanswered, []
        for each in made.start(pool, again):
            each.result()
    ids = made.acknowledged

    # Observed
    evidence.observe(
        "acknowledged registrations that are not there under their id",
        [schema for schema, given in before.items() if survivors.get(schema) != given],
        expected=[],
        says=f"all {len(before)} acknowledged registrations survived kill -9 under their ids",
    )
    evidence.observe(
        "ids, once what got no answer was registered again",
        {"schemas": len(ids), "different ids": len(set(ids.values()))},
        expected={"schemas": REGISTRATIONS, "different ids": REGISTRATIONS},
        says=f"with the rest registered again {REGISTRATIONS} schemas have {REGISTRATIONS} ids",
    )
    versions = {name: registry.versions(name) for name in names}
    evidence.observe(
        "versions, and different ones among them",
        {name: (len(found), len(set(found))) for name, found in versions.items()},
        expected={name: (count, count) for name, count in Counter(n for n, _ in wanted).items()},
        says="every subject has as many versions as schemas",
    )
    evidence.observe(
        "the subjects' levels",
        {name: registry.level(name) for name in names},
        expected=levels,
        says="the levels are as they were set",
    )

    # Control
    evidence.control(
        "whether the kill interrupted anything",
        (counts["without an answer"] > 0, len(survivors) < REGISTRATIONS),
        expected=(True, True),
        says="the kill left registrations without an answer, and not all of them had been made",
    )
    nobodys = order(unique.token, REGISTRATIONS)
    evidence.control(
        "a schema that nobody registered",
        evidence.attempt(
            "application",
            "look up a schema that nobody registered",
            names[0],
            partial(registry.lookup, names[0], nobodys),
            refusal=RegistryNotFound,
        ),
        expected="refused",
        says="a schema that nobody registered was not found",
    )


def standing(registry: SchemaRegistryClient, names: list[SubjectName]) -> dict[str, SchemaId]:
    """Every schema that stands in one of the subjects, with its id."""
    found: dict[str, SchemaId] = {}
    for name in names:
        try:
            versions = registry.versions(name)
        except RegistryNotFound:
            continue
        for version in versions:
            served = registry.version(name, version)
            found[json.dumps(json.loads(served.schema))] = served.schema_id
    return found


def broker_state(kafka: KafkaClient, name: str) -> dict[str, object]:
    """What the brokers say of themselves and of the topic."""
    return {
        "brokers": kafka.brokers(),
        "topic": kafka.describe_topic(name),
        "configs": kafka.topic_config(name),
    }
