"""Aggregates on the JVM: results, merged and undone states. Needs the server's jars, no broker.

Every state goes through the bytes of the store, as it does in a query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jpype  # type: ignore[import-untyped] # it has none
import pytest

from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Column, Format, Schema
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.functions.registry import Kind
from lab.ksqldb.jvm.aggregates import groups
from lab.ksqldb.jvm.rows import row, serde, state_serde
from lab.ksqldb.jvm.values import to_java
from lab.ksqldb.names import ColumnName, TopicName
from lab.ksqldb.plan.steps import Aggregate, AggregateCall, Formats, GroupBy, StreamSource
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression as text_of
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, STRING, SqlType, decimal

pytestmark = pytest.mark.usefixtures("jvm")
JSON = Format("JSON", True)


class Kept:
    """A group's row of one aggregate, as an aggregation step keeps it."""

    def __init__(
        self,
        parser: Parser,
        call: str,
        types: Sequence[SqlType],
        *,
        settings: Mapping[str, str] | None = None,
        undone: bool = False,
        remembers: bool = False,
    ) -> None:
        """``types`` are those of the call's first arguments; the others are literals.

        ``remembers`` takes the serde that steps use, which reads as little as it can.
        """
        node = parser.parse_expression(call)
        assert isinstance(node, ast.Call)
        constants = node.arguments[len(types) :]
        literals = [Typing({}, builtin()).known(c) for c in constants]
        returns = builtin().get(node.name).resolve([*types, *literals]).returns
        columns = tuple(Column(ColumnName(f"C{i}"), t) for i, t in enumerate(types))
        formats = Formats(Format("KAFKA"), JSON)
        source = StreamSource("S", TopicName("s"), formats, None, Schema(), Schema((), columns))
        grouped = GroupBy(source, "G", True, (), formats, Schema((), columns))
        called = AggregateCall(
            node.name, tuple(c.name for c in columns), tuple(text_of(c) for c in constants)
        )
        schema = Schema((), (*columns, Column(ColumnName("A"), returns)))
        step = Aggregate(grouped, "A", (called,), formats, schema)
        made = groups(step, builtin(), parser.parse_expression, settings or {}, undone=undone)
        self._types = types
        self._java = made.java
        self._serde = (state_serde if remembers else serde)(JSON, (*columns, *made.states))
        self._group = self._stored(self._java.initial())

    def _stored(self, group: Any) -> Any:
        data = self._serde.serializer().serialize("t", group)
        return self._serde.deserializer().deserialize("t", data)

    def _row(self, value: Any) -> Any:
        values = value if isinstance(value, tuple) else (value,)
        return row([to_java(v, t) for v, t in zip(values, self._types, strict=True)])

    def add(self, *values: Any) -> Kept:
        for value in values:
            self._group = self._stored(self._java.add(self._row(value), self._group))
        return self

    def undo(self, *values: Any) -> Kept:
        for value in values:
            self._group = self._stored(self._java.undo(self._row(value), self._group))
        return self

    def merge(self, later: Kept) -> Kept:
        self._group = self._stored(self._java.merge(self._group, later._group))
        return self

    def __str__(self) -> str:
        ignored = jpype.JClass("lab.ksqldb.step.Problems").IGNORED
        return str(self._java.results().apply(self._group.columns, ignored)[len(self._types)])


NUMBERS = (3, None, 1, 3, 2)
PAIRS = ((1, 2), (2, None), (3, 1), (None, 4), (5, 9))
CASES: list[tuple[str, tuple[SqlType, ...], tuple[Any, ...], str]] = [
    ("COUNT(C0)", (INTEGER,), NUMBERS, "4"),
    ("COUNT_DISTINCT(C0)", (INTEGER,), NUMBERS, "3"),
    ("SUM(C0)", (INTEGER,), NUMBERS, "9"),
    ("SUM(C0)", (decimal(4, 2),), ("1.25", None, "0.50"), "1.75"),
    ("AVG(C0)", (BIGINT,), NUMBERS, "2.25"),
    ("MIN(C0)", (STRING,), ("b", None, "a", "c"), "a"),
    ("MAX(C0)", (DOUBLE,), (1.5, -2.0, None), "1.5"),
    ("COLLECT_LIST(C0)", (INTEGER,), NUMBERS, "[3, null, 1, 3, 2]"),
    ("COLLECT_SET(C0)", (INTEGER,), NUMBERS, "[3, null, 1, 2]"),
    ("HISTOGRAM(C0)", (STRING,), ("x", "y", "x", None), "{null=1, x=2, y=1}"),
    ("LATEST_BY_OFFSET(C0)", (INTEGER,), (1, 2, None), "2"),
    ("LATEST_BY_OFFSET(C0, false)", (INTEGER,), (1, 2, None), "None"),
    ("LATEST_BY_OFFSET(C0, 2)", (INTEGER,), NUMBERS, "[3, 2]"),
    ("LATEST_BY_OFFSET(C0, 4, false)", (INTEGER,), NUMBERS, "[null, 1, 3, 2]"),
    ("EARLIEST_BY_OFFSET(C0)", (INTEGER,), (None, 7, 8), "7"),
    ("EARLIEST_BY_OFFSET(C0, false)", (INTEGER,), (None, 7, 8), "None"),
    ("EARLIEST_BY_OFFSET(C0, 2)", (INTEGER,), NUMBERS, "[3, 1]"),
    ("EARLIEST_BY_OFFSET(C0, 2, false)", (INTEGER,), NUMBERS, "[3, null]"),
    ("ATTR(C0)", (BOOLEAN,), (True, True), "True"),
    ("ATTR(C0)", (BOOLEAN,), (True, None), "None"),
    ("TOPK(C0, 2)", (INTEGER,), NUMBERS, "[3, 3]"),
    ("TOPK(C0, C1, 2)", (INTEGER, INTEGER), PAIRS, "[[5, 9], [3, 1]]"),
    ("TOPKDISTINCT(C0, 2)", (INTEGER,), NUMBERS, "[3, 2]"),
    ("STDDEV_SAMP(C0)", (DOUBLE,), (1.0, 3.0, None, 5.0), "4.0"),
    ("STDDEV_SAMPLE(C0)", (DOUBLE,), (1.0, 3.0, None, 5.0), "2.0"),
    ("STDDEV_SAMP(C0)", (DOUBLE,), (1.0,), "0.0"),
    ("CORRELATION(C0, C1)", (INTEGER, INTEGER), ((1, 2), (2, 4), (3, 6), (4, None)), "1.0"),
]


@pytest.mark.parametrize(("call", "types", "values", "expected"), CASES)
def test_aggregate_of_values_added_one_by_one_and_in_two_merged_parts(
    parser: Parser, call: str, types: tuple[SqlType, ...], values: tuple[Any, ...], expected: str
) -> None:
    assert str(Kept(parser, call, types).add(*values)) == expected
    assert str(Kept(parser, call, types, remembers=True).add(*values)) == expected
    for parts in range(len(values) + 1):
        first = Kept(parser, call, types).add(*values[:parts])
        later = Kept(parser, call, types).add(*values[parts:])
        assert str(first.merge(later)) == expected, f"merged after {parts}"


def test_every_aggregate_has_a_case() -> None:
    # SUM_LIST takes arrays, which no literal of this test can be: it is in the recorded cases.
    named = {call.partition("(")[0] for call, *_ in CASES} | {"SUM_LIST"}
    assert named == {f.name for f in builtin().all() if f.kind is Kind.AGGREGATE}


@pytest.mark.parametrize(
    ("call", "types", "values", "left"),
    [(c, t, v, v[1:]) for c, t, v, _ in CASES if builtin().get(c.partition("(")[0]).over_tables],
)
def test_what_is_added_can_be_taken_back(
    parser: Parser,
    call: str,
    types: tuple[SqlType, ...],
    values: tuple[Any, ...],
    left: tuple[Any, ...],
) -> None:
    kept = Kept(parser, call, types, undone=True).add(*values).undo(values[0])
    expected = Kept(parser, call, types, undone=True).add(*left)
    if call.startswith("COLLECT_LIST"):
        assert str(kept) == "[3, null, 1, 2]", "the last of equal values goes"
    elif call.startswith(("STDDEV", "CORRELATION")):
        assert float(str(kept)) == pytest.approx(float(str(expected)), nan_ok=True)
    else:
        assert str(kept) == str(expected)


def test_a_decimal_sum_that_does_not_fit_is_null_until_it_fits_again(parser: Parser) -> None:
    kept = Kept(parser, "SUM(C0)", (decimal(3, 1),), undone=True).add("99.9", "99.9")
    assert str(kept) == "None"
    assert str(kept.add("-99.9")) == "99.9"
    assert str(kept.add("50.0").undo("99.9")) == "50.0"


def test_nulls_of_a_histogram_go_with_the_last_of_them(parser: Parser) -> None:
    kept = Kept(parser, "HISTOGRAM(C0)", (STRING,), undone=True).add(None, "x", None)
    assert str(kept) == "{x=1, null=1}"
    assert str(kept.undo(None)) == "{x=1, null=1}"
    assert str(kept.undo(None)) == "{x=1}"


def test_collections_end_at_their_limits(parser: Parser) -> None:
    settings = {
        "ksql.functions.collect_list.limit": "3",
        "ksql.functions.collect_set.limit": "2",
    }
    listed = Kept(parser, "COLLECT_LIST(C0)", (INTEGER,), settings=settings).add(1, 1, 2, 3)
    assert str(listed) == "[1, 1, 2]"
    both = Kept(parser, "COLLECT_LIST(C0)", (INTEGER,), settings=settings).add(7, 8)
    assert str(both.merge(listed)) == "[7, 8, 1]"
    several = Kept(parser, "COLLECT_SET(C0)", (INTEGER,), settings=settings).add(1, 1, 2, 3)
    assert str(several) == "[1, 2]"


def test_many_different_values_are_counted_about_right(parser: Parser) -> None:
    kept = Kept(parser, "COUNT_DISTINCT(C0)", (INTEGER,)).add(*range(500))
    assert str(kept) == "500"
    kept.add(*range(250, 3000))
    assert int(str(kept)) == pytest.approx(3000, rel=0.06)
    few = Kept(parser, "COUNT_DISTINCT(C0)", (INTEGER,)).add(1, 2, 3)
    assert str(few.merge(kept)) == str(kept)
