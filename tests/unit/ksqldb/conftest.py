"""What the unit tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.ksqldb.catalog import Catalog, Format, Schema, Source, columns
from lab.ksqldb.names import SourceName, TopicName
from lab.ksqldb.sql import ast
from lab.ksqldb.sql.parser import Parser
from lab.ksqldb.sql.types import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    DOUBLE,
    INTEGER,
    STRING,
    TIME,
    TIMESTAMP,
    array,
    decimal,
    map_of,
    struct,
)


@pytest.fixture(scope="session")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Parser:
    """The parser, its tables cached for the session."""
    return Parser(tmp_path_factory.getbasetemp().parent / "ksqldb-grammar")


@pytest.fixture(scope="session")
def statement(parser: Parser) -> Callable[[str], ast.Statement]:
    """One statement's AST."""

    def parse(text: str) -> ast.Statement:
        (parsed,) = parser.parse(text)
        return parsed.statement

    return parse


@pytest.fixture
def catalog() -> Catalog:
    """A stream S and a table T."""
    made = Catalog()
    value = columns(
        [
            ("I", INTEGER),
            ("L", BIGINT),
            ("D", DOUBLE),
            ("X", decimal(10, 2)),
            ("S", STRING),
            ("B", BOOLEAN),
            ("BY", BYTES),
            ("DT", DATE),
            ("TM", TIME),
            ("TS", TIMESTAMP),
            ("A", array(INTEGER)),
            ("M", map_of(STRING, INTEGER)),
            ("ST", struct(("P", INTEGER), ("Q", STRING))),
        ]
    )
    for name, kind in (("S", "STREAM"), ("T", "TABLE")):
        made.put(
            Source(
                name=SourceName(name),
                kind="STREAM" if kind == "STREAM" else "TABLE",
                schema=Schema(columns([("ID", STRING)]), value),
                topic=TopicName(name.lower()),
                key_format=Format("KAFKA"),
                value_format=Format("JSON"),
                statement="",
            )
        )
    return made
