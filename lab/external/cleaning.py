"""Removing what the ledger says, wherever it still is; and telling what could not be removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from lab import access
from lab.clients.errors import BrokerRefused, ClientError
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.schema_registry import SchemaRegistryClient
from lab.endpoints import Endpoints
from lab.errors import LabError
from lab.external.ledger import STEM, Entry
from lab.wait import wait_until

T = TypeVar("T")
_GROUP_SECONDS = 15.0


@dataclass
class Outcome:
    """What was removed, as "kind name", and what is or may be left, with the reason."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Names:
    """Which names are ours, by the entries of a ledger."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        listed = list(entries)
        self._stems = tuple({_plain(each.name) for each in listed if each.kind == STEM})
        self._exact = {(each.kind, each.name) for each in listed if each.kind != STEM}

    def ours(self, kind: str, name: str) -> bool:
        """Whether it carries a stem, or stands in the ledger by its own name."""
        plain = _plain(name)
        return (kind, name) in self._exact or any(stem in plain for stem in self._stems)


def clean(endpoints: Endpoints, entries: Iterable[Entry]) -> Outcome:
    """Remove queries, sources, topics, groups, subjects and connectors that are ours.

    Every part is tried, whatever became of the others. Asking again is harmless.
    """
    names = Names(entries)
    outcome = Outcome()
    if endpoints.ksqldb_url is not None:
        with KsqlClient(endpoints.ksqldb_url) as ksqldb:
            _sources(ksqldb, names, outcome)
    if endpoints.connect_url is not None:
        _connectors(endpoints.connect_url, names, outcome)
    _topics_and_groups(KafkaClient(endpoints.bootstrap_servers), names, outcome)
    if endpoints.schema_registry_url is not None:
        registry = SchemaRegistryClient(endpoints.schema_registry_url)
        _subjects(registry, names, outcome)
        registry.close()
    return outcome


def _sources(ksqldb: KsqlClient, names: Names, outcome: Outcome) -> None:
    for query in _try(outcome, "queries", ksqldb.queries) or []:
        touched = (*query.sinks, *query.sink_topics, query.query_id)
        if query.query_type.upper() != "PUSH" and any(names.ours("source", t) for t in touched):
            _remove(
                outcome,
                f"query {query.query_id}",
                partial(ksqldb.execute, f"TERMINATE {query.query_id};"),
            )
    kinds = _try(outcome, "streams and tables", ksqldb.sources) or {}
    ours = [name for name in kinds if names.ours("source", name)]
    # A source that another one reads from can only be dropped after that one.
    for _ in range(len(ours)):
        for name in list(ours):
            try:
                ksqldb.execute(f"DROP {kinds[name]} IF EXISTS `{name}`;")
            except LabError:
                continue
            outcome.removed.append(f"{kinds[name].lower()} {name}")
            ours.remove(name)
    for name in ours:
        _remove(
            outcome,
            f"{kinds[name].lower()} {name}",
            partial(ksqldb.execute, f"DROP {kinds[name]} IF EXISTS `{name}`;"),
        )


def _topics_and_groups(kafka: KafkaClient, names: Names, outcome: Outcome) -> None:
    for topic in sorted(_try(outcome, "topics", kafka.topics) or ()):
        if names.ours("topic", topic):
            _remove(outcome, f"topic {topic}", partial(kafka.delete_topics, [topic]))
    for group in sorted(_try(outcome, "groups", kafka.groups) or ()):
        if names.ours("group", group):
            _remove(outcome, f"group {group}", partial(_delete_group, kafka, group))


def _delete_group(kafka: KafkaClient, group: str) -> None:
    def deleted() -> bool:
        kafka.delete_groups([group])
        return True

    # Members of a process that was killed are in the group until their session ends.
    wait_until(
        f"group {group} is deleted",
        deleted,
        timeout_seconds=_GROUP_SECONDS,
        every_seconds=0.5,
        ignore=(BrokerRefused,),
    )


def _subjects(registry: SchemaRegistryClient, names: Names, outcome: Outcome) -> None:
    def listed() -> list[str]:
        answer = registry.ask("GET", "/subjects?deleted=true").require_ok()
        return [str(each) for each in answer.items()]

    for subject in sorted(_try(outcome, "subjects", listed) or ()):
        if names.ours("subject", subject):
            _remove(outcome, f"subject {subject}", partial(registry.forget, subject))


def _connectors(url: str, names: Names, outcome: Outcome) -> None:
    import requests  # noqa: PLC0415 - only where there is a Connect

    session = access.session_of(url)

    def ask(method: str, path: str) -> object:
        try:
            answer = session.request(method, f"{url}{path}", timeout=15)
        except requests.RequestException as error:
            raise ClientError(f"{method} {path}: {error}") from error
        if answer.status_code == 404 and method == "DELETE":
            return None
        if not answer.ok:
            raise ClientError(f"{method} {path}: HTTP {answer.status_code}")
        return answer.json() if answer.content else None

    listed = _try(outcome, "connectors", lambda: ask("GET", "/connectors"))
    for name in listed if isinstance(listed, list) else []:
        if names.ours("connector", str(name)):
            path = f"/connectors/{quote(str(name), safe='')}"
            _remove(outcome, f"connector {name}", partial(ask, "DELETE", path))
    session.close()


def _remove(outcome: Outcome, what: str, call: Callable[[], object]) -> None:
    try:
        call()
    except LabError as error:
        outcome.left.append(f"{what}: {error}")
    else:
        outcome.removed.append(what)


def _try(outcome: Outcome, what: str, call: Callable[[], T]) -> T | None:
    try:
        return call()
    except LabError as error:
        outcome.left.append(f"{what} could not be listed: {error}")
        return None


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
