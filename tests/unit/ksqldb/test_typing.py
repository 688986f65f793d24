"""Types of expressions."""

from __future__ import annotations

import pytest

from lab.ksqldb.analysis.sources import source_columns
from lab.ksqldb.analysis.typing import Typing
from lab.ksqldb.catalog import Catalog
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.sql.parser import Parser


@pytest.fixture
def typing(catalog: Catalog) -> Typing:
    source = catalog.source("S")
    assert source is not None
    return Typing(source_columns(source), builtin())


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("I + 1", "INTEGER"),
        ("I + L", "BIGINT"),
        ("L * D", "DOUBLE"),
        ("X + 1", "DECIMAL(13, 2)"),
        ("X * X", "DECIMAL(21, 4)"),
        ("X / 3", "DECIMAL(21, 13)"),
        ("X % 7", "DECIMAL(10, 2)"),
        ("1.5 + 2.25", "DECIMAL(4, 2)"),
        ("S + 'x'", "STRING"),
        ("2147483648", "BIGINT"),
        ("I = 1 AND S LIKE 'a'", "BOOLEAN"),
        ("DT < '2024-01-01'", "BOOLEAN"),
        ("A[1]", "INTEGER"),
        ("M['k']", "INTEGER"),
        ("ST->Q", "STRING"),
        ("CASE WHEN B THEN NULL ELSE S END", "STRING"),
        ("ARRAY[1, 2.5]", "ARRAY<DECIMAL(11, 1)>"),
        ("STRUCT(X := 1, Y := 'q')", "STRUCT<`X` INTEGER, `Y` STRING>"),
        ("COALESCE(I, 1, 2)", "INTEGER"),
        ("ROUND(D)", "BIGINT"),
        ("ROUND(X)", "DECIMAL(8, 0)"),
        ("CAST(A AS ARRAY<DOUBLE>)", "ARRAY<DOUBLE>"),
        ("ROWTIME", "BIGINT"),
    ],
)
def test_types(parser: Parser, typing: Typing, text: str, type_: str) -> None:
    assert str(typing.of(parser.parse_expression(text))) == type_


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("I + S", "Unsupported arithmetic types. INTEGER STRING"),
        ("I + NULL", "not supported"),
        ("I = S", "with EQUAL"),
        ("B > TRUE", "GREATER_THAN"),
        ("A > A", "GREATER_THAN"),
        ("I = NULL", "Comparison with NULL"),
        ("I LIKE 'x'", "LIKE"),
        ("CASE WHEN B THEN 1 ELSE 'x' END", "default clause"),
        ("CASE WHEN B THEN NULL END", "NULL type"),
        ("LCASE(I)", "does not accept parameters"),
        ("COALESCE(I, L)", "does not accept parameters"),
        ("NOPE(1)", "Can't find any functions"),
        ("SUM(I)", "Can't find any functions"),
        ("ST->NOPE", "Could not find field"),
        ("CAST(A AS INT)", "not supported"),
        ("ARRAY[]", "cannot be empty"),
        ("9223372036854775808", "Invalid numeric literal"),
    ],
)
def test_refusals(parser: Parser, typing: Typing, text: str, says: str) -> None:
    with pytest.raises(StatementError, match=says.replace("(", r"\(")):
        typing.of(parser.parse_expression(text))
