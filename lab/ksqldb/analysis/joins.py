"""Joins, resolved and checked: which sources, on which expressions, with which key."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from lab.ksqldb.analysis.sources import Bound, Scope, joined_name
from lab.ksqldb.analysis.topics import Topics
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column
from lab.ksqldb.errors import NotSupported, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.identifiers import quote
from lab.ksqldb.sql.spans import Within
from lab.ksqldb.sql.types import SqlType
from lab.ksqldb.sql.walk import rewrite, walk

Shape = Literal["STREAM-STREAM", "STREAM-TABLE", "TABLE-TABLE", "FOREIGN-KEY"]

_WITHIN_HELP = (
    "To learn about how to specify a WITHIN clause with a stream-stream join, please visit: "
    "https://docs.confluent.io/current/ksql/docs/syntax-reference.html#create-stream-as-select"
)
_SYNTHETIC = "ROWKEY"
_LONGEST_MS = 2**62
"""Kafka Streams adds these times up, and a day, in 64 bits."""


@dataclass(frozen=True, slots=True)
class JoinedSource:
    """One join: the sources before it, on the left, with one more on the right.

    ``left`` and ``right`` are the sides of the criteria, over the columns that each side gives.
    ``keys`` are the columns, or groups of them, that can name the result's key; without any it is a
    column of its own. ``sure`` are the columns that hold the key in every row: an outer join leaves
    the other side's NULL.
    """

    kind: ast.JoinKind
    shape: Shape
    source: Bound
    left: ast.Expression
    right: ast.Expression
    key_type: SqlType
    keys: tuple[tuple[ColumnName, ...], ...]
    sure: tuple[ColumnName, ...]
    within: Within | None

    @property
    def gives_table(self) -> bool:
        """Whether the result is a table."""
        return self.shape in {"TABLE-TABLE", "FOREIGN-KEY"}


def analyze_joins(query: ast.Query, scope: Scope, functions: Registry) -> tuple[JoinedSource, ...]:
    """The joins of a query, in order.

    Raises:
        StatementError: one is refused.
    """
    found: list[JoinedSource] = []
    for index, join in enumerate(query.joins):
        found.append(_Join(join, scope, index, tuple(found), functions).analyze())
    return tuple(found)


def synthetic_key(joins: tuple[JoinedSource, ...], scope: Scope) -> Column | None:
    """The column that the last join adds as its key, if it does."""
    if not joins or joins[-1].keys:
        return None
    name, number = _SYNTHETIC, 0
    while any(b.source.schema.find(name) for b in scope.bounds):
        number += 1
        name = f"{_SYNTHETIC}_{number}"
    return Column(ColumnName(name), joins[-1].key_type)


def never_null(joins: tuple[JoinedSource, ...], scope: Scope) -> ColumnName | None:
    """A column that every row of the last join has; None without joins.

    It is the first source's ROWTIME, unless an outer join can leave that source out.
    """
    if not joins:
        return None
    sure: Bound | None = scope.bounds[0]
    for join in joins:
        if join.kind == "RIGHT" or (join.kind == "INNER" and sure is None):
            sure = join.source
        elif join.kind == "FULL":
            sure = None
    if sure is not None:
        return scope.name(sure, "ROWTIME")
    synthetic = synthetic_key(joins, scope)
    return None if synthetic is None else synthetic.name


def check_partitions(scope: Scope, joins: tuple[JoinedSource, ...], topics: Topics) -> None:
    """Refuse to join sources whose topics have different numbers of partitions.

    Raises:
        StatementError: they have.
    """
    first = scope.bounds[0]
    for join in joins:
        left, right = topics.find(first.source.topic), topics.find(join.source.source.topic)
        if join.shape == "FOREIGN-KEY" or left is None or right is None:
            continue
        if left.partitions != right.partitions:
            a, b = quote(first.alias), quote(join.source.alias)
            raise StatementError(
                f"Can't join {a} with {b} since the number of partitions don't match. "
                f"{a} partitions = {left.partitions}; {b} partitions = {right.partitions}. "
                "Please repartition either one so that the number of partitions match."
            )


def _check_reach(within: Within) -> None:
    grace = 0 if within.grace is None else within.grace.ms
    if within.before.ms + (within.after or within.before).ms + grace > _LONGEST_MS:
        raise StatementError(
            "Failed to prepare statement: The WITHIN clause reaches too far: before, after and "
            f"grace period may be {_LONGEST_MS} milliseconds together."
        )


class _Join:
    def __init__(
        self,
        join: ast.Join,
        scope: Scope,
        index: int,
        before: tuple[JoinedSource, ...],
        functions: Registry,
    ) -> None:
        self._join = join
        self._scope = scope
        self._lefts = scope.bounds[: index + 1]
        self._right = scope.bounds[index + 1]
        self._before = before
        self._typing = Typing(scope.columns(), functions)
        self._left_is_table = before[-1].gives_table if before else scope.bounds[0].source.is_table

    def analyze(self) -> JoinedSource:
        left, right = self._sides()
        kind = self._join.kind
        shape = self._shape()
        if shape == "STREAM-STREAM":
            if self._join.within is None:
                raise StatementError(
                    "Stream-Stream joins must have a WITHIN clause specified. None was provided. "
                    + _WITHIN_HELP
                )
            _check_reach(self._join.within)
        elif self._join.within is not None:
            words = "Table-Table" if self._left_is_table else "Stream-Table"
            raise StatementError(
                f"A window definition was provided for a {words} join. These joins are not "
                "windowed. Please drop the window definition (i.e. the WITHIN clause) and try to "
                f"execute your {words} join again."
            )
        if shape != "STREAM-STREAM":
            self._check_table_key(left, right)
        if shape == "TABLE-TABLE" and not self._is_left_key(left):
            shape = "FOREIGN-KEY"
            if kind in {"RIGHT", "FULL"}:
                raise StatementError(f"{kind} OUTER JOIN on a foreign key is not supported")
            if self._right.source.window is not None:
                raise NotSupported("A foreign-key join of windowed tables")
        left_type, right_type = self._typing.known(left), self._typing.known(right)
        self._check_windows()
        if left_type != right_type:
            if shape == "FOREIGN-KEY":
                a, b = self._shown(left), self._shown(right)
                raise StatementError(
                    "Invalid join condition: types don't match. "
                    f"Got {a}{{{left_type}}} = {b}{{{right_type}}}."
                )
            raise StatementError(f"Invalid join. Key types differ: {left_type} vs {right_type}")
        return JoinedSource(
            kind=kind,
            shape=shape,
            source=self._right,
            left=left,
            right=right,
            key_type=self._key_type(left_type, shape),
            keys=self._keys(left, right, shape),
            sure=self._sure(left, right, shape),
            within=self._join.within,
        )

    def _check_windows(self) -> None:
        left, right = self._lefts[0], self._right
        if (left.source.window is None) != (right.source.window is None):
            shown = [
                f"{quote(b.source.name)} is "
                + ("not" if b.source.window is None else b.source.window.kind)
                + " windowed"
                for b in (left, right)
            ]
            raise StatementError(
                "Can not join windowed source to non-windowed source.\n" + "\n".join(shown)
            )
        kinds = [b.source.window.kind for b in (left, right) if b.source.window is not None]
        if kinds and ("SESSION" in kinds) != (set(kinds) == {"SESSION"}):
            raise StatementError(
                "Can not join sources whose windows differ in kind: "
                f"{quote(left.source.name)} is {kinds[0]} windowed, "
                f"{quote(right.source.name)} is {kinds[1]} windowed."
            )

    def _sides(self) -> tuple[ast.Expression, ast.Expression]:
        criteria = self._join.criteria
        if isinstance(criteria, ast.Logical):
            raise StatementError(
                "Invalid join condition: joins on multiple conditions are not yet supported. "
                f"Got {text_of(self._qualified(criteria))}."
            )
        if not isinstance(criteria, ast.Comparison) or criteria.operator != "=":
            raise StatementError("Only equality join criteria is supported.")
        sides = [self._resolve(criteria.left), self._resolve(criteria.right)]
        origins = []
        for side, written in zip(sides, (criteria.left, criteria.right), strict=True):
            found = self._origins(side)
            if len(found) != 1:
                raise StatementError(
                    f"Invalid comparison expression '{text_of(self._qualified(written))}' in join "
                    f"'{text_of(self._qualified(criteria))}'. Each side of the join comparision "
                    "must contain references from exactly one source."
                )
            origins.append(found[0])
        if origins[0] == origins[1]:
            raise StatementError(
                "Each side of the join must reference exactly one source and not the same source. "
                f"Left side references {quote(origins[0])} and right references "
                f"{quote(origins[1])}"
            )
        if self._right.alias not in origins:
            raise StatementError(
                "Each side of the join must reference exactly one source, and one of them the "
                f"source that is joined: {quote(self._right.alias)}. Left side references "
                f"{quote(origins[0])} and right references {quote(origins[1])}"
            )
        if origins[0] == self._right.alias:
            sides.reverse()
        return sides[0], sides[1]

    def _resolve(self, node: ast.Expression) -> ast.Expression:
        # A later source cannot be named yet.
        scope = Scope((*self._lefts, self._right))

        def column(found: ast.Expression) -> ast.Expression | None:
            return scope.resolve(found, "JOIN ON") if isinstance(found, ast.Column) else None

        return rewrite(node, column)

    def _qualified(self, node: ast.Expression) -> ast.Expression:
        def column(found: ast.Expression) -> ast.Expression | None:
            if not isinstance(found, ast.Column):
                return None
            plain = self._scope.resolve(found, "JOIN ON")
            return self._scope.written(plain)

        return rewrite(node, column)

    def _shown(self, node: ast.Expression) -> str:
        def column(found: ast.Expression) -> ast.Expression | None:
            return self._scope.written(found) if isinstance(found, ast.Column) else None

        return text_of(rewrite(node, column))

    def _origins(self, node: ast.Expression) -> list[SourceName]:
        found = [
            origin[0].alias
            for n in walk(node)
            if isinstance(n, ast.Column) and (origin := self._scope.origin(n.name)) is not None
        ]
        return list(dict.fromkeys(found))

    def _shape(self) -> Shape:
        kind = self._join.kind
        right_is_table = self._right.source.is_table
        if not self._left_is_table:
            if not right_is_table:
                return "STREAM-STREAM"
            if kind in {"RIGHT", "FULL"}:
                raise StatementError(
                    f"Invalid join type: {kind.lower()}-outer join not supported for stream-table "
                    f"join. Got {self._got()}."
                )
            return "STREAM-TABLE"
        if not right_is_table:
            raise StatementError(
                "Invalid join order: table-stream joins are not supported; only stream-table "
                f"joins. Got {self._got()}."
            )
        return "TABLE-TABLE"

    def _got(self) -> str:
        outer = "" if self._join.kind == "INNER" else " OUTER"
        left = self._lefts[0].source.name
        return f"{left} [{self._join.kind}]{outer} JOIN {self._right.source.name}"

    def _check_table_key(self, left: ast.Expression, right: ast.Expression) -> None:
        key = self._right.source.schema.key
        own = [ast.Column(name=joined_name(self._right.alias, c.name)) for c in key]
        if own == [right]:
            return
        got = f"Got {self._shown(left)} = {self._shown(right)}."
        if self._left_is_table:
            raise StatementError(
                "Invalid join condition: table-table joins require to join on the primary key of "
                f"the right input table. {got}"
            )
        raise StatementError(
            "Invalid join condition: stream-table joins require to join on the table's primary "
            f"key. {got}"
        )

    def _is_left_key(self, left: ast.Expression) -> bool:
        if self._before:
            return isinstance(left, ast.Column) and left.name in self._before[-1].sure
        first = self._lefts[0]
        return [left] == [
            ast.Column(name=joined_name(first.alias, c.name)) for c in first.source.schema.key
        ]

    def _keys(
        self, left: ast.Expression, right: ast.Expression, shape: Shape
    ) -> tuple[tuple[ColumnName, ...], ...]:
        if shape == "FOREIGN-KEY":
            return self._before[-1].keys if self._before else (self._primary_key(),)
        if self._join.kind == "FULL":
            return ()
        # The side that is always there comes first.
        sides = (right, left) if self._join.kind == "RIGHT" else (left, right)
        names: list[tuple[ColumnName, ...]] = [
            (n.name,) for n in sides if isinstance(n, ast.Column)
        ]
        # What is equal to the criteria where it is there at all may give its name too.
        before = self._before[-1].keys if self._before else ()
        if isinstance(left, ast.Column) and (left.name,) in before:
            names += [k for k in before if k not in names]
        return tuple(names)

    def _sure(
        self, left: ast.Expression, right: ast.Expression, shape: Shape
    ) -> tuple[ColumnName, ...]:
        if shape == "FOREIGN-KEY":
            key = self._primary_key()
            return self._before[-1].sure if self._before else key if len(key) == 1 else ()
        kind = self._join.kind
        found = [left] if kind in {"INNER", "LEFT"} else []
        found += [right] if kind in {"INNER", "RIGHT"} else []
        names = [n.name for n in found if isinstance(n, ast.Column)]
        if self._is_before(left) and kind in {"INNER", "LEFT"}:
            names += [k for k in self._before[-1].sure if k not in names]
        return tuple(names)

    def _is_before(self, left: ast.Expression) -> bool:
        """Whether the left side is the key of the join before."""
        before = self._before[-1].sure if self._before else ()
        return isinstance(left, ast.Column) and left.name in before

    def _key_type(self, criteria: SqlType, shape: Shape) -> SqlType:
        if shape != "FOREIGN-KEY":
            return criteria
        return (
            self._before[-1].key_type if self._before else self._lefts[0].source.schema.key[0].type
        )

    def _primary_key(self) -> tuple[ColumnName, ...]:
        first = self._lefts[0]
        return tuple(joined_name(first.alias, c.name) for c in first.source.schema.key)


def qualify_criteria(join: ast.Join, scope: Scope) -> ast.Join:
    """A join as written, the columns of its criteria qualified."""

    def column(found: ast.Expression) -> ast.Expression | None:
        if isinstance(found, ast.Column):
            return scope.written(scope.resolve(found, "JOIN ON"))
        return None

    return dataclasses.replace(join, criteria=rewrite(join.criteria, column))
