"""Cutting text into statements, and what can be said of one without parsing it."""

from __future__ import annotations

import pytest

from lab.shell.scanner import Statement, property_change, split, tokens


def texts(text: str) -> list[str]:
    return [statement.text for statement in split(text).statements]


def only(text: str) -> Statement:
    (statement,) = split(text).statements
    return statement


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 'a;b' FROM `x;y` WHERE \"q\" = 1.5e3; -- c;\n/* d; */ SHOW\tTOPICS;\n",
        "SELECT 'it''s' FROM é$ß;",
        "SELECT 'open",
        "/* open ; ",
        "SELECT `open ; ",
    ],
)
def test_tokens_cover_the_text_without_a_gap(text: str) -> None:
    found = list(tokens(text))
    assert "".join(token.text for token in found) == text
    assert [token.start for token in found] == [
        sum(len(before.text) for before in found[:index]) for index in range(len(found))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SHOW TOPICS;", ["SHOW TOPICS;"]),
        ("A; B;", ["A;", "B;"]),
        ("SELECT ';' FROM T;", ["SELECT ';' FROM T;"]),
        ("SELECT 'it''s;' FROM T;", ["SELECT 'it''s;' FROM T;"]),
        ("SELECT `a;b` FROM T;", ["SELECT `a;b` FROM T;"]),
        ("-- no; statement\nA;", ["A;"]),
        ("/* no;\nstatement */ A;", ["A;"]),
        ("A -- why; not\n;", ["A -- why; not\n;"]),
        (";; A;;", ["A;"]),
        ("A", []),
        ("SELECT 'a;", []),
        ("SELECT 5 - -3;", ["SELECT 5 - -3;"]),
    ],
)
def test_statements_end_at_a_semicolon_outside_of_quotes(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_statements_know_their_line() -> None:
    found = split("\n-- c\nA;\n\nB\n;C;", first_line=10)
    assert [(statement.text, statement.line) for statement in found.statements] == [
        ("A;", 12),
        ("B\n;", 14),
        ("C;", 15),
    ]


def test_rest_is_what_stands_after_the_last_end() -> None:
    found = split("A;\nSELECT 1\n")
    assert (found.rest, found.rest_line, found.pending) == ("\nSELECT 1\n", 1, True)


@pytest.mark.parametrize("rest", ["", " \n", "-- done", "/* done */\n"])
def test_comments_alone_are_not_pending(rest: str) -> None:
    assert split("A;" + rest).pending is False


@pytest.mark.parametrize(
    ("text", "name"), [("SELECT 'a", "string"), ("SELECT `a", "quoted name"), ("/* a", "comment")]
)
def test_unclosed_construct_is_named(text: str, name: str) -> None:
    found = split(text)
    assert (found.pending, found.unclosed) == (True, name)


@pytest.mark.parametrize(
    ("text", "query", "push"),
    [
        ("select * from T;", True, False),
        ("SELECT * FROM T EMIT  changes LIMIT 2;", True, True),
        ("SELECT 'EMIT CHANGES' FROM T;", True, False),
        ("CREATE STREAM X AS SELECT * FROM T EMIT CHANGES;", False, False),
        ("INSERT INTO X SELECT * FROM T EMIT CHANGES;", False, False),
        ("EXPLAIN SELECT * FROM T EMIT CHANGES;", False, False),
    ],
)
def test_queries_are_told_from_statements(text: str, query: bool, push: bool) -> None:
    statement = only(text)
    assert (statement.is_query, statement.is_push) == (query, push)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("SET 'auto.offset.reset'='earliest';", ("auto.offset.reset", "earliest")),
        ("set 'a' = 'it''s';", ("a", "it's")),
        ("UNSET 'a';", ("a", None)),
        ("SET a='b';", None),
        ("SET 'a'>'b';", None),
        ("SHOW PROPERTIES;", None),
    ],
)
def test_property_changes_are_read(text: str, change: tuple[str, str | None] | None) -> None:
    assert property_change(only(text)) == change
