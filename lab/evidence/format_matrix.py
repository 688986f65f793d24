"""Every key format with every value format: what ksqlDB does with the pair, one statement a cell.

The statements are run by ``FormatTrial``; ``otherwise`` judges an answer by what the formats'
documentation says; ``rows_of`` lays the cells out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Literal, get_args

from lab.clients.errors import KsqlRefused
from lab.clients.kafka import KafkaClient
from lab.clients.ksqldb import KsqlClient
from lab.clients.names import SourceName, SubjectName
from lab.errors import ConditionTimeout, LabError
from lab.evidence.encoding import cut
from lab.evidence.format_bytes import (
    PLAIN_FORMATS,
    REGISTRY_FORMATS,
    SchemaById,
    as_stored,
    stored,
)
from lab.evidence.names import SourceFactory, UniqueNames
from lab.evidence.recorder import Evidence
from lab.evidence.schema_columns import type_text
from lab.evidence.tables import Cell
from lab.wait import wait_until

Operation = Literal["create", "insert", "read", "infer", "group", "join"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
CHEAP: tuple[Operation, ...] = ("create", "insert", "read", "infer")
"""Those that start no query."""

KEY_FORMATS = ("NONE", *PLAIN_FORMATS, *REGISTRY_FORMATS)
VALUE_FORMATS = ("NONE", *PLAIN_FORMATS, *REGISTRY_FORMATS)

KEY = {"K": "k1"}
_AT_ONCE = 3
_SQL_TYPES = {str: "STRING", int: "INTEGER"}


@dataclass(frozen=True, order=True)
class Pair:
    """A key format and a value format."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}/{self.value}"

    @property
    def key_columns(self) -> dict[str, object]:
        """The key columns of the pair's stream, with the values of its one row."""
        return {} if self.key == "NONE" else dict(KEY)

    @property
    def value_columns(self) -> dict[str, object]:
        """Two columns, or one where the format holds no more; the text has a comma in it."""
        return {"V": 7} if self.value in {"NONE", "KAFKA"} else {"V": 7, "W": "a,b"}

    @property
    def needs_registry(self) -> bool:
        """Whether one of the formats keeps its schemas in the registry."""
        return self.key in REGISTRY_FORMATS or self.value in REGISTRY_FORMATS


ALL_PAIRS = tuple(Pair(*formats) for formats in product(KEY_FORMATS, VALUE_FORMATS))


@dataclass(frozen=True)
class Tried:
    """What came of one operation on one pair; ``seen`` was read back, if it was accepted."""

    accepted: bool
    status: int | None = None
    reason: str = ""
    seen: object = None


Cells = Mapping[Pair, Mapping[Operation, Tried]]


def documented(pair: Pair, operation: Operation) -> bool:
    """Whether the formats' documentation lets ksqlDB accept this."""
    if pair.value == "NONE":
        return False
    match operation:
        case "infer":
            return pair.needs_registry
        case "group" | "join":
            return pair.key != "NONE"
    return True


def otherwise(pair: Pair, operation: Operation, cell: Tried) -> str | None:
    """How an answer differs from what the documentation says; None where it does not."""
    if cell.accepted != documented(pair, operation):
        told = "accepted" if cell.accepted else f"refused: {cut(cell.reason, 160)}"
        return f"{pair}, {operation}: {told}"
    if not cell.accepted:
        fine = cell.status == 400 and cell.reason
        return None if fine else f"{pair}, {operation}: refused with {cell.status}: {cell.reason}"
    expected = expectation(pair, operation)
    return None if cell.seen == expected else f"{pair}, {operation}: {cell.seen}, not {expected}"


def expectation(pair: Pair, operation: Operation) -> object:
    """What is to be read back after an operation that was accepted."""
    match operation:
        case "insert":
            return {
                "key": as_stored(pair.key, pair.key_columns, is_key=True),
                "value": as_stored(pair.value, pair.value_columns, is_key=False),
            }
        case "read":
            return [pair.key_columns | pair.value_columns]
        case "infer":
            keys = pair.key_columns if pair.key in REGISTRY_FORMATS else {}
            values = pair.value_columns if pair.value in REGISTRY_FORMATS else {}
            return {
                "keys": [_SQL_TYPES[type(v)] for v in keys.values()],
                "values": [f"{n} {_SQL_TYPES[type(v)]}" for n, v in values.items()],
            }
        case "group":
            return [{"V": 7, "N": 1}]
        case "join":
            return [{"K": "k1", "TV": 8}]
    return None


@dataclass
class FormatTrial:
    """Runs statements for pairs of formats, under names of the experiment's own."""

    ksqldb: KsqlClient
    kafka: KafkaClient
    evidence: Evidence
    names: UniqueNames
    source_name: SourceFactory
    schema_by_id: SchemaById
    _making: threading.Lock = field(default_factory=threading.Lock)

    def cells(self, wanted: Mapping[Pair, Sequence[Operation]]) -> Cells:
        """Run the operations of all pairs, a few pairs side by side."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda item: self._pair(*item), wanted.items())
            return dict(zip(wanted, found, strict=True))

    def topic_of(self, pair: Pair) -> str:
        """The topic of the pair's stream."""
        return self.names.of(f"{pair.key}-{pair.value}".lower())

    def subjects(self, pair: Pair, operations: Sequence[Operation]) -> list[SubjectName]:
        """The subjects that the operations can make, but for those of internal topics."""
        topics = [self.topic_of(pair)]
        if "group" in operations:
            topics.append(self.names.of_source(f"{pair.key}_{pair.value}_g"))
        if "join" in operations:
            topics += [
                f"{self.topic_of(pair)}-t",
                self.names.of_source(f"{pair.key}_{pair.value}_j"),
            ]
        sides = (("key", pair.key), ("value", pair.value))
        return [
            SubjectName(f"{topic}-{side}")
            for topic in topics
            for side, format_ in sides
            if format_ in REGISTRY_FORMATS
        ]

    def _pair(self, pair: Pair, operations: Sequence[Operation]) -> dict[Operation, Tried]:
        stream = self._made(pair, "s")
        does: dict[Operation, Callable[[], object]] = {
            "create": partial(self._create, pair, stream),
            "insert": partial(self._insert, pair, stream),
            "read": partial(self._read, stream),
            "infer": partial(self._infer, pair),
            "group": partial(self._group, pair, stream),
            "join": partial(self._join, pair, stream),
        }
        cells: dict[Operation, Tried] = {}
        for operation in operations:
            if operation != "create" and not cells["create"].accepted:
                break
            cells[operation] = self._tried(pair, operation, does[operation])
        return cells

    def _tried(self, pair: Pair, operation: Operation, call: Callable[[], object]) -> Tried:
        try:
            seen = call()
        except KsqlRefused as refusal:
            return Tried(False, refusal.status, refusal.reason)
        except ConditionTimeout as error:
            seen = f"nothing: {error}"
        self.evidence.record("experiment", f"read back: {operation}", str(pair), answer=seen)
        return Tried(True, seen=seen)

    def _made(self, pair: Pair, suffix: str) -> SourceName:
        with self._making:
            return self.source_name(f"{pair.key}_{pair.value}_{suffix}")

    def _run(self, statement: str) -> None:
        act = self.evidence.act
        act("user", statement, "ksqldb", lambda: self.ksqldb.execute(statement))

    def _with(self, pair: Pair, topic: str, more: str = "") -> str:
        formats = f"KEY_FORMAT='{pair.key}', VALUE_FORMAT='{pair.value}'"
        return f"WITH (KAFKA_TOPIC='{topic}', {formats}{more})"

    def _create(self, pair: Pair, stream: SourceName) -> None:
        columns = [*declared(pair.key_columns, " KEY"), *declared(pair.value_columns)]
        told = self._with(pair, self.topic_of(pair), ", PARTITIONS=1")
        self._run(f"CREATE STREAM {stream} ({', '.join(columns)}) {told};")

    def _insert(self, pair: Pair, stream: SourceName) -> object:
        self._run(f"INSERT INTO {stream} {values(pair.key_columns | pair.value_columns)};")
        (record,) = self.kafka.read_all(self.topic_of(pair))
        return {
            "key": self._stored(pair.key, record.key, pair.key_columns),
            "value": self._stored(pair.value, record.value, pair.value_columns),
        }

    def _stored(self, format_: str, data: bytes | None, columns: Mapping[str, object]) -> object:
        try:
            return stored(format_, data, columns, self.schema_by_id)
        except (LabError, LookupError, ValueError) as error:
            return f"not readable as {format_}: {type(error).__name__}: {error}"

    def _read(self, stream: SourceName) -> object:
        sql = f"SELECT * FROM {stream};"
        act = self.evidence.act
        return act("user", sql, "ksqldb", lambda: self.ksqldb.pull(sql)).as_dicts()

    def _infer(self, pair: Pair) -> object:
        inferred = self._made(pair, "i")
        self._run(f"CREATE STREAM {inferred} {self._with(pair, self.topic_of(pair))};")
        columns = columns_of(self.ksqldb, inferred)
        return {
            "keys": [c.type for c in columns if c.is_key],
            "values": [f"{c.name} {c.type}" for c in columns if not c.is_key],
        }

    def _group(self, pair: Pair, stream: SourceName) -> object:
        table = self._made(pair, "g")
        self._run(
            f"CREATE TABLE {table} {self._with(pair, table)} AS"
            f" SELECT v, COUNT(*) AS n FROM {stream} GROUP BY v EMIT CHANGES;"
        )
        return self._rows(table)

    def _join(self, pair: Pair, stream: SourceName) -> object:
        table, joined = self._made(pair, "t"), self._made(pair, "j")
        columns = [*declared(KEY, " PRIMARY KEY"), *declared(pair.value_columns)]
        told = self._with(pair, f"{self.topic_of(pair)}-t", ", PARTITIONS=1")
        self._run(f"CREATE TABLE {table} ({', '.join(columns)}) {told};")
        row = KEY | pair.value_columns
        self._run(f"INSERT INTO {table} {values(row | {'V': 8})};")
        self._run(
            f"CREATE STREAM {joined} {self._with(pair, joined)} AS SELECT s.k AS k, t.v AS tv"
            f" FROM {stream} s JOIN {table} t ON s.k = t.k EMIT CHANGES;"
        )
        # The stream's first record is older than the table's: this one is not.
        self._run(f"INSERT INTO {stream} {values(row)};")
        return self._rows(joined)

    def _rows(self, source: SourceName) -> object:
        """All rows of a query's sink, once there are any."""
        sql = f"SELECT * FROM {source};"
        return wait_until(
            f"{source} has a row",
            lambda: self.ksqldb.pull(sql).as_dicts(),
            timeout_seconds=60,
            every_seconds=0.2,
            # A table cannot be pulled from before its query runs.
            ignore=(KsqlRefused,),
        )


@dataclass(frozen=True)
class Column:
    """A column as DESCRIBE tells it; ``type`` as ``type_text`` writes it."""

    name: str
    type: str
    is_key: bool


def columns_of(ksqldb: KsqlClient, source: SourceName) -> list[Column]:
    """The columns of a source, in their order."""
    (entity,) = ksqldb.execute(f"DESCRIBE {source};")
    description = entity.data["sourceDescription"]
    assert isinstance(description, dict)  # noqa: S101 - narrows a type
    return [
        Column(str(found["name"]), type_text(found["schema"]), found.get("type") == "KEY")
        for found in description["fields"]
    ]


def declared(columns: Mapping[str, object], role: str = "") -> list[str]:
    """Columns as a CREATE statement declares them."""
    return [f"{name} {_SQL_TYPES[type(value)]}{role}" for name, value in columns.items()]


def values(row: Mapping[str, object]) -> str:
    """A row as INSERT has it."""
    shown = (f"'{value}'" if isinstance(value, str) else str(value) for value in row.values())
    return f"({', '.join(row)}) VALUES ({', '.join(shown)})"


def differing(cells: Cells) -> list[str]:
    """What in the cells is otherwise than documented."""
    found = (
        otherwise(pair, operation, cell)
        for pair, row in cells.items()
        for operation, cell in row.items()
    )
    return [told for told in found if told is not None]


def rows_of(cells: Cells) -> list[list[Cell | str]]:
    """A row per pair, a cell per operation."""
    return [
        [pair.key, pair.value, *(_cell(pair, op, row.get(op)) for op in OPERATIONS)]
        for pair, row in cells.items()
    ]


def _cell(pair: Pair, operation: Operation, cell: Tried | None) -> Cell:
    if cell is None:
        return Cell("—")
    odd = otherwise(pair, operation, cell) is not None
    if cell.accepted:
        return Cell("✓", "odd" if odd else "yes", _note(operation, cell.seen))
    last = cell.reason.strip().splitlines()[-1] if cell.reason.strip() else ""
    return Cell(f"✗ {cell.status}", "odd" if odd else "no", cut(last, 110))


def _note(operation: Operation, seen: object) -> str:
    match operation, seen:
        case "infer", {"keys": list(keys), "values": list(columns)}:
            return ", ".join([*(f"key {k}" for k in keys), *columns]) or "no column"
        case "insert", {"key": key, "value": value}:
            return f"{key} → {value}"
    return ""
