"""Queries, inserts and DDL against a catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.ksqldb.analysis import ddl, pull
from lab.ksqldb.analysis.insert import analyze_insert
from lab.ksqldb.analysis.query import AnalyzedQuery, analyze, qualified
from lab.ksqldb.analysis.timestamps import milliseconds
from lab.ksqldb.analysis.topics import SandboxTopics, Topic
from lab.ksqldb.catalog import Catalog, Column
from lab.ksqldb.errors import RequestError, StatementError
from lab.ksqldb.functions.library import builtin
from lab.ksqldb.names import ColumnName, TopicName
from lab.ksqldb.plan.planner import plan_persistent, plan_push
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.format import expression, query
from lab.ksqldb.sql.types import STRING

Parse = Callable[[str], ast.Statement]


def analyzed(statement: Parse, catalog: Catalog, text: str) -> AnalyzedQuery:
    made = statement(text)
    assert isinstance(made, ast.QueryStatement)
    return analyze(made.query, catalog, builtin())


def test_stars_expand_and_names_are_given(statement: Parse, catalog: Catalog) -> None:
    found = analyzed(statement, catalog, "SELECT I + 1, ST->Q, x.S AS u, 2 FROM S x EMIT CHANGES;")
    assert [i.name for i in found.items] == ["KSQL_COL_0", "Q", "U", "KSQL_COL_1"]
    star = analyzed(statement, catalog, "SELECT * FROM S;")
    assert [i.name for i in star.items][:3] == ["ID", "I", "L"]


def test_the_shown_statement_is_qualified(statement: Parse, catalog: Catalog) -> None:
    made = statement("SELECT i, UCASE(s) AS u FROM S WHERE b GROUP BY i;")
    assert isinstance(made, ast.QueryStatement)
    plain = statement("SELECT i, UCASE(s) AS u FROM S x WHERE b;")
    assert isinstance(plain, ast.QueryStatement)
    found = analyze(plain.query, catalog, builtin())
    assert query(qualified(plain.query, found)) == (
        "SELECT\n  X.I I,\n  UCASE(X.S) U\nFROM S X\nWHERE X.B\nEMIT CHANGES"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT NOPE FROM S;", "Line: 1, Col: 8: SELECT column 'NOPE' cannot be resolved"),
        ("SELECT I FROM S WHERE NOPE = 1;", "Line: 1, Col: 23: WHERE column 'NOPE'"),
        ("SELECT S.I FROM S x;", "SELECT column 'S.I' cannot be resolved"),
        ("SELECT I FROM NOPE;", "NOPE does not exist"),
        ("SELECT I FROM `s`;", "Did you mean S"),
        ("SELECT I FROM S WHERE I;", "Should evaluate to boolean"),
        ("SELECT I, COUNT(*) FROM S GROUP BY S;", "not part of GROUP BY: I"),
        ("SELECT S FROM S GROUP BY S;", "GROUP BY requires aggregate functions"),
        ("SELECT SUM(COUNT(*)) FROM S GROUP BY S;", "can not be nested"),
        ("SELECT S, COUNT(*) FROM S GROUP BY S HAVING I > 1;", "HAVING expression"),
        ("SELECT MIN(I) FROM T GROUP BY S;", "cannot be applied to a table source"),
        ("SELECT I FROM S EMIT FINAL;", "EMIT FINAL"),
        ("SELECT I FROM S JOIN T ON S.ID = T.ID;", "Column 'I' is ambiguous. Could be S.I or T.I"),
        ("SELECT I AS WINDOWSTART FROM S;", "reserved column name"),
    ],
)
def test_queries_that_are_refused(statement: Parse, catalog: Catalog, text: str, says: str) -> None:
    with pytest.raises(StatementError) as caught:
        analyzed(statement, catalog, text)
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT I FROM S;", "Key missing from projection"),
        ("SELECT ID FROM S;", "no value columns"),
        ("SELECT ID, ID AS I2, I FROM S;", "more than once"),
        ("SELECT ID, I, I FROM S;", "Duplicate value columns"),
        ("SELECT COUNT(*) AS N FROM S GROUP BY S;", "Key missing from projection"),
        ("SELECT COUNT(*) AS N FROM S;", "without a GROUP BY"),
        ("SELECT S, COUNT(*) AS S FROM S GROUP BY S;", "Duplicate value columns"),
    ],
)
def test_persistent_queries_need_their_key(
    statement: Parse, catalog: Catalog, text: str, says: str
) -> None:
    with pytest.raises(StatementError, match=says):
        plan_persistent(analyzed(statement, catalog, text), builtin(), "X")


def test_push_queries_keep_the_order_written(statement: Parse, catalog: Catalog) -> None:
    found = analyzed(statement, catalog, "SELECT COUNT(*) AS n, S FROM S GROUP BY S EMIT CHANGES;")
    planned = plan_push(found, builtin())
    assert [c.name for c in planned.schema.value] == ["N", "S"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("K = 'a'", ["a"]),
        ("'a' = K", ["a"]),
        ("K IN ('a', 'b', 'a')", ["a", "b"]),
        ("V > 1 AND K = 'a'", ["a"]),
        ("K = 'a' OR V = 1", None),
        ("K > 'a'", None),
        ("K NOT IN ('a')", None),
        ("K = CONCAT('a', 'b')", None),
    ],
)
def test_keys_that_a_pull_query_asks_for(parser: Any, text: str, values: list[str] | None) -> None:
    key = (Column(ColumnName("K"), STRING),)
    found = pull.lookups(parser.parse_expression(text), key)
    assert found == (None if values is None else [(v,) for v in values])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("INSERT INTO S (ID, NOPE) VALUES ('a', 1);", "`NOPE` does not exist"),
        ("INSERT INTO S (ID, I) VALUES ('a', 'text');", "Expected type INTEGER"),
        ("INSERT INTO S (ID, I) VALUES ('a', 99999999999);", "BIGINT(99999999999)"),
        ("INSERT INTO S (ID, X) VALUES ('a', 123456789.5);", "DECIMAL(10, 2)"),
        ("INSERT INTO S (ID, I) VALUES ('a', L);", "column reference"),
        ("INSERT INTO S (ID, I) VALUES ('a', NOPE(1));", "NOPE"),
        ("INSERT INTO T (I) VALUES (1);", "primary key"),
        ("INSERT INTO NOPE VALUES (1);", "unknown stream/table"),
    ],
)
def test_inserts_that_are_refused(statement: Parse, catalog: Catalog, text: str, says: str) -> None:
    made = statement(text)
    assert isinstance(made, ast.InsertValues)
    with pytest.raises(RequestError) as caught:
        analyze_insert(made, catalog, builtin())
    assert says in caught.value.message


def test_an_insert_fills_the_columns_not_given_with_null(
    statement: Parse, catalog: Catalog
) -> None:
    made = statement("INSERT INTO S (ROWTIME, L, ID, D) VALUES (5, 7, 'k', 1.5);")
    assert isinstance(made, ast.InsertValues)
    found = analyze_insert(made, catalog, builtin())
    assert (found.key, found.value[:4], found.timestamp) == (("k",), (None, 7, 1.5, None), 5)


class OneTopic:
    def find(self, name: str) -> Topic | None:
        return Topic(TopicName(name), 3, 1, 1000) if name == "there" else None


def create(statement: Parse, catalog: Catalog, text: str) -> ddl.CreatedSource | ddl.Exists:
    made = statement(text)
    assert isinstance(made, ast.CreateSource)
    return ddl.create_source(made, catalog, SandboxTopics(OneTopic()), {"KEY_FORMAT": "KAFKA"})


def test_a_create_statement_is_completed_and_sorted(statement: Parse, catalog: Catalog) -> None:
    made = create(
        statement,
        catalog,
        "create stream n (k int key, v varchar) with (value_format='json', kafka_topic='new', "
        "partitions=2);",
    )
    assert isinstance(made, ddl.CreatedSource)
    assert made.statement == (
        "CREATE STREAM N (K INTEGER KEY, V STRING) WITH (CLEANUP_POLICY='delete', "
        "KAFKA_TOPIC='new', KEY_FORMAT='KAFKA', PARTITIONS=2, VALUE_FORMAT='json');"
    )
    assert made.new_topic is not None
    assert made.new_topic.partitions == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("STREAM N (A INT) WITH (VALUE_FORMAT='JSON')", "KAFKA_TOPIC"),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON')", "PARTITIONS=2"),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='there')", "'VALUE_FORMAT' property"),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='there', VALUE_FORMAT='X')", "Unknown format: X"),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='there', VALUE_FORMAT='AVRO')", "The AVRO format"),
        ("TABLE N (A INT) WITH (KAFKA_TOPIC='there', VALUE_FORMAT='JSON')", "PRIMARY KEY"),
        ("STREAM S (A INT) WITH (KAFKA_TOPIC='there', VALUE_FORMAT='JSON')", "already exists"),
        ("STREAM N (A INT, B INT) WITH (KAFKA_TOPIC='there', FORMAT='KAFKA')", "single field"),
        ("STREAM N (ROWTIME INT) WITH (KAFKA_TOPIC='there', FORMAT='JSON')", "reserved column"),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='there', FORMAT='JSON', NOPE=1)", "NOPE"),
        (
            "STREAM N (A INT) WITH (KAFKA_TOPIC='there', FORMAT='JSON', TIMESTAMP='B')",
            "TIMESTAMP column",
        ),
        ("STREAM N (A INT) WITH (KAFKA_TOPIC='there', FORMAT='JSON', PARTITIONS=7)", "3"),
        (
            "STREAM N (K MAP<STRING, INT> KEY, A INT) WITH (KAFKA_TOPIC='there', FORMAT='JSON')",
            "Map keys",
        ),
    ],
)
def test_create_statements_that_are_refused(
    statement: Parse, catalog: Catalog, text: str, says: str
) -> None:
    with pytest.raises(RequestError) as caught:
        create(statement, catalog, f"CREATE {text};")
    assert says in caught.value.message


def test_if_not_exists_only_warns(statement: Parse, catalog: Catalog) -> None:
    made = create(statement, catalog, "CREATE STREAM IF NOT EXISTS S (A INT) WITH (A='b');")
    assert isinstance(made, ddl.Exists)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970", 0),
        ("1970-01-02", 86_400_000),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01T00:00:01.5", 1500),
    ],
)
def test_times_in_text(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


def test_rowtime_is_compared_in_milliseconds(statement: Parse, catalog: Catalog) -> None:
    found = analyzed(statement, catalog, "SELECT I FROM S WHERE ROWTIME > '1970-01-02';")
    assert found.where is not None
    assert expression(found.where) == "(ROWTIME > 86400000)"
