"""The table of statements as data."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from lab.errors import LabError

Kind = Literal["STREAM", "TABLE"]

_NUMBER = re.compile(r"(?<=-)\d{10}(?=-)")
_NAMES = re.compile(r"\{(\w+)\}")
_BEHIND_KEY = {None: 0, "TIME": 8, "SESSION": 16}
"""Bytes behind a windowed key: the window's start, for sessions its end as well."""
_ENTRIES = frozenset(
    ("name", "family", "title", "kind", "select", "policy", "internal", "rows", "with", "window")
)


class BrokenTable(LabError):
    """The table of statements contradicts itself; the message says where."""


@dataclass(frozen=True)
class SourceSpec:
    """A stream or table to read from: its columns, and the records (key, value) in its topic."""

    name: str
    kind: Kind
    columns: str
    records: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Statement:
    """A statement that starts a persistent query; its ``family`` groups it with others.

    ``internal`` maps the names of the query's own topics, without the prefix that they share and
    with numbers masked (see ``masked``), to clean-up policies. ``rows`` are the sink's rows, see
    ``rows_of``; ``window`` says what stands behind the key in the sink's records.
    """

    name: str
    family: str
    title: str
    kind: Kind
    select: str
    policy: str
    internal: Mapping[str, str] = field(hash=False)
    rows: tuple[tuple[str, str], ...]
    settings: str = ""
    window: Literal["TIME", "SESSION"] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources, in the order in which they are read."""
        return tuple(dict.fromkeys(_NAMES.findall(self.select)))

    def text(self, sink: str, sources: Mapping[str, str], *settings: str) -> str:
        """The statement, with these names and further settings of its WITH clause."""
        given = ", ".join(filter(None, (self.settings, *settings)))
        clause = f" WITH ({given})" if given else ""
        select = " ".join(self.select.format_map(sources).split())
        return f"CREATE {self.kind} {sink}{clause} AS {select} EMIT CHANGES;"

    @property
    def moves(self) -> tuple[str, ...]:
        """The internal topics through which records are sent to other partitions."""
        return tuple(filter(is_moving, self.internal))


@dataclass(frozen=True)
class Table:
    """All sources and statements, by name, in the order of the file."""

    sources: Mapping[str, SourceSpec]
    statements: Mapping[str, Statement]

    def named(self, *names: str) -> tuple[Statement, ...]:
        """These statements, in the order given; all of them without a name."""
        return tuple(self.statements[name] for name in names or self.statements)

    def read_by(self, statements: Iterable[Statement]) -> tuple[SourceSpec, ...]:
        """The sources that these statements read, in the order of the file."""
        wanted = {name for statement in statements for name in statement.sources}
        return tuple(spec for name, spec in self.sources.items() if name in wanted)


@cache
def load() -> Table:
    """The table that comes with the lab."""
    file = resources.files("lab.workloads.queries") / "statements.toml"
    return parse(file.read_text(encoding="utf-8"))


def parse(text: str) -> Table:
    """A table from TOML. Raises BrokenTable for what contradicts itself."""
    data = tomllib.loads(text)
    sources = {spec.name: spec for spec in map(_source, data.get("source", ()))}
    statements = {each.name: each for each in map(_statement, data.get("statement", ()))}
    for each in statements.values():
        unknown = [name for name in each.sources if name not in sources]
        if unknown or not each.sources:
            raise BrokenTable(f"{each.name}: reads unknown sources: {unknown or 'none at all'}")
    return Table(sources, statements)


def internal_prefix(service: str, query: str) -> str:
    """What the names of a query's internal topics begin with; without its last "-" the group."""
    return f"_confluent-ksql-{service}query_{query}-"


def is_moving(name: str) -> bool:
    """Whether an internal topic moves records to other partitions, and does not keep state."""
    return not name.endswith("-changelog")


def masked(name: str) -> str:
    """A topic's name with # for each of the numbers that Kafka Streams gives to processors."""
    return _NUMBER.sub("#", name)


def row_of(
    statement: Statement, key: bytes | None, value: bytes | None
) -> tuple[str, object] | None:
    """A record of the statement's sink as key and value in JSON; None for a tombstone."""
    if value is None:
        return None
    behind = _BEHIND_KEY[statement.window]
    shown = (key or b"")[: len(key or b"") - behind]
    return shown.decode(), json.loads(value)


def rows_of(
    statement: Statement, records: Iterable[tuple[bytes | None, bytes | None]]
) -> list[tuple[str, object]]:
    """What the sink's records (key, value) say, sorted.

    All of a stream's records; of a table's, the latest of each key unless that is a tombstone.
    """
    listed = list(records)
    if statement.kind == "TABLE":
        listed = list(dict(listed).items())
    found = [row for key, value in listed if (row := row_of(statement, key, value)) is not None]
    return in_order(found)


def expected_rows(statement: Statement) -> list[tuple[str, object]]:
    """The rows that must stand in the sink, in the order of ``rows_of``."""
    return in_order((key, json.loads(value)) for key, value in statement.rows)


def in_order(rows: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    """Rows in the order in which sinks are shown."""
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def _source(data: Mapping[str, Any]) -> SourceSpec:
    records = tuple((key.encode(), value.encode()) for key, value in data["records"])
    return SourceSpec(data["name"], data["kind"], data["columns"], records)


def _statement(data: Mapping[str, Any]) -> Statement:
    if set(data) - _ENTRIES:
        raise BrokenTable(f"{data.get('name')}: unknown entries: {sorted(set(data) - _ENTRIES)}")
    return Statement(
        name=data["name"],
        family=data["family"],
        title=data["title"],
        kind=data["kind"],
        select=data["select"],
        policy=data["policy"],
        internal=dict(data["internal"]),
        rows=tuple((key, value) for key, value in data["rows"]),
        settings=data.get("with", ""),
        window=data.get("window"),
    )
