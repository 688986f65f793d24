"""Sessions and scripts, on a server that only remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from lab.clients.errors import KsqlRefused
from lab.clients.ksqldb import Entity
from lab.clients.ksqldb_rows import QueryHeader, Row
from lab.errors import LabError
from lab.shell.scanner import Statement, split
from lab.shell.session import Outcome, Session, run_script

HEADER = QueryHeader(None, ("A",), ("STRING",))


@dataclass
class Stream:
    rows: list[Row]
    interrupt: bool = False
    closed: bool = False
    header: QueryHeader = HEADER

    def __iter__(self) -> Iterator[Row]:
        yield from self.rows
        if self.interrupt:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeServer:
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stream: Stream = field(default_factory=lambda: Stream([("x",)]))
    timeouts: list[float | None] = field(default_factory=list)

    def execute(
        self, statements: str, *, properties: Mapping[str, str] | None = None
    ) -> list[Entity]:
        self.asked.append((statements, dict(properties or {})))
        if "BAD" in statements:
            raise KsqlRefused(status=400, error_code=40001, reason="bad")
        if "WAIT" in statements:
            raise KeyboardInterrupt
        return [] if "INSERT" in statements else [Entity("novelty", statements, {})]

    def push(
        self,
        sql: str,
        *,
        properties: Mapping[str, str] | None = None,
        row_timeout_seconds: float | None = 30.0,
    ) -> Stream:
        self.asked.append((sql, dict(properties or {})))
        self.timeouts.append(row_timeout_seconds)
        return self.stream


@dataclass
class Notes:
    """A printer that writes down what it is told."""

    lines: list[str] = field(default_factory=list)

    def entity(self, entity: Entity) -> None:
        self.lines.append(f"entity {entity.statement_text}")

    def done(self, statement: Statement) -> None:
        self.lines.append(f"done {statement.text}")

    def property(self, name: str, value: str | None) -> None:
        self.lines.append(f"property {name} {value}")

    def rows(self, header: QueryHeader, rows: Iterator[Row], *, push: bool) -> None:
        self.lines.append(f"rows push={push}")
        self.lines.extend(str(row[0]) for row in rows)

    def failure(self, error: LabError, statement: Statement | None, place: str | None) -> None:
        self.lines.append(f"failure {error} at {place}")

    def interrupted(self, statement: Statement) -> None:
        self.lines.append(f"interrupted {statement.text}")


@dataclass
class Bench:
    server: FakeServer = field(default_factory=FakeServer)
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.session = Session(self.server, self.notes)

    def run(self, text: str) -> list[Outcome]:
        return [self.session.run(statement) for statement in split(text).statements]

    def script(self, *lines: str, name: str | None = "s.sql") -> Outcome:
        return run_script(self.session, lines, name=name)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_properties_go_along_with_later_statements_until_unset(bench: Bench) -> None:
    bench.run("SHOW A; SET 'k'='v'; SHOW B; SELECT 1 FROM T; UNSET 'k'; SHOW C;")
    assert bench.server.asked == [
        ("SHOW A;", {}),
        ("SHOW B;", {"k": "v"}),
        ("SELECT 1 FROM T;", {"k": "v"}),
        ("SHOW C;", {}),
    ]
    assert "property k v" in bench.notes.lines
    assert "property k None" in bench.notes.lines


def test_statement_without_an_answer_is_done(bench: Bench) -> None:
    assert bench.run("INSERT INTO S VALUES (1);") == [Outcome.OK]
    assert bench.notes.lines == ["done INSERT INTO S VALUES (1);"]


def test_query_is_closed_after_its_rows(bench: Bench) -> None:
    assert bench.run("SELECT * FROM T;") == [Outcome.OK]
    assert bench.notes.lines == ["rows push=False", "x"]
    assert bench.server.stream.closed


def test_push_query_may_be_silent_and_a_pull_query_may_not(bench: Bench) -> None:
    bench.run("SELECT * FROM T EMIT CHANGES; SELECT * FROM T;")
    push, pull = bench.server.timeouts
    assert push is None
    assert pull is not None


def test_interrupt_ends_the_query_and_not_the_session(bench: Bench) -> None:
    bench.server.stream = Stream([("x",)], interrupt=True)
    assert bench.run("SELECT * FROM T EMIT CHANGES; SHOW A;") == [Outcome.INTERRUPTED, Outcome.OK]
    assert bench.server.stream.closed
    assert bench.notes.lines == [
        "rows push=True",
        "x",
        "interrupted SELECT * FROM T EMIT CHANGES;",
        "entity SHOW A;",
    ]


def test_interrupt_while_a_statement_runs(bench: Bench) -> None:
    assert bench.run("WAIT;") == [Outcome.INTERRUPTED]


@pytest.mark.parametrize("statement", ["PRINT 'topic';", "DEFINE a='b';", "undefine a;"])
def test_what_the_prompt_does_not_offer_is_said_before_the_server_is_asked(
    bench: Bench, statement: str
) -> None:
    assert bench.run(statement) == [Outcome.FAILED]
    assert "is not offered by this prompt" in bench.notes.lines[0]
    assert bench.server.asked == []


def test_script_ends_at_the_first_failure_and_names_its_line(bench: Bench) -> None:
    assert bench.script("SHOW A;\n", "\n", "BAD\n", "; SHOW B;\n") is Outcome.FAILED
    assert [text for text, _ in bench.server.asked] == ["SHOW A;", "BAD\n;"]
    assert bench.notes.lines[-1] == "failure HTTP 400, error code 40001: bad at s.sql:3"


def test_statements_of_a_script_run_as_their_lines_come(bench: Bench) -> None:
    seen: list[int] = []

    def lines() -> Iterator[str]:
        yield "SHOW A;\n"
        seen.append(len(bench.server.asked))
        yield "SHOW B;\n"

    assert run_script(bench.session, lines(), name=None) is Outcome.OK
    assert seen == [1]


@pytest.mark.parametrize("last", ["SHOW A", "SHOW A \n", "SHOW A -- no end", "SHOW A /* c */\n"])
def test_last_statement_may_lack_its_end(bench: Bench, last: str) -> None:
    assert bench.script(last) is Outcome.OK
    assert bench.server.asked == [("SHOW A;", {})]


@pytest.mark.parametrize("last", ["", "\n", "-- done\n", ";"])
def test_script_may_end_in_nothing(bench: Bench, last: str) -> None:
    assert bench.script("SHOW A;", last) is Outcome.OK
    assert len(bench.server.asked) == 1


def test_script_that_ends_inside_a_string_is_not_sent(bench: Bench) -> None:
    assert bench.script("SHOW A;\n", "SELECT 'a;\n", "x") is Outcome.FAILED
    assert len(bench.server.asked) == 1
    assert "the string after line 1 is not closed at s.sql" in bench.notes.lines[-1]


def test_interrupt_ends_a_script(bench: Bench) -> None:
    assert bench.script("WAIT; SHOW A;") is Outcome.INTERRUPTED
    assert Outcome.INTERRUPTED.value == 130
    assert len(bench.server.asked) == 1
