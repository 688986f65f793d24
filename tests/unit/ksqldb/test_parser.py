"""Text to AST, and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.ksqldb.errors import StatementError, SyntaxFault
from lab.ksqldb.sql import ast, ast_admin
from lab.ksqldb.sql.format import expression
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import INTEGER, STRING, array, decimal, map_of, struct

Parse = Callable[[str], ast.Statement]


def test_identifiers_are_folded_unless_quoted(statement: Parse) -> None:
    made = statement("create stream Aa (`bB` int key, cC varchar) with (kafka_topic='t');")
    assert isinstance(made, ast.CreateSource)
    assert made.name == "AA"
    assert [(c.name, c.role) for c in made.columns] == [("bB", "KEY"), ("CC", "VALUE")]
    assert made.properties == (("KAFKA_TOPIC", "t"),)


def test_every_type_is_read(statement: Parse) -> None:
    made = statement(
        "CREATE TABLE t (k INT PRIMARY KEY, d DECIMAL(10,2), a ARRAY<VARCHAR>, "
        "m MAP<STRING, INTEGER>, s STRUCT<x INT, `y z` ARRAY<STRING>>) WITH (A='b', N=-3, F=true);"
    )
    assert isinstance(made, ast.CreateSource)
    assert [c.type for c in made.columns] == [
        INTEGER,
        decimal(10, 2),
        array(STRING),
        map_of(STRING, INTEGER),
        struct(("X", INTEGER), ("y z", array(STRING))),
    ]
    assert made.properties == (("A", "b"), ("N", -3), ("F", True))


def test_statements_are_cut_at_semicolons_outside_quotes_and_comments(parser: Parser) -> None:
    text = "SHOW STREAMS; -- not; here\nINSERT INTO a VALUES ('x;y', `b`); /* ; */ SHOW TABLES;"
    found = parser.parse(text)
    assert [type(p.statement) for p in found] == [ast.Show, ast.InsertValues, ast.Show]
    assert found[0].text == "SHOW STREAMS;"


def test_an_empty_text_has_no_statements(parser: Parser) -> None:
    assert parser.parse("  -- nothing\n") == ()


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("SELEC 1;", 1, 1, "Did you mean 'SELECT'?"),
        ("SELECT A FROM R_S", 1, 18, "missing ';'"),
        ("CREATE STREAM;", 1, 14, "near ';'"),
        ("SHOW STREAMS;\n  SHOW NOPES;", 2, 8, "NOPES"),
        ("CREATE STREAM x (by INT) WITH (A='b');", 1, 18, "reserved keyword"),
        ("SELECT 1 < 2 = true FROM s;", 1, 14, "="),
    ],
)
def test_a_syntax_error_has_its_position(
    parser: Parser, text: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parser.parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.message
    assert caught.value.error_code == 40001


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CREATE TYPE IF NOT EXISTS a AS STRUCT<x INT>;", ast_admin.CreateType),
        ("ALTER STREAM s ADD COLUMN x INT, ADD y STRING;", ast_admin.Alter),
        ("ALTER SYSTEM 'a'='b';", ast_admin.AlterSystem),
        (
            "ASSERT NOT EXISTS TOPIC 'a-b' WITH (PARTITIONS=1) TIMEOUT 1 SECOND;",
            ast_admin.AssertTopic,
        ),
        ("ASSERT SCHEMA SUBJECT 'x' ID 3 TIMEOUT 3 SECONDS;", ast_admin.AssertSchema),
        ("DEFINE x='y';", ast_admin.Define),
        ("UNDEFINE x;", ast_admin.Undefine),
        ("DESCRIBE STREAMS EXTENDED;", ast_admin.DescribeAll),
        (
            "CREATE SINK CONNECTOR `a-b` WITH (\"connector.class\"='x', 'tasks.max'=1);",
            ast_admin.CreateConnector,
        ),
        ("DROP CONNECTOR IF EXISTS x;", ast_admin.DropConnector),
        ("DESCRIBE CONNECTOR x;", ast_admin.DescribeConnector),
        ("SHOW SOURCE CONNECTORS;", ast_admin.ShowConnectors),
        ("LIST CONNECTOR PLUGINS;", ast_admin.ShowConnectorPlugins),
        ("PRINT abc FROM BEGINNING INTERVAL 2 LIMIT 3;", ast_admin.Print),
        ("RUN SCRIPT 'x';", ast_admin.RunScript),
        ("INSERT INTO a WITH (QUERY_ID='x') SELECT * FROM b;", ast.InsertSelect),
    ],
)
def test_statements_about_types_topics_connectors_and_variables(
    parser: Parser, text: str, kind: type
) -> None:
    (parsed,) = parser.parse(text)
    assert isinstance(parsed.statement, kind)


def test_topics_keep_their_case_and_types_do_not(parser: Parser) -> None:
    (printed, made) = parser.parse("PRINT someTopic; CREATE TYPE t AS INT;")
    assert isinstance(printed.statement, ast_admin.Print)
    assert isinstance(made.statement, ast_admin.CreateType)
    assert (printed.statement.topic, made.statement.name) == ("someTopic", "T")


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("SELECT ${C} FROM ${s};", "SELECT a FROM `x`;"),
        ("SELECT '${c}' FROM s;", "SELECT 'a' FROM s;"),
        ("SELECT ${n}, ${t} FROM s;", "SELECT -1.5, 'it''s' FROM s;"),
        ("SELECT '${unknown}' FROM s;", "SELECT '${unknown}' FROM s;"),
        ("SELECT '${quote}' FROM s;", "SELECT 'it''s' FROM s;"),
        ("SELECT a -- ${unknown}\n FROM s;", "SELECT a -- ${unknown}\n FROM s;"),
    ],
)
def test_variables_become_names_literals_and_text(parser: Parser, text: str, becomes: str) -> None:
    variables = {"c": "a", "s": "`x`", "n": "-1.5", "t": "'it''s'", "quote": "it's"}
    (parsed,) = parser.parse(text, variables=variables)
    assert parsed.text == becomes


@pytest.mark.parametrize("value", ["a FROM b; DROP STREAM c; SELECT a", "1 + 1", "a, b", ""])
def test_a_variable_cannot_change_what_a_statement_does(parser: Parser, value: str) -> None:
    with pytest.raises(StatementError, match="neither an identifier nor a literal"):
        parser.parse("SELECT ${v} FROM s;", variables={"v": value})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CREATE STREAM x (a NOPE) WITH (A='b');", "unknown type: NOPE"),
        ("CREATE STREAM x (a INT, a INT) WITH (A='b');", "Duplicate column"),
        ("INSERT INTO x (a) VALUES (1, 2);", "1, 2"),
        ("INSERT INTO x VALUES ();", "some values"),
        ("SELECT CAST(a AS DECIMAL(2,5)) FROM s;", "precision must be >= scale"),
    ],
)
def test_statements_that_cannot_be_prepared(parser: Parser, text: str, says: str) -> None:
    with pytest.raises(StatementError, match=says):
        parser.parse(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a + b * 2", "(A + (B * 2))"),
        ("a - b - c", "((A - B) - C)"),
        ("not a = 1 and b or c", "(((NOT (A = 1)) AND B) OR C)"),
        ("- -a", "-(-A)"),
        ("a between 1 and 2", "(A BETWEEN 1 AND 2)"),
        ("a not in (1, 'x''y')", "(A NOT IN (1, 'x''y'))"),
        ("a like 'b%' escape '!'", "(A LIKE 'b%' ESCAPE '!')"),
        ("s->x->`y z`[1]", "S->X->`y z`[1]"),
        ("case when a then 1 else 2 end", "(CASE WHEN A THEN 1 ELSE 2 END)"),
        ("cast(a as decimal(4,2))", "CAST(A AS DECIMAL(4, 2))"),
        ("map('a' := 1, 'b' := 2)", "MAP('a':=1, 'b':=2)"),
        ("struct(a := array[1, 2])", "STRUCT(A:=ARRAY[1, 2])"),
        ("count(*)", "COUNT(*)"),
        ("a != 1", "(A <> 1)"),
        ("a is not distinct from b", "(A IS NOT DISTINCT FROM B)"),
        ("1e3 + 1.50", "(1e3 + 1.50)"),
    ],
)
def test_expressions_are_written_so_that_they_parse_to_the_same(
    parser: Parser, text: str, written: str
) -> None:
    node = parser.parse_expression(text)
    shown = expression(node)
    assert shown == written
    assert parser.parse_expression(shown) == node


def test_a_cached_grammar_parses_the_same(parser: Parser) -> None:
    fresh = Parser(None)
    text = "SELECT a, COUNT(*) FROM s WHERE b > 1 GROUP BY a EMIT CHANGES LIMIT 2;"
    assert fresh.parse(text) == parser.parse(text)
