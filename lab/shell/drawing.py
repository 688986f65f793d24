"""Tables, facts and type names, drawn for a terminal. Values are text here, never markup."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from lab.clients.ksqldb_rows import QueryHeader
from lab.shell.rows import RowTable, rules_for

Data = Mapping[str, Any]


def as_json(data: object) -> Text:
    """The data as indented JSON."""
    return Text(json.dumps(data, indent=2, ensure_ascii=False))


def type_name(schema: Data) -> str:
    """A column's type as SQL writes it: ``MAP<STRING, ARRAY<INTEGER>>``."""
    kind = str(schema["type"])
    member = schema.get("memberSchema")
    if kind == "ARRAY" and member:
        return f"ARRAY<{type_name(member)}>"
    if kind == "MAP" and member:
        return f"MAP<STRING, {type_name(member)}>"
    if kind == "STRUCT":
        parts = [f"{part['name']} {type_name(part['schema'])}" for part in schema["fields"] or ()]
        return f"STRUCT<{', '.join(parts)}>"
    parameters = schema.get("parameters") or {}
    if kind == "DECIMAL" and parameters:
        return f"DECIMAL({parameters['precision']}, {parameters['scale']})"
    return kind


class Listing:
    """A table as wide as its values need and the console allows, drawn like a query's rows."""

    def __init__(self, heads: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        self._rows = [tuple("" if value is None else value for value in row) for row in rows]
        names = tuple(heads)
        first = self._rows[0] if self._rows else ("",) * len(names)
        types = tuple("BIGINT" if isinstance(value, int) else "STRING" for value in first)
        self._header = QueryHeader(None, names, types)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table's lines."""
        rules = rules_for(console.encoding)
        drawn = RowTable(self._header, room=options.max_width, sample=self._rows, rules=rules)
        for line in drawn.head():
            yield Text(line, style="bold", no_wrap=True, overflow="ignore")
        for row in self._rows:
            for line in drawn.row(row):
                yield Text(line, no_wrap=True, overflow="ignore")


def listing(
    rows: list[Any], nothing: str, heads: Iterable[str], cells: Callable[[Data], Iterable[object]]
) -> Iterator[RenderableType]:
    """A table of the rows, or the words for there being none."""
    if rows:
        yield Listing(heads, (cells(row) for row in rows))
    else:
        yield Text(nothing, style="dim")


class Facts:
    """Names and values in two columns; empty values are left out, long ones go on below."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        self._pairs = [(name, str(value)) for name, value in pairs if value not in (None, "")]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines."""
        indent = max((len(name) for name, _ in self._pairs), default=0) + 2
        room = max(options.max_width - indent, 10)
        for name, value in self._pairs:
            label = name
            for line in value.split("\n"):
                for part in Text(line).wrap(console, room):
                    part.rstrip()
                    yield Text(label.ljust(indent), style="dim").append_text(part)
                    label = ""


def counts(counts: Data) -> str:
    """Counted states: ``RUNNING 1, ERROR 2``."""
    return ", ".join(f"{state} {count}" for state, count in counts.items())
