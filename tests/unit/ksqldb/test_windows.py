"""WINDOW clauses, windowed sources, and what pull queries ask of them, against a catalog."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from lab.ksqldb.analysis import properties, pull
from lab.ksqldb.analysis.query import AnalyzedQuery, analyze
from lab.ksqldb.analysis.windows import Windowing
from lab.ksqldb.catalog import Catalog, Column, WindowInfo
from lab.ksqldb.errors import StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import ColumnName, SourceName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression
from lab.ksqldb.sql.types import INTEGER, STRING

Parse = Callable[[str], ast.Statement]

HOUR = 3_600_000


@pytest.fixture
def windowed(catalog: Catalog) -> Catalog:
    """The catalog with a windowed stream WS and a windowed table WT."""
    for name, source in (("WS", "S"), ("WT", "T")):
        found = catalog.source(source)
        assert found is not None
        info = WindowInfo("TUMBLING", 10_000)
        catalog.put(dataclasses.replace(found, name=SourceName(name), window=info))
    return catalog


def analyzed(
    statement: Parse, catalog: Catalog, text: str, *, persistent: bool = False
) -> AnalyzedQuery:
    made = statement(text)
    assert isinstance(made, ast.QueryStatement)
    return analyze(made.query, catalog, builtin(), persistent=persistent)


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        ("TUMBLING (SIZE 1 HOUR)", Windowing("TUMBLING", HOUR, None, 23 * HOUR, None, False)),
        ("TUMBLING (SIZE 2 DAYS)", Windowing("TUMBLING", 48 * HOUR, None, 0, None, False)),
        (
            "HOPPING (SIZE 1 HOUR, ADVANCE BY 10 MINUTES, RETENTION 3 HOURS, GRACE PERIOD 2 HOURS)",
            Windowing("HOPPING", HOUR, 600_000, 2 * HOUR, 3 * HOUR, False),
        ),
        ("SESSION (1 HOUR)", Windowing("SESSION", HOUR, None, 23 * HOUR, None, False)),
    ],
)
def test_windows_in_milliseconds_with_a_grace_period_up_to_a_day(
    statement: Parse, catalog: Catalog, clause: str, expected: Windowing
) -> None:
    text = f"SELECT ID, COUNT(*) FROM S WINDOW {clause} GROUP BY ID EMIT"
    assert analyzed(statement, catalog, f"{text} CHANGES;").window == expected
    final = analyzed(statement, catalog, f"{text} FINAL;").window
    assert final == dataclasses.replace(expected, final=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("COUNT(*) FROM S WINDOW TUMBLING (SIZE 0 SECONDS) GROUP BY ID", "greater than zero"),
        ("COUNT(*) FROM S WINDOW SESSION (0 SECONDS) GROUP BY ID", "gap"),
        (
            "COUNT(*) FROM S WINDOW HOPPING (SIZE 1 SECOND, ADVANCE BY 2 SECONDS) GROUP BY ID",
            "advancement",
        ),
        (
            "COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 HOUR) GROUP BY ID",
            "retention",
        ),
        ("I FROM S WINDOW TUMBLING (SIZE 1 HOUR)", "requires a GROUP BY"),
        (
            "COUNT(*) FROM S WINDOW TUMBLING (SIZE 99999999999999999 DAYS) GROUP BY ID",
            "cannot reach as far",
        ),
        ("COUNT(*) FROM T WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID", "table aggregations"),
        ("COUNT(*) FROM S GROUP BY ID EMIT FINAL", "EMIT FINAL"),
        (
            "COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 HOUR) WHERE WINDOWSTART > 0 GROUP BY ID",
            "Error in WHERE expression: Unknown column WINDOWSTART",
        ),
        (
            "COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY WINDOWEND",
            "Window bounds column WINDOWEND can only be used in the SELECT",
        ),
        (
            "MAX(WINDOWEND) FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID",
            "can not be passed to aggregate functions",
        ),
        (
            "COUNT(*) FROM S WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY ID HAVING WINDOWEND > 0",
            "Window bounds column",
        ),
        ("COUNT(*) FROM WT GROUP BY I", "windowed tables"),
        ("I FROM WS PARTITION BY I", "repartitioning of windowed sources"),
        ("S.I FROM S JOIN WT ON S.ID = WT.ID", "`S` is not windowed"),
    ],
)
def test_windows_that_are_refused(
    statement: Parse, windowed: Catalog, text: str, says: str
) -> None:
    with pytest.raises(StatementError) as caught:
        analyzed(statement, windowed, f"SELECT {text};")
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT * FROM WT;", "persistent queries on windowed tables"),
        ("SELECT ID, WINDOWSTART, I FROM WS;", "Reserved column name in select: `WINDOWSTART`"),
    ],
)
def test_persistent_queries_that_are_refused(
    statement: Parse, windowed: Catalog, text: str, says: str
) -> None:
    with pytest.raises(StatementError, match=says):
        analyzed(statement, windowed, text, persistent=True)


def test_a_star_has_the_bounds_of_windows_unless_it_is_stored(
    statement: Parse, windowed: Catalog
) -> None:
    shown = analyzed(statement, windowed, "SELECT * FROM WS;")
    assert [i.name for i in shown.items][:4] == ["ID", "WINDOWSTART", "WINDOWEND", "I"]
    stored = analyzed(statement, windowed, "SELECT * FROM WS;", persistent=True)
    assert [i.name for i in stored.items][:2] == ["ID", "I"]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((), None),
        ((("WINDOW_TYPE", "session"),), WindowInfo("SESSION", None)),
        (
            (("WINDOW_TYPE", "Hopping"), ("WINDOW_SIZE", "2 minutes")),
            WindowInfo("HOPPING", 120_000),
        ),
    ],
)
def test_windows_of_sources(items: ast.Properties, expected: WindowInfo | None) -> None:
    assert properties.window_info(properties.check(items)) == expected


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ((("WINDOW_TYPE", "TUMBLING"),), "require 'WINDOW_SIZE'"),
        ((("WINDOW_TYPE", "NOPE"),), "SESSION, HOPPING, TUMBLING"),
        ((("WINDOW_TYPE", "SESSION"), ("WINDOW_SIZE", "1 DAY")), "should not be set"),
        ((("WINDOW_TYPE", "TUMBLING"), ("WINDOW_SIZE", "1")), "Expected 2 tokens"),
        ((("WINDOW_TYPE", "TUMBLING"), ("WINDOW_SIZE", "1 MOON")), "Unknown time unit"),
        ((("WINDOW_TYPE", "TUMBLING"), ("WINDOW_SIZE", "x DAYS")), "Not numeric"),
        ((("WINDOW_TYPE", "TUMBLING"), ("WINDOW_SIZE", "0 DAYS")), "greater than zero"),
        ((("WINDOW_TYPE", "TUMBLING"), ("WINDOW_SIZE", "9" * 20 + " DAYS")), "as long"),
    ],
)
def test_windows_of_sources_that_are_refused(items: ast.Properties, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        properties.check(items)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("A = 'x' AND B = 1", [("x", 1)]),
        ("B IN (1, 2) AND A = 'x' AND V > 5", [("x", 1), ("x", 2)]),
        ("(A = 'x' AND B = 1) OR (A = 'y' AND B = 2)", [("x", 1), ("y", 2)]),
        ("A = 'x' AND (B = 1 OR B = 1)", [("x", 1)]),
        ("A = 'x' AND A = 'y' AND B = 1", []),
        ("A = 'x'", None),
        ("A = 'x' AND B > 1", None),
        ("A = 'x' AND B = 1 OR V = 2", None),
    ],
)
def test_keys_of_several_columns(parser: Any, text: str, keys: list[Any] | None) -> None:
    key = (Column(ColumnName("A"), STRING), Column(ColumnName("B"), INTEGER))
    assert pull.lookups(parser.parse_expression(text), key) == keys


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("A = 'x' AND B = 1", None),
        ("B IN (1, 2) AND A = 'x' AND V > 5", "(V > 5)"),
        ("A = 'x' AND B = 1 AND WINDOWSTART > 5 AND WINDOWEND <= 9", None),
        ("A = 'x' AND B = 1 AND (V = 1 OR A = 'y')", "((V = 1) OR (A = 'y'))"),
        ("B IN (1, 2) AND B IN (2, 3) AND A = 'x'", "whole"),
    ],
)
def test_what_a_lookup_leaves_to_check(parser: Any, text: str, left: str | None) -> None:
    key = (Column(ColumnName("A"), STRING), Column(ColumnName("B"), INTEGER))
    where = parser.parse_expression(text)
    found = pull.residual(where, key, WindowInfo("TUMBLING", 10))
    wanted = expression(where) if left == "whole" else left
    assert (None if found is None else expression(found)) == wanted


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("V = 1", 0, 2**63 - 1),
        ("WINDOWSTART = 5", 5, 5),
        ("WINDOWSTART > 5 AND 9 >= WINDOWSTART", 6, 9),
        ("WINDOWSTART BETWEEN 5 AND 9 AND V = 1", 5, 9),
        ("WINDOWEND <= 30 AND WINDOWEND > 12", 3, 20),
        ("WINDOWSTART = 5 OR WINDOWSTART = 6", 0, 2**63 - 1),
    ],
)
def test_starts_of_windows_that_a_pull_query_asks_for(
    parser: Any, text: str, first: int, last: int
) -> None:
    where = parser.parse_expression(text)
    assert pull.window_starts(where, WindowInfo("TUMBLING", 10)) == (first, last)


@pytest.mark.parametrize(
    ("text", "settings", "refused"),
    [
        ("V = 1", {}, False),
        ("V = 1", {"ksql.query.pull.table.scan.enabled": "false"}, True),
        ("ID > 'a'", {"ksql.query.pull.table.scan.enabled": "false"}, False),
        (
            "ID > 'a'",
            {
                "ksql.query.pull.table.scan.enabled": "false",
                "ksql.query.pull.range.scan.enabled": "false",
            },
            True,
        ),
    ],
)
def test_scans_can_be_forbidden(
    parser: Any, catalog: Catalog, text: str, settings: dict[str, str], refused: bool
) -> None:
    table = catalog.source("T")
    assert table is not None
    where = parser.parse_expression(text)
    if refused:
        with pytest.raises(StatementError, match="Pull queries require a WHERE clause"):
            pull.check_scan(where, table, settings)
    else:
        pull.check_scan(where, table, settings)
