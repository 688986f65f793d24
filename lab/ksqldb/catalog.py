"""The catalog: streams and tables, their schemas, and which query writes or reads them.

A catalog is a value with cheap copies: statements are validated on a copy before anything
happens. Changing methods return nothing and change this catalog only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.ksqldb.names import ColumnName, QueryId, SourceName, TopicName, same_id
from lab.ksqldb.sql.ast import SourceKind, WindowKind
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.types import BIGINT, INTEGER, SqlType

PSEUDO_COLUMNS: dict[str, SqlType] = {
    "ROWTIME": BIGINT,
    "ROWPARTITION": INTEGER,
    "ROWOFFSET": BIGINT,
}
"""Columns that every record of a source has without being declared."""

_OF_SINK = ("CSAS_", "CTAS_")

WINDOW_BOUNDS: dict[str, SqlType] = {"WINDOWSTART": BIGINT, "WINDOWEND": BIGINT}
"""Columns that the rows of windowed sources have besides, in milliseconds since 1970."""

RESERVED_COLUMNS = (*PSEUDO_COLUMNS, *WINDOW_BOUNDS)


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column."""

    name: ColumnName
    type: SqlType


@dataclass(frozen=True, slots=True)
class Schema:
    """Key columns and value columns, each in order."""

    key: tuple[Column, ...] = ()
    value: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Key columns, then value columns."""
        return self.key + self.value

    def find(self, name: str) -> Column | None:
        """The column of that name."""
        return next((c for c in self.columns if c.name == name), None)

    def is_key(self, name: str) -> bool:
        """Whether a key column has that name."""
        return any(c.name == name for c in self.key)

    def __str__(self) -> str:
        """As ksqlDB's REST answers write schemas."""
        return ", ".join(
            [f"{quote(c.name)} {c.type} KEY" for c in self.key]
            + [f"{quote(c.name)} {c.type}" for c in self.value]
        )


FormatProperties = tuple[tuple[str, str], ...]
"""Properties of a format by name, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Format:
    """A serialization format's name, how single columns are wrapped, and its properties.

    ``wrap`` is None where the format or the number of columns leaves no choice. ``is_key`` says, of
    formats to which it makes a difference, that it is one of keys.
    """

    name: str
    wrap: bool | None = None
    properties: FormatProperties = ()
    is_key: bool = False

    def property(self, name: str) -> str | None:
        """A property's value."""
        return dict(self.properties).get(name)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The column that gives records their time, and its text format if it is text."""

    column: ColumnName
    format: str | None = None


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """The windows in the keys of a source; the size of sessions varies."""

    kind: WindowKind
    size_ms: int | None


@dataclass(frozen=True, slots=True)
class HeaderColumn:
    """A column that holds a record's header of a name, or all headers without one."""

    name: ColumnName
    type: SqlType
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A stream or a table over a topic."""

    name: SourceName
    kind: SourceKind
    schema: Schema
    topic: TopicName
    key_format: Format
    value_format: Format
    statement: str
    timestamp: Timestamp | None = None
    written_by_query: bool = False
    read_only: bool = False
    headers: tuple[HeaderColumn, ...] = ()
    derived_from: tuple[SourceName, ...] = ()
    window: WindowInfo | None = None

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.kind == "TABLE"


@dataclass(frozen=True, slots=True)
class QueryReference:
    """What the catalog knows of a persistent query."""

    id: QueryId
    sources: tuple[SourceName, ...]
    sink: SourceName | None
    materializes: SourceName | None = None
    shape: tuple[tuple[str, str], ...] = ()
    """What of its plan must stay when it is replaced."""

    @property
    def creates_sink(self) -> bool:
        """Whether it was made with its sink and ends with it."""
        return self.id.startswith(_OF_SINK)


@dataclass(slots=True)
class Catalog:
    """All sources and the persistent queries among them, in order of creation.

    A change replaces what it changes: who reads meanwhile sees all of it or nothing.
    """

    _sources: dict[SourceName, Source] = field(default_factory=dict)
    _queries: dict[QueryId, QueryReference] = field(default_factory=dict)
    _types: dict[str, SqlType] = field(default_factory=dict)

    def copy(self) -> Catalog:
        """A catalog that can be changed without changing this one."""
        return Catalog(self._sources, self._queries, self._types)

    def types(self) -> dict[str, SqlType]:
        """The registered types by name."""
        return self._types

    def put_type(self, name: str, type_: SqlType) -> None:
        """Register a type."""
        self._types = {**self._types, name: type_}

    def remove_type(self, name: str) -> None:
        """Forget a type; it need not be there."""
        self._types = {n: t for n, t in self._types.items() if n != name}

    def source(self, name: str) -> Source | None:
        """The source of that name."""
        return self._sources.get(SourceName(name))

    def sources(self) -> tuple[Source, ...]:
        """All sources."""
        return tuple(self._sources.values())

    def put(self, source: Source) -> None:
        """Add a source, or replace the one of that name."""
        self._sources = {**self._sources, source.name: source}

    def remove(self, name: str) -> None:
        """Remove a source; it must be there."""
        left = dict(self._sources)
        del left[SourceName(name)]
        self._sources = left

    def derived_sources(self, name: str) -> list[SourceName]:
        """The sources made by CREATE … AS SELECT from that one."""
        return [s.name for s in self._sources.values() if name in s.derived_from]

    def add_query(self, query: QueryReference) -> None:
        """Note a persistent query."""
        self._queries = {**self._queries, query.id: query}

    def remove_query(self, query: QueryId) -> None:
        """Forget a persistent query; it need not be there."""
        self._queries = {i: q for i, q in self._queries.items() if i != query}

    def query(self, query: str) -> QueryReference | None:
        """The persistent query of that id, in whatever case."""
        found = same_id(query, self._queries)
        return None if found is None else self._queries[found]

    def queries(self) -> tuple[QueryReference, ...]:
        """All persistent queries."""
        return tuple(self._queries.values())

    def readers(self, name: str) -> list[QueryReference]:
        """The queries that read a source; not the one that materializes it."""
        return [q for q in self._queries.values() if name in q.sources and q.materializes != name]

    def writers(self, name: str) -> list[QueryReference]:
        """The queries that write to a source."""
        return [q for q in self._queries.values() if q.sink == name]

    def materializers(self, name: str) -> list[QueryReference]:
        """The queries that keep a table's rows in a store."""
        return [q for q in self._queries.values() if name in {q.sink, q.materializes}]


def columns(pairs: Iterable[tuple[str, SqlType]]) -> tuple[Column, ...]:
    """Columns from (name, type) pairs."""
    return tuple(Column(ColumnName(name), type_) for name, type_ in pairs)


def processing_schema(source: Source) -> Iterator[Column]:
    """The columns a row has once it is read: values, pseudo columns, the key's columns, those of
    headers, and the bounds of its window.

    This order is the layout of the rows that the JVM side passes around.
    """
    yield from source.schema.value
    yield from columns(PSEUDO_COLUMNS.items())
    yield from source.schema.key
    yield from (Column(c.name, c.type) for c in source.headers)
    if source.window is not None:
        yield from columns(WINDOW_BOUNDS.items())
