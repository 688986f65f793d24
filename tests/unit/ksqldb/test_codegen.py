"""Expressions to Java source."""

from __future__ import annotations

from lab.ksqldb.functions.library import builtin
from lab.ksqldb.jvm.body import java_string
from lab.ksqldb.jvm.codegen import row_function
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import INTEGER, STRING

COLUMNS = {"A": (0, INTEGER), "B": (1, STRING)}


def java(parser: Parser, select: list[str], where: str | None = None) -> str:
    return row_function(
        "R",
        COLUMNS,
        builtin(),
        select=[parser.parse_expression(s) for s in select],
        where=None if where is None else parser.parse_expression(where),
    )


def test_a_plain_column_is_copied(parser: Parser) -> None:
    assert "o[0] = r[1];" in java(parser, ["B"])


def test_a_filter_drops_what_is_not_true(parser: Parser) -> None:
    source = java(parser, ["A"], "A > 1")
    assert "if (!Boolean.TRUE.equals(where(r, p))) return null;" in source
    assert "Ops.gt(" in source


def test_and_evaluates_its_right_side_only_when_it_must(parser: Parser) -> None:
    source = java(parser, ["A = 1 AND A / 0 > 1"])
    assert source.index("Boolean.FALSE.equals") < source.index("Ops.divide")


def test_text_is_escaped(parser: Parser) -> None:
    assert java_string('a"\n\\') == '"a\\"\\n\\\\"'
    assert '"it\'s"' in java(parser, ["'it''s'"])


def test_a_failing_expression_reports_itself(parser: Parser) -> None:
    source = java(parser, ["A / 0"], "A / 0 > 1")
    assert 'p.failed("Error computing expression (A / 0)", e, r);' in source
    assert 'p.failed("Error evaluating predicate ((A / 0) > 1)", e, r);' in source
