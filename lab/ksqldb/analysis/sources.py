"""The sources of a query under their aliases, and the names that columns have among them.

Over one source a column keeps its name. Over several, each column of a source ``A`` is called
``A_COLUMN``, pseudo columns included; this is what the steps of a join call them too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.ksqldb.analysis.timestamps import TIMES
from lab.ksqldb.catalog import WINDOW_BOUNDS, Catalog, Column, Schema, Source, processing_schema
from lab.ksqldb.errors import StatementError, UnknownColumn
from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.types import SqlType


@dataclass(frozen=True, slots=True)
class Bound:
    """A source under its alias."""

    source: Source
    alias: SourceName


def source_columns(source: Source) -> dict[str, SqlType]:
    """Every column that a query over the source can name, pseudo columns included."""
    return {str(c.name): c.type for c in processing_schema(source)}


def joined_name(alias: str, column: str) -> ColumnName:
    """What a source's column is called in the rows of a join."""
    return ColumnName(f"{alias}_{column}")


@dataclass(frozen=True, slots=True)
class Scope:
    """The columns that the expressions of a query can name.

    ``synthetic`` is the key column that a join adds where no column of a source is its key,
    ``counted`` the column of a join that COUNT(*) counts.
    """

    bounds: tuple[Bound, ...]
    synthetic: Column | None = None
    counted: ColumnName | None = None
    grouped_in_windows: bool = False
    """Whether the bounds of the windows that rows are grouped in can be named."""
    transient: bool = False
    """Whether ``*`` stands for the bounds of a source's windows too."""

    @property
    def joined(self) -> bool:
        """Whether there are several sources."""
        return len(self.bounds) > 1

    def name(self, bound: Bound, column: str) -> ColumnName:
        """What a column of one of the sources is called here."""
        return joined_name(bound.alias, column) if self.joined else ColumnName(column)

    def bound(self, alias: str) -> Bound | None:
        """The source of that alias."""
        return next((b for b in self.bounds if b.alias == alias), None)

    def columns(self) -> dict[str, SqlType]:
        """The type of every column, by the name it has here."""
        found = {
            str(self.name(bound, name)): type_
            for bound in self.bounds
            for name, type_ in source_columns(bound.source).items()
        }
        if self.synthetic is not None:
            found[str(self.synthetic.name)] = self.synthetic.type
        return found

    def clashes(self, name: str) -> bool:
        """Whether several sources have a column of that name."""
        return sum(name in source_columns(b.source) for b in self.bounds) > 1

    def origin(self, name: ColumnName) -> tuple[Bound, ColumnName] | None:
        """The source of a column by the name it has here, and the column's own name."""
        for bound in self.bounds:
            for own in source_columns(bound.source):
                if self.name(bound, own) == name:
                    return bound, ColumnName(own)
        return None

    def written(self, node: ast.Column) -> ast.Column:
        """A resolved column as the user would write it, qualified."""
        found = self.origin(node.name)
        return node if found is None else ast.Column(name=found[1], source=found[0].alias)

    def resolve(self, node: ast.Column, clause: str) -> ast.Column:
        """The column by the name it has here.

        Raises:
            UnknownColumn: no source has it, or several have.
        """
        place = f"Line: {node.at.line}, Col: {node.at.column}: "
        if self.synthetic is not None and node.source is None and node.name == self.synthetic.name:
            return ast.Column(name=node.name, at=node.at)
        within = [
            b
            for b in self.bounds
            if node.source in {None, b.alias} and node.name in source_columns(b.source)
        ]
        unqualified = node.source is None and not within
        if self.grouped_in_windows and unqualified and node.name in WINDOW_BOUNDS:
            return ast.Column(name=node.name, at=node.at)
        if len(within) > 1:
            could = " or ".join(f"{b.alias}.{node.name}" for b in within)
            raise UnknownColumn(f"{place}Column '{node.name}' is ambiguous. Could be {could}.")
        if not within:
            shown = text_of(node).replace("`", "")
            more = ""
            if clause == "PARTITION BY":
                more = (
                    f" '{shown}' must be a column in the source schema since PARTITION BY is "
                    "applied on the input."
                )
            raise UnknownColumn(f"{place}{clause} column '{shown}' cannot be resolved.{more}")
        return ast.Column(name=self.name(within[0], node.name), at=node.at)

    def star(self, alias: SourceName | None) -> Iterator[ColumnName]:
        """The columns that ``*`` or ``alias.*`` stands for.

        Raises:
            StatementError: no source has that alias.
        """
        if alias is not None and self.bound(alias) is None:
            raise StatementError(
                f"Failed to prepare statement: '{alias}' is not a valid stream/table name or alias."
            )
        if self.synthetic is not None and alias is None:
            yield self.synthetic.name
        for bound in self.bounds:
            if alias in {None, bound.alias}:
                yield from (self.name(bound, c) for c in self._own_star(bound.source))

    def _own_star(self, source: Source) -> Iterator[str]:
        yield from (c.name for c in source.schema.key)
        if self.transient and source.window is not None:
            yield from WINDOW_BOUNDS
        yield from (c.name for c in source.schema.value)
        yield from (c.name for c in source.headers)

    def rowtime(self) -> ColumnName:
        """The column that is never NULL: what COUNT(*) counts."""
        return self.counted or self.name(self.bounds[0], "ROWTIME")

    def times(self) -> set[str]:
        """The columns that hold milliseconds and may be compared with text."""
        found = {str(self.name(bound, name)) for bound in self.bounds for name in TIMES}
        return found | set(TIMES)


def bind(query: ast.Query, catalog: Catalog) -> Scope:
    """The sources of a query.

    Raises:
        StatementError: one does not exist, or two have one alias.
    """
    bounds: list[Bound] = []
    for wanted in (query.source, *(j.right for j in query.joins)):
        source = _source(wanted, catalog)
        if any(b.alias == wanted.alias for b in bounds):
            raise StatementError(
                f"Failed to prepare statement: each source of a join needs an alias of its own. "
                f"Got {wanted.alias} twice."
            )
        if any(b.source.name == source.name for b in bounds):
            raise StatementError(
                f"Can not join '{source.name}' to '{source.name}': self joins are not yet "
                "supported."
            )
        bounds.append(Bound(source, wanted.alias))
    return Scope(tuple(bounds))


def _source(wanted: ast.From, catalog: Catalog) -> Source:
    source = catalog.source(wanted.source)
    if source is None:
        near = [s.name for s in catalog.sources() if s.name.upper() == wanted.source.upper()]
        hint = (
            f"\nDid you mean {near[0]}? Hint: try removing double quotes from the source name."
            if near
            else ""
        )
        raise StatementError(
            f"Exception while preparing statement: {wanted.source} does not exist.{hint}"
        )
    return source


def aliased_schema(bound: Bound) -> Schema:
    """The columns of a source's rows in a join."""
    return Schema(
        tuple(Column(joined_name(bound.alias, c.name), c.type) for c in bound.source.schema.key),
        tuple(
            Column(joined_name(bound.alias, c.name), c.type)
            for c in processing_schema(bound.source)
        ),
    )
