"""The parser against texts that nobody would write: it answers with an AST or a named refusal.

KSQLDB_FUZZ=100000 runs more than the few thousand that fit a test run; the seed is in the name.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from lark import Lark
from support.sql_fuzz import Damager, Grower

from lab.ksqldb.errors import StatementError
from lab.ksqldb.sql import parser as sql_parser
from lab.ksqldb.sql.parser import Parser

COUNT = int(os.environ.get("KSQLDB_FUZZ", "3000"))
SLOW_SECONDS = 5.0
RECORDED = Path(__file__).parent.parent / "conformance" / "ksqldb" / "recorded"


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser()


@pytest.fixture(scope="module")
def grammar() -> Lark:
    text = Path(sql_parser.__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", start="statement")


def statements() -> list[str]:
    """What was sent to the real server."""
    found = []
    for file in sorted(RECORDED.glob("*.json")):
        found += _texts(json.loads(file.read_text("utf-8")))
    return sorted(set(found))


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [v for k, v in node.items() if k in {"sql", "ksql"} and isinstance(v, str)]
        return own + [t for v in node.values() for t in _texts(v)]
    if isinstance(node, list):
        return [t for item in node for t in _texts(item)]
    return []


def outcome(parser: Parser, text: str) -> bool:
    """Whether the text parses. Anything but a refusal, or a slow answer, fails the test."""
    refusal = "none"
    begun = time.process_time()
    try:
        parser.parse(text)
        parsed = True
    except StatementError as error:
        refusal = error.message
        parsed = False
    except Exception as error:  # the point of the test
        pytest.fail(f"{type(error).__name__}: {error}\non {text!r}")
    assert refusal
    assert time.process_time() - begun < SLOW_SECONDS, f"slow on {text!r}"
    return parsed


@pytest.mark.parametrize("seed", [1, 2])
def test_statements_grown_from_the_grammar(parser: Parser, grammar: Lark, seed: int) -> None:
    grower = Grower(grammar, seed)
    parsed = [outcome(parser, grower.statement()) for _ in range(COUNT // 2)]
    assert sum(parsed) > len(parsed) // 10, "the grower makes nearly nothing that parses"


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_statements(parser: Parser, seed: int) -> None:
    damager = Damager(statements(), seed)
    parsed = [outcome(parser, damager.statement()) for _ in range(COUNT // 2)]
    assert any(parsed)
    assert not all(parsed)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM x;",
        "SELECT " + "+".join(["1"] * 5000) + " FROM x;",
        "SELECT " + "NOT " * 5000 + "true FROM x;",
        "CREATE STREAM a (b " + "ARRAY<" * 2000 + "INT" + ">" * 2000 + ") WITH (x=1);",
        "SELECT * FROM x WHERE " + " OR ".join(["a = 1"] * 4000) + ";",
    ],
    ids=["parentheses", "sum", "not", "type", "or"],
)
def test_statements_nested_without_end_are_refused(parser: Parser, text: str) -> None:
    with pytest.raises(StatementError, match="nested too deeply"):
        parser.parse(text)


def test_statements_nested_as_deeply_as_people_do_are_parsed(parser: Parser) -> None:
    assert parser.parse("SELECT " + "(" * 100 + "1" + ")" * 100 + " FROM x;")
    assert parser.parse("SELECT * FROM x WHERE " + " OR ".join(["a = 1"] * 200) + ";")
