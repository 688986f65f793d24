"""The steps of joins: sources under their aliases, re-keyed where the criteria ask for it.

The last join has no prefix in the names of its steps; each one before it has one more ``L_``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from lab.ksqldb.analysis import schemas
from lab.ksqldb.analysis.formats import without_schema_id
from lab.ksqldb.analysis.items import Item
from lab.ksqldb.analysis.joins import JoinedSource
from lab.ksqldb.analysis.partitioning import IMPLICIT_REPARTITION
from lab.ksqldb.analysis.query import AnalyzedQuery
from lab.ksqldb.analysis.sources import Bound, aliased_schema, joined_name
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column, Format, Schema, Source
from lab.ksqldb.errors import BadRequest, StatementError
from lab.ksqldb.functions.registry import Registry
from lab.ksqldb.names import ColumnName
from lab.ksqldb.plan.internal import internal_formats, source_step
from lab.ksqldb.plan.steps import (
    ForeignKeyJoin,
    Formats,
    Join,
    Named,
    Select,
    SelectKey,
    Step,
    StreamStreamJoin,
    StreamTableJoin,
    TableSource,
    TableTableJoin,
)
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.walk import rewrite


@dataclass(frozen=True, slots=True)
class _Side:
    """A side of a join: its step, the format of its keys, and the source that names its formats."""

    step: Step
    key: Format
    source: Source


def key_columns(query: AnalyzedQuery) -> tuple[ColumnName, ...]:
    """What the key of the last join's rows is called: by columns that are selected if it can be."""
    keys = query.joins[-1].keys
    selected = {i.expression for i in query.items}
    chosen = (k for k in keys if all(ast.Column(name=n) in selected for n in k))
    return next(chosen, keys[0] if keys else ())


def select_key(step: Step, keys: tuple[Item, ...], context: str, functions: Registry) -> SelectKey:
    """Re-key a stream; keys that are not columns become columns at the end."""
    typing = Typing({c.name: c.type for c in step.schema.value}, functions)
    columns = tuple(Column(k.name, typing.known(k.expression)) for k in keys)
    new = tuple(
        c for k, c in zip(keys, columns, strict=True) if not isinstance(k.expression, ast.Column)
    )
    named = tuple(Named(k.name, text_of(k.expression)) for k in keys)
    return SelectKey(step, context, named, Schema(columns, step.schema.value + new))


def _alike(one: Format, other: Format) -> bool:
    """Whether equal keys are the same bytes in both, schema ids apart."""

    def layout(format_: Format) -> tuple[object, ...]:
        return format_.name, format_.wrap, format_.property("delimiter")

    return layout(one) == layout(other)


def _key_name(node: ast.Expression) -> ColumnName:
    return node.name if isinstance(node, ast.Column) else ColumnName("KSQL_COL_0")


class JoinPlanner:
    """Plans the joins of one query."""

    def __init__(self, query: AnalyzedQuery, functions: Registry) -> None:
        self._query = query
        self._scope = query.scope
        self._functions = functions
        self._key_format = query.source.key_format

    def plan(self) -> Join:
        """The step of the last join."""
        count = len(self._query.joins)
        prefix = "L_" * (count - 1)
        first = self._scope.bounds[0]
        left = _Side(
            self._source(first.source, f"KafkaTopic_{prefix}Left"),
            first.source.key_format,
            first.source,
        )
        made: Join | None = None
        for index, join in enumerate(self._query.joins):
            prefix = "L_" * (count - 1 - index)
            made = self._join(left, join, index, prefix)
            left = _Side(made, self._key_format, first.source)
        assert made is not None  # noqa: S101 - a query with joins has a last one
        return made

    def _source(self, source: Source, context: str) -> Step:
        step = source_step(source, context)
        if isinstance(step, TableSource) and self._query.is_aggregate and self._query.from_table:
            # Of two sides changed in one go, caches show each one's change twice to an aggregate.
            return dataclasses.replace(step, cached=False)
        return step

    def _join(self, left: _Side, join: JoinedSource, index: int, prefix: str) -> Join:
        right_source = join.source.source
        right = _Side(
            self._source(right_source, f"KafkaTopic_{prefix}Right"),
            right_source.key_format,
            right_source,
        )
        left_step, right_step = self._keyed(left, right, join, index, prefix)
        if index == 0:
            first = self._scope.bounds[0]
            left_step = self._aliased(left_step, first, f"PrependAlias{prefix}Left")
        right_step = self._aliased(right_step, join.source, f"PrependAlias{prefix}Right")
        if join.shape == "FOREIGN-KEY":
            left_step = self._serialized(left_step, left)
            right_step = self._serialized(right_step, right)
        schema = self._schema(left_step, right_step, join, index, prefix)
        context = f"{prefix}Join"
        left_formats = self._formats(left.source, left_step)
        right_formats = self._formats(right.source, right_step)
        match join.shape:
            case "STREAM-STREAM":
                assert join.within is not None  # noqa: S101 - narrows a type
                within = join.within
                return StreamStreamJoin(
                    left_step,
                    right_step,
                    context,
                    join.kind,
                    within.before.ms,
                    (within.after or within.before).ms,
                    None if within.grace is None else within.grace.ms,
                    left_formats,
                    right_formats,
                    schema,
                    left.source.window,
                )
            case "STREAM-TABLE":
                return StreamTableJoin(
                    left_step,
                    right_step,
                    context,
                    join.kind,
                    left_formats,
                    schema,
                    left.source.window,
                )
            case "TABLE-TABLE":
                return TableTableJoin(left_step, right_step, context, join.kind, schema)
            case "FOREIGN-KEY":
                return ForeignKeyJoin(
                    left_step,
                    right_step,
                    context,
                    join.kind,
                    text_of(join.left),
                    Formats(left.key, internal_formats(left.source, schema, None).value),
                    schema,
                )

    @staticmethod
    def _serialized(step: Step, side: _Side) -> Step:
        """Rows with formats: a foreign-key join sends them through topics."""
        value = internal_formats(side.source, step.schema, None).value
        formats = Formats(side.key, value)
        if isinstance(step, Select):
            return dataclasses.replace(step, formats=formats)
        same = tuple(Named(c.name, text_of(ast.Column(name=c.name))) for c in step.schema.value)
        return Select(step, step.context, same, step.schema, formats=formats)

    def _formats(self, source: Source, step: Step) -> Formats:
        value = internal_formats(source, step.schema, None).value
        return Formats(self._key_format, value)

    def _keyed(
        self, left: _Side, right: _Side, join: JoinedSource, index: int, prefix: str
    ) -> tuple[Step, Step]:
        """Both sides, re-keyed by the criteria where they are not keyed so already."""
        self._key_format = without_schema_id(left.key)
        if join.shape == "FOREIGN-KEY":
            return left.step, right.step
        if join.shape == "TABLE-TABLE":
            return left.step, self._reformatted(right, prefix)
        left_moves = not self._is_key(join.left, index)
        own = [joined_name(join.source.alias, c.name) for c in right.source.schema.key]
        right_moves = not (isinstance(join.right, ast.Column) and own == [join.right.name])
        if join.shape == "STREAM-TABLE":
            self._key_format = without_schema_id(right.key)
            left_moves |= not _alike(left.key, right.key)
        elif not _alike(left.key, right.key):
            if left_moves:
                self._key_format = without_schema_id(right.key)
            else:
                right_moves = True
        if self._key_format.name == "NONE":
            self._key_format = schemas.key_format("KAFKA")
        schemas.check_formats(
            Schema((Column(_key_name(join.left), join.key_type),)),
            self._key_format,
            Format("JSON"),
            error=BadRequest,
        )
        if (left_moves or right_moves) and left.source.window is not None:
            raise StatementError(IMPLICIT_REPARTITION)
        left_step, right_step = left.step, right.step
        if left_moves:
            bound = self._scope.bounds[0] if index == 0 else None
            left_step = self._rekey(left.step, join.left, bound, f"{prefix}LeftSourceKeyed")
        if right_moves:
            right_step = self._rekey(
                right.step, join.right, join.source, f"{prefix}RightSourceKeyed"
            )
        return left_step, right_step

    def _reformatted(self, right: _Side, prefix: str) -> Step:
        """A table whose keys have the format of the left side's."""
        if _alike(right.key, self._key_format):
            return right.step
        schema = right.step.schema
        keys = tuple(Named(c.name, text_of(ast.Column(name=c.name))) for c in schema.key)
        formats = Formats(self._key_format, internal_formats(right.source, schema, None).value)
        return SelectKey(right.step, f"{prefix}RightSourceKeyed", keys, schema, formats)

    def _is_key(self, node: ast.Expression, index: int) -> bool:
        if not isinstance(node, ast.Column):
            return False
        if index > 0:
            return node.name in self._query.joins[index - 1].sure
        first = self._scope.bounds[0]
        return [node.name] == [joined_name(first.alias, c.name) for c in first.source.schema.key]

    def _rekey(self, step: Step, node: ast.Expression, bound: Bound | None, context: str) -> Step:
        if bound is not None:
            node = self._own(node)
        return select_key(step, (Item(_key_name(node), node),), context, self._functions)

    def _own(self, node: ast.Expression) -> ast.Expression:
        """An expression over one source, in the source's own names."""

        def column(found: ast.Expression) -> ast.Expression | None:
            if not isinstance(found, ast.Column):
                return None
            origin = self._scope.origin(found.name)
            return None if origin is None else ast.Column(name=origin[1])

        return rewrite(node, column)

    @staticmethod
    def _aliased(step: Step, bound: Bound, context: str) -> Select:
        """The columns of a source under the names they have in the join."""
        value = step.schema.value
        items = tuple(
            Named(joined_name(bound.alias, c.name), text_of(ast.Column(name=c.name))) for c in value
        )
        known = aliased_schema(bound)
        key = tuple(Column(joined_name(bound.alias, c.name), c.type) for c in step.schema.key)
        more = value[len(known.value) :]
        names = tuple(Column(joined_name(bound.alias, c.name), c.type) for c in more)
        return Select(step, context, items, Schema(key, known.value + names))

    def _schema(
        self, left: Step, right: Step, join: JoinedSource, index: int, prefix: str
    ) -> Schema:
        value = left.schema.value + right.schema.value
        last = index == len(self._query.joins) - 1
        if not join.keys:
            key = self._scope.synthetic if last else None
            # A join before the last keeps its key out of the way of the last one's.
            key = key or Column(ColumnName(f"{prefix}ROWKEY"), join.key_type)
            return Schema((key,), (*value, key))
        names = key_columns(self._query)
        if not last:
            following = self._query.joins[index + 1].left
            wanted = (following.name,) if isinstance(following, ast.Column) else ()
            names = wanted if wanted in join.keys else join.keys[0]
        types = [c.type for c in left.schema.key] if len(names) > 1 else [join.key_type]
        return Schema(tuple(map(Column, names, types)), value)
